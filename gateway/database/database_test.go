package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/database/servers"
	"offramp/gateway/outbox"
	"offramp/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eachServer runs a test with each kind of server.
func eachServer(t *testing.T, run func(t *testing.T, p *servers.Server)) {
	for name, start := range map[string]func(testing.TB) *servers.Server{"PostgreSQL": servers.PostgreSQL, "MariaDB": servers.MariaDB} {
		t.Run(name, func(t *testing.T) { run(t, start(t)) })
	}
}

// execute runs a statement of the test's.
func execute(t testing.TB, db *sql.DB, text string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(context.Background(), text, args...)
	must(t, err)
}

var moment = time.Date(2026, 11, 20, 8, 0, 0, 123456000, time.UTC)

// event is one with every field set.
func event(id int64, recipient string) store.Event {
	return store.Event{
		ID: id, Time: moment.Add(time.Duration(id) * time.Second), Kind: store.EventUnsubscribed, Recipient: recipient, List: "news.example.com",
		Way: store.OneClick, Reason: store.ReasonComplained, Ref: 3, QueueID: "q1", MessageID: "<1@example.com>", IP: "192.0.2.1",
		UserAgent: `'"; DROP TABLE seen; -- \ ü 日本`, Who: "crm", Detail: "because",
	}
}

// upsert is the statement of the documentation, for each kind of server.
var upsert = map[Dialect]string{
	PostgreSQL: `INSERT INTO seen (event_id, at, kind, recipient, list, agent) VALUES (:event_id, :time, :kind, :recipient, :list, :user_agent)
		ON CONFLICT (event_id) DO NOTHING`,
	MySQL: "INSERT IGNORE INTO seen (event_id, at, kind, recipient, list, agent) VALUES (:event_id, :time, :kind, :recipient, :list, :user_agent)",
}

// refusal is what is said of a row that the table does not take.
var refusal = map[Dialect]string{PostgreSQL: "the server says SQLSTATE 23514", MySQL: "the server says error 4025"}

const seenTable = `CREATE TABLE seen (event_id bigint PRIMARY KEY, at %s NOT NULL, kind varchar(40) NOT NULL, recipient varchar(320) NOT NULL,
	list varchar(255) NOT NULL, agent varchar(256) NOT NULL, CHECK (recipient <> 'refused@example.net'))`

func newDatabase(t *testing.T, p *servers.Server, statement string) *Database {
	t.Helper()
	d, err := New(Config{URL: p.URL, Statement: statement})
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func dialectOf(t *testing.T, p *servers.Server) Dialect {
	t.Helper()
	s, err := readServer(p.URL)
	must(t, err)
	return s.dialect
}

type seen struct {
	ID        int64
	Recipient string
	Agent     string
}

func read(t *testing.T, p *servers.Server) (all []seen) {
	t.Helper()
	rows, err := p.Open().Query("SELECT event_id, recipient, agent FROM seen ORDER BY event_id")
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var one seen
		must(t, rows.Scan(&one.ID, &one.Recipient, &one.Agent))
		all = append(all, one)
	}
	must(t, rows.Err())
	return all
}

func TestSend(t *testing.T) {
	eachServer(t, func(t *testing.T, p *servers.Server) {
		ctx := context.Background()
		own, dialect := p.Open(), dialectOf(t, p)
		execute(t, own, fmt.Sprintf(seenTable, map[Dialect]string{PostgreSQL: "timestamptz", MySQL: "datetime(6)"}[dialect]))
		d := newDatabase(t, p, upsert[dialect])
		must(t, d.Check(ctx))
		send := func(want int, fails string, events ...store.Event) {
			t.Helper()
			n, err := d.Send(ctx, events)
			var f *outbox.Failure
			if err != nil && (!errors.As(err, &f) || !f.Refused) {
				t.Errorf("not refused: %v", err)
			}
			if n != want || (err != nil) != (fails != "") || err != nil && !strings.Contains(err.Error(), fails) {
				t.Fatalf("%d done, %v, want %d and %q", n, err, want, fails)
			}
		}
		send(0, "")
		a, b := event(1, "ada@example.net"), event(2, "bob@example.net")
		send(2, "", a, b)
		send(2, "", a, b) // delivered again
		want := []seen{{1, a.Recipient, a.UserAgent}, {2, b.Recipient, b.UserAgent}}
		if diff := cmp.Diff(want, read(t, p)); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		var at string
		must(t, own.QueryRow("SELECT CAST(at AS char(26)) FROM seen WHERE event_id = 1").Scan(&at))
		if want := "2026-11-20 08:00:01.123456"; !strings.HasPrefix(at, want) && dialect == MySQL {
			t.Errorf("time %s, want %s", at, want)
		}
		// One that the server refuses holds up those behind it, and no others.
		refused := event(4, "refused@example.net")
		send(1, refusal[dialect], event(3, "eve@example.net"), refused, event(5, "fay@example.net"))
		send(0, refusal[dialect], refused, event(5, "fay@example.net"))
		if got := read(t, p); len(got) != 3 || got[2].ID != 3 {
			t.Errorf("rows %+v", got)
		}
		// The server crashes, and comes back.
		p.Stop()
		if err := d.Check(ctx); !errors.Is(err, ErrAway) {
			t.Errorf("check without a server: %v", err)
		}
		if n, err := d.Send(ctx, []store.Event{event(6, "gus@example.net")}); n != 0 || err == nil || !strings.Contains(err.Error(), "cannot be reached") {
			t.Errorf("without a server: %d, %v", n, err)
		}
		p.Start()
		p.Open()
		send(1, "", event(6, "gus@example.net"))
		if got := read(t, p); len(got) != 4 || got[3].ID != 6 {
			t.Errorf("rows %+v", got)
		}
	})
}

// A statement that does not fit the tables is found before there is an event.
func TestCheck(t *testing.T) {
	eachServer(t, func(t *testing.T, p *servers.Server) {
		p.Open()
		if err := newDatabase(t, p, "INSERT INTO nowhere (a) VALUES (:recipient)").Check(context.Background()); err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("%v", err)
		}
	})
}

// A server that accepts connections and says nothing is not waited for for ever.
func TestSilentServer(t *testing.T) {
	p := servers.PostgreSQL(t)
	own := p.Open()
	execute(t, own, "CREATE TABLE slow (who text)")
	tx, err := own.Begin()
	must(t, err)
	_, err = tx.Exec("LOCK TABLE slow")
	must(t, err)
	d := newDatabase(t, p, "INSERT INTO slow VALUES (:recipient)")
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if n, err := d.Send(ctx, []store.Event{event(1, "a@example.net")}); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	must(t, tx.Rollback())
	n, err := d.Send(context.Background(), []store.Event{event(1, "a@example.net")})
	if n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// What a server says of a value names a person, so it is not shown.
func TestValuesAreNotShown(t *testing.T) {
	p := servers.PostgreSQL(t)
	execute(t, p.Open(), "CREATE TABLE numbers (n integer)")
	d := newDatabase(t, p, "INSERT INTO numbers VALUES (CAST(CAST(:recipient AS text) AS integer))")
	n, err := d.Send(context.Background(), []store.Event{event(1, "ada@example.net")})
	var f *outbox.Failure
	if n != 0 || !errors.As(err, &f) || !f.Refused || f.Text != "the server says SQLSTATE 22P02" {
		t.Errorf("%d, %v", n, err)
	}
}
