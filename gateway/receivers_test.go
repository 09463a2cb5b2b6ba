package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/gateway"
	"offramp/gateway/database"
	"offramp/gateway/database/servers"
	"offramp/gateway/nexthop"
	"offramp/gateway/program"
	"offramp/gateway/relay"
	"offramp/gateway/sink"
	"offramp/listunsub"
	"offramp/store"
	"offramp/store/sqlite"
)

// What a process under test is told in its environment.
const (
	envDir   = "TEST_RECEIVERS_DIR"
	envSQL   = "TEST_RECEIVERS_SQL"
	envExec  = "TEST_RECEIVERS_EXEC"
	envStart = "TEST_RECEIVERS_START" // which process it is
)

const sqlStatement = "INSERT INTO taken (event_id, who) VALUES (:event_id, :recipient)"

// TestReceiversProcess is the process that is killed: a server with data that
// others made.
func TestReceiversProcess(t *testing.T) {
	dir := os.Getenv(envDir)
	if dir == "" {
		t.Skip("not a process of TestEventsArrive")
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, PersonKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(os.Getenv(envStart))
	// What the process before had leased is free after some time.
	now := func() time.Time { return time.Now().Add(time.Duration(n) * 5 * time.Minute) }
	var loopback relay.Network
	if err := loopback.UnmarshalText([]byte("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	c := gateway.Config{
		Hostname: "offramp.example.org", PublicURL: "https://offramp.example.org",
		SMTPAddr: []string{"127.0.0.1:0"}, HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0",
		NextHop: nexthop.Config{Servers: []string{"smtp://127.0.0.1:9"}}, Relay: relay.Config{TrustedNetworks: []relay.Network{loopback}},
		Exec: program.Config{Command: os.Getenv(envExec)},
	}
	if url := os.Getenv(envSQL); url != "" {
		c.SQL = database.Config{URL: url, Statement: sqlStatement, Kinds: []string{string(store.EventUnsubscribed)}}
	}
	p := partsOf(db, ring, os.Getenv(envDir)+"-imports")
	p.Now, p.Environ = now, []string{"PATH=/usr/bin:/bin"}
	g, err := gateway.New(c, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal(g.Run(context.Background()))
}

// people of the test.
const people = 300

// arrivals is data with many events, and the process that sends them.
type arrivals struct {
	t      *testing.T
	dir    string
	env    []string
	events int
	starts int
	run    *exec.Cmd
}

func newArrivals(t *testing.T, consumer string, events int) *arrivals {
	t.Helper()
	a := &arrivals{t: t, dir: filepath.Join(t.TempDir(), "data"), events: events}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: a.dir, PersonKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for n := 0; n < events; {
		var batch []store.Event
		for ; n < events && len(batch) < 500; n++ {
			batch = append(batch, store.Event{Time: time.Now(), Kind: store.EventUnsubscribed, Recipient: fmt.Sprintf("p%d@dest.example", rand.IntN(people)), List: "news.example"})
		}
		if err := db.Consent().AddEvents(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
	// It begins with the first event, not with those from now on.
	if err := db.Consent().AddConsumer(t.Context(), store.Consumer{Name: consumer, Kind: consumer, State: store.ConsumerActive, Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.kill)
	return a
}

func (a *arrivals) start() {
	a.t.Helper()
	a.run = exec.Command(os.Args[0], "-test.run=^TestReceiversProcess$")
	a.run.Env = append(append(os.Environ(), envDir+"="+a.dir, fmt.Sprintf("%s=%d", envStart, a.starts)), a.env...)
	a.starts++
	if err := a.run.Start(); err != nil {
		a.t.Fatal(err)
	}
}

func (a *arrivals) kill() {
	if a.run != nil {
		_ = a.run.Process.Kill()
		_ = a.run.Wait()
		a.run = nil
	}
}

// row is one event as it arrived.
type row struct {
	ID        int64
	Recipient string
}

// until starts and kills the process until everything has arrived. between is
// called while it is down.
func (a *arrivals) until(arrived func() []row, between func(n int)) []row {
	a.t.Helper()
	end := time.Now().Add(3 * time.Minute)
	for n := 0; ; n++ {
		a.start()
		var all []row
		killed := time.Now().Add(500*time.Millisecond + rand.N(700*time.Millisecond))
		for {
			time.Sleep(50 * time.Millisecond)
			all = arrived()
			seen := map[int64]bool{}
			for _, r := range all {
				seen[r.ID] = true
			}
			if len(seen) == a.events {
				a.kill()
				return all
			}
			if n < 4 && time.Now().After(killed) {
				break
			}
			if time.Now().After(end) {
				a.t.Fatalf("%d of %d events arrived", len(seen), a.events)
			}
		}
		a.kill()
		between(n)
	}
}

// check says whether all events arrived, each person's in order: an event that
// comes once more comes with all that followed it.
func (a *arrivals) check(all []row) {
	a.t.Helper()
	seen, last := map[int64]bool{}, map[string]int64{}
	for _, r := range all {
		if !seen[r.ID] && r.ID < last[r.Recipient] {
			a.t.Fatalf("event %d of %s came after event %d", r.ID, r.Recipient, last[r.Recipient])
		}
		seen[r.ID] = true
		last[r.Recipient] = max(last[r.Recipient], r.ID)
	}
	for id := range int64(a.events) {
		if !seen[id+1] {
			a.t.Fatalf("event %d did not arrive", id+1)
		}
	}
	a.t.Logf("%d events, %d arrivals, %d processes", a.events, len(all), a.starts)
}

// Every event reaches a program at least once and in order, whatever dies.
func TestEventsArriveAtAProgram(t *testing.T) {
	a := newArrivals(t, "exec", 10_000)
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	// It fails before it took what it was given, and is killed after that.
	script := filepath.Join(dir, "take")
	if err := os.WriteFile(script, []byte(`#!/bin/sh
cd "`+dir+`" && echo >> calls && n=$(($(wc -l < calls)))
[ $n = 7 ] && exit 1
cat > part.$n && cat part.$n >> taken && rm part.$n
[ $n = 12 ] && kill -9 $$
exit 0
`), 0o755); err != nil {
		t.Fatal(err)
	}
	a.env = []string{envExec + "=" + script}
	all := a.until(func() (all []row) {
		f, err := os.Open(taken)
		if err != nil {
			return nil
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			var r row
			if err := json.Unmarshal(lines.Bytes(), &r); err == nil { // not the last one, half written
				all = append(all, r)
			}
		}
		return all
	}, func(int) {})
	a.check(all)
}

// The same for a database, which is away at times.
func TestEventsArriveInADatabase(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *servers.Server{"PostgreSQL": servers.PostgreSQL, "MariaDB": servers.MariaDB} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			own := server.Open()
			number := map[string]string{"PostgreSQL": "bigserial", "MariaDB": "bigint auto_increment"}[name]
			if _, err := own.Exec("CREATE TABLE taken (n " + number + " PRIMARY KEY, event_id bigint, who varchar(320))"); err != nil {
				t.Fatal(err)
			}
			a := newArrivals(t, "sql", 10_000)
			a.env = []string{envSQL + "=" + server.URL}
			all := a.until(func() (all []row) {
				rows, err := own.Query("SELECT event_id, who FROM taken ORDER BY n")
				if err != nil {
					return nil // it is away
				}
				defer rows.Close()
				for rows.Next() {
					var r row
					if rows.Scan(&r.ID, &r.Recipient) == nil {
						all = append(all, r)
					}
				}
				return all
			}, func(n int) {
				switch n % 2 {
				case 0: // it crashes, and is away when the next process starts
					server.Stop()
					a.start()
					time.Sleep(time.Second)
					a.kill()
					server.Start()
					server.Open()
				}
			})
			a.check(all)
		})
	}
}

// A database that does not answer holds up nothing but its own events.
func TestSilentDatabaseHoldsUpNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := filepath.Join(t.TempDir(), "taken")
	h := newHouse(t, sink.Options{})
	h.config.SQL = database.Config{URL: "postgres://nobody:x@" + l.Addr().String() + "/none?sslmode=disable", Statement: sqlStatement, Kinds: []string{"unsubscribed"}}
	h.config.Exec = program.Config{Command: "/bin/sh -c 'cat > " + taken + "'"}
	h.parts.Environ = []string{"PATH=/usr/bin:/bin"}
	c := h.db.Consent()
	if err := c.AddConsumer(t.Context(), store.Consumer{Name: "exec", Kind: "exec", State: store.ConsumerActive, Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := c.AddEvents(t.Context(), store.Event{Time: time.Now(), Kind: store.EventUnsubscribed, Recipient: "ada@dest.example", List: "news.example"}); err != nil {
		t.Fatal(err)
	}
	h.run()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if b, _ := os.ReadFile(taken); len(b) > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the program was given nothing within 5 s")
		}
	}
}

// Without a server the consumers of the settings are shown as it has them.
func TestConsumersWithoutAServer(t *testing.T) {
	h := newHouse(t, sink.Options{})
	h.config.Exec = program.Config{Command: "/bin/true", Kinds: []string{"unsubscribed"}, Lists: []string{"News.example"}}
	handler, _, err := gateway.API(t.Context(), h.config, h.parts)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/webhooks", nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if got := w.Body.String(); !strings.Contains(got, `"lists":["news.example"]`) || !strings.Contains(got, `"kinds":["unsubscribed"]`) {
		t.Errorf("%d %s", w.Code, got)
	}
}
