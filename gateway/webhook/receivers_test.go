package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/callout"
	"offramp/gateway/outbox"
	"offramp/gateway/record"
	"offramp/store"
	"offramp/store/sqlite"
)

var torture = flag.Bool("torture", false, "run the trials at full length")

// internet is a network of receivers: names, the addresses behind them, and what is
// dialled. Whatever is dialled that is not public is counted.
type internet struct {
	t       *testing.T
	mu      sync.Mutex
	names   map[string]func() string // address of a host, at each look-up
	servers map[string]string        // where an address is in truth
	private []string                 // what was dialled and is not public
	roots   *x509.CertPool
}

func newInternet(t *testing.T) *internet {
	return &internet{t: t, names: map[string]func() string{}, servers: map[string]string{}, roots: x509.NewCertPool()}
}

// LookupNetIP implements callout.Resolver.
func (n *internet) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := n.names[host]
	if name == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr(name())}, nil
}

func (n *internet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	n.mu.Lock()
	to := n.servers[host]
	if !strings.HasPrefix(host, "93.184.") {
		n.private = append(n.private, address)
	}
	n.mu.Unlock()
	if to == "" {
		return nil, errors.New("connect: connection refused")
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

// place makes a receiver under a host name, and returns what it took by id.
func (n *internet) place(i int, answer func(w http.ResponseWriter, q *http.Request, try int) bool) (host string, in *intake) {
	in = &intake{by: map[string]int{}, tries: map[string]int{}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		id := q.Header.Get("Webhook-Id")
		if answer(w, q, in.try(id)) {
			in.take(n.t, id, body)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	n.t.Cleanup(server.Close)
	n.roots.AddCert(server.Certificate())
	host, address := fmt.Sprintf("r%d.example.com", i), fmt.Sprintf("93.184.0.%d", i)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[host] = func() string { return address }
	n.servers[address] = server.Listener.Addr().String()
	return host, in
}

// intake is what a receiver took.
type intake struct {
	mu    sync.Mutex
	by    map[string]int // how often each id was taken
	tries map[string]int
	order []record.Event // each for the first time
}

func (in *intake) try(id string) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.tries[id]++
	return in.tries[id]
}

func (in *intake) take(t *testing.T, id string, body []byte) {
	var e standardBody
	if err := json.Unmarshal(body, &e); err != nil {
		t.Errorf("body %q: %v", body, err)
	}
	if !strings.HasPrefix(id, fmt.Sprintf("evt_%d_", e.Data.ID)) {
		t.Errorf("event %d has the id %s", e.Data.ID, id)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.by[id]++; in.by[id] == 1 {
		in.order = append(in.order, e.Data)
	}
}

func (in *intake) count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.by)
}

// check says that each of n events came under one id, and those of a person in order.
func (in *intake) check(t *testing.T, name string, n int) {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	last, events, again := map[string]int64{}, map[int64]bool{}, 0
	for _, e := range in.order {
		if e.ID < last[e.Recipient] {
			t.Errorf("%s: event %d of %s came after %d", name, e.ID, e.Recipient, last[e.Recipient])
		}
		last[e.Recipient] = e.ID
		events[e.ID] = true
	}
	for _, times := range in.by {
		again += times - 1
	}
	if len(events) != n || len(in.by) != n {
		t.Errorf("%s: %d events under %d ids, want %d", name, len(events), len(in.by), n)
	}
	t.Logf("%-10s %d events, %d of them again, %d people", name, len(events), again, len(last))
}

// Every event reaches every receiver that can be reached at all, at least once, with
// one id, and in order for each person, while they fail, stall, redirect, break TLS and
// vanish, and while the outbox is stopped and started; and no connection goes to an
// address that is not public, whatever a name resolves to. With -torture 10,000 events.
func TestTortureReceivers(t *testing.T) {
	n, people, restarts := 200, 60, 1
	if *torture {
		n, people, restarts = 10_000, 1_500, 12
	}
	world := newInternet(t)
	chance := func(one int) bool { return rand.IntN(one) == 0 }
	hosts, taken := map[string]string{}, map[string]*intake{}
	number := 0
	place := func(name string, answer func(w http.ResponseWriter, q *http.Request, try int) bool) {
		number++
		hosts[name], taken[name] = world.place(number, answer)
	}
	good := func(http.ResponseWriter, *http.Request, int) bool { return true }
	refuse := func(w http.ResponseWriter, status int) bool { w.WriteHeader(status); return false }
	place("good", good)
	place("failing", func(w http.ResponseWriter, _ *http.Request, try int) bool {
		switch {
		case chance(20):
			return refuse(w, 500)
		case chance(30):
			return refuse(w, 422)
		case chance(40): // taken, and the answer is lost
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				conn.Close()
			}
		}
		return true
	})
	place("stalling", func(w http.ResponseWriter, q *http.Request, try int) bool {
		if chance(n / 4) {
			<-q.Context().Done()
			return false
		}
		return true
	})
	place("redirect", func(w http.ResponseWriter, q *http.Request, try int) bool {
		if chance(10) {
			http.Redirect(w, q, []string{"https://127.0.0.1/", "https://10.0.0.5/x", "http://169.254.169.254/latest/meta-data/", "https://inside.example.com/"}[rand.IntN(4)], http.StatusTemporaryRedirect)
			return false
		}
		return true
	})
	place("chatty", func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		io.WriteString(w, strings.Repeat("x", 100<<10))
		return true
	})
	var away atomic.Bool
	place("vanishing", func(w http.ResponseWriter, _ *http.Request, _ int) bool { return true })
	place("rebinding", good)
	place("tls", good)
	vanishing, rebinding, broken := "93.184.0.6", "93.184.0.7", "93.184.0.8"
	there := world.servers[vanishing]
	// The name of one is private every other time, and its connections are not kept.
	turn := 0
	world.names[hosts["rebinding"]] = func() string {
		if turn++; turn%2 == 0 {
			return []string{"127.0.0.1", "10.0.0.5", "::1", "169.254.169.254", "::ffff:192.168.0.1", "64:ff9b::a00:5"}[turn/2%6]
		}
		return rebinding
	}
	world.names["inside.example.com"] = func() string { return "10.0.0.5" }
	// The certificate of one is another's until later.
	bad := httptest.NewUnstartedServer(http.NotFoundHandler())
	bad.TLS, bad.Config.ErrorLog = &tls.Config{}, log.New(io.Discard, "", 0)
	bad.StartTLS()
	defer bad.Close()
	whole := world.servers[broken]
	strange, err := tls.X509KeyPair(strangeCert(t))
	must(t, err)
	bad.TLS.Certificates = []tls.Certificate{strange}
	world.servers[broken] = bad.Listener.Addr().String()

	dir := t.TempDir()
	client := func() *callout.Client {
		return &callout.Client{Resolver: world, Dial: world.dial, Roots: world.roots, Timeout: time.Second}
	}
	sender := &Sender{Client: client, Agent: "offramp"}
	run := func(first bool, until func() bool) time.Duration {
		db, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, PersonKey: bytes.Repeat([]byte("k"), 32)})
		must(t, err)
		defer db.Close()
		c := db.Consent()
		o := &outbox.Outbox{
			Consumers: c, Ledger: c, Kinds: map[string]outbox.Kind{Kind: sender.Kind()},
			Waits: []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond},
		}
		w := &Webhooks{Outbox: o, Sender: sender}
		ctx, stop := context.WithCancel(context.Background())
		if first {
			for name, host := range hosts {
				_, err := w.Add(ctx, record.NewWebhook{Name: name, URL: "https://" + host + "/hook"})
				must(t, err)
			}
			for name, address := range map[string]string{"private": "https://inside.example.com/hook", "nowhere": "https://gone.example.com/"} {
				_, err := w.Add(ctx, record.NewWebhook{Name: name, URL: address})
				must(t, err)
			}
			for i := range n / 100 {
				var all []store.Event
				for j := range 100 {
					all = append(all, store.Event{Time: time.Now(), Kind: store.EventUnsubscribed, Recipient: fmt.Sprintf("p%d@x.example", (i*100+j)%people), List: "news.example"})
				}
				must(t, c.AddEvents(ctx, all...))
			}
		}
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- o.Run(ctx) }()
		for end := time.Now().Add(5 * time.Minute); !until() && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if chance(10) {
				away.Store(!away.Load())
				world.mu.Lock()
				world.servers[vanishing] = map[bool]string{true: "127.0.0.1:1", false: there}[away.Load()]
				world.mu.Unlock()
			}
		}
		took := time.Since(began)
		stop()
		must(t, <-done)
		return took
	}
	took := run(true, func() bool { return taken["good"].count() == n })
	t.Logf("the one that is well got all of %d in %s", n, took)
	if limit := 20*time.Second + time.Duration(n)*10*time.Millisecond; took > limit {
		t.Errorf("others held up the one that is well: %s", took)
	}
	for range restarts {
		end := time.Now().Add(300 * time.Millisecond)
		run(false, func() bool { return time.Now().After(end) })
	}
	world.mu.Lock()
	world.servers[broken] = whole
	world.mu.Unlock()
	run(false, func() bool {
		for _, in := range taken {
			if in.count() < n {
				return false
			}
		}
		return true
	})
	for name, in := range taken {
		in.check(t, name, n)
	}
	if len(world.private) > 0 {
		t.Errorf("%d connections to addresses that are not public: %q", len(world.private), world.private)
	}
}
