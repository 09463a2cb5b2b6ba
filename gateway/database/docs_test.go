package database

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"offramp/gateway/database/servers"
	"offramp/store"
)

// snippet is an example of the documentation.
func snippet(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/databases.md")
	must(t, err)
	_, after, ok := strings.Cut(string(text), "<!-- snippet: "+name+" -->\n```sql\n")
	example, _, ok2 := strings.Cut(after, "\n```")
	if !ok || !ok2 {
		t.Fatalf("no example %s", name)
	}
	return example
}

// The examples of docs/databases.md work, and stand an event that comes twice.
func TestDocumentedStatements(t *testing.T) {
	run := func(t *testing.T, p *servers.Server, table, statement, count string, want int) {
		own := p.Open()
		execute(t, own, snippet(t, table))
		if table == "subscribers-table" {
			execute(t, own, "INSERT INTO subscribers VALUES ('Ada@example.net', true), ('bob@example.net', true)")
		}
		d := newDatabase(t, p, snippet(t, statement))
		again := event(2, "ada@example.net")
		again.Kind = store.EventResubscribed
		for range 2 {
			if n, err := d.Send(context.Background(), []store.Event{event(1, "ada@example.net"), again, event(3, "ada@example.net")}); n != 3 || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
			var got int
			must(t, own.QueryRow(count).Scan(&got))
			if got != want {
				t.Errorf("%s: %d, want %d", count, got, want)
			}
		}
		// One of long ago, as a replay has it.
		if n, err := d.Send(context.Background(), []store.Event{again}); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		var got int
		must(t, own.QueryRow(count).Scan(&got))
		if got != want {
			t.Errorf("after a replay: %d, want %d", got, want)
		}
		if table == "subscribers-table" {
			return
		}
		// After the restore of a backup another event may have a number of before.
		later := event(3, "carl@example.net")
		later.Time = later.Time.Add(time.Hour)
		if n, err := d.Send(context.Background(), []store.Event{later}); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		must(t, own.QueryRow(count).Scan(&got))
		if got != want+1 {
			t.Errorf("after a restore: %d, want %d", got, want+1)
		}
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		p := servers.PostgreSQL(t)
		run(t, p, "postgresql-table", "postgresql", "SELECT count(*) FROM opt_outs", 3)
		run(t, p, "subscribers-table", "subscribers", "SELECT count(*) FROM subscribers WHERE NOT subscribed AND event_id = 3", 1)
	})
	t.Run("MariaDB", func(t *testing.T) {
		run(t, servers.MariaDB(t), "mysql-table", "mysql", "SELECT count(*) FROM opt_outs", 3)
	})
}
