package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"offramp/store"
)

// The schemas of the release before, whose rows had no checksums.
var before = map[string]int64{consentFile: 6, spoolFile: 3}

// backdate has the files of a folder be as the release before left them.
func backdate(t *testing.T, dir string) {
	t.Helper()
	for name, statements := range map[string][]string{
		consentFile: {
			"DROP INDEX events_opt_outs", "DROP INDEX lists_public", "DROP INDEX lists_third_party",
			"ALTER TABLE choices DROP COLUMN seal", "ALTER TABLE suppressions DROP COLUMN seal", "ALTER TABLE sharing DROP COLUMN seal",
			"ALTER TABLE erased DROP COLUMN seal", "ALTER TABLE lists DROP COLUMN seal", "ALTER TABLE codes DROP COLUMN seal",
			"ALTER TABLE meta DROP COLUMN seal", "DELETE FROM meta WHERE name IN ('guards', 'clock', 'ready', 'scrub')",
			"INSERT INTO meta (name, value) VALUES ('scrub', x'01')",
			"DROP INDEX events_time", "CREATE INDEX events_time ON events (time)",
		},
		spoolFile: {"DROP TABLE fates", "DROP TABLE fate_segments", "DROP TABLE fate_blocks", "ALTER TABLE recipients DROP COLUMN track",
			"ALTER TABLE messages DROP COLUMN seal", "ALTER TABLE recipients DROP COLUMN seal", "DROP TABLE meta", "CREATE TABLE scratch (page BLOB)"},
	} {
		db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, name))
		must(t, err)
		db.SetMaxOpenConns(1)
		for _, statement := range append(statements, fmt.Sprint("DELETE FROM goose_db_version WHERE version_id > ", before[name])) {
			_, err := db.Exec(statement)
			must(t, err)
		}
		then := schemaThen(t, name)
		for _, kind := range []string{"TRIGGER", "INDEX", "TABLE"} {
			for made, text := range tablesOf(t, db) {
				if _, was := then[made]; !was && strings.HasPrefix(strings.Replace(text, "UNIQUE ", "", 1), "CREATE "+kind) {
					_, err := db.Exec("DROP " + kind + " " + made)
					must(t, err)
				}
			}
		}
		if d := cmp.Diff(then, tablesOf(t, db)); d != "" {
			t.Errorf("%s is not as the release before made it: %s", name, d)
		}
		must(t, db.Close())
	}
}

// schemaThen is the schema that the release before made.
func schemaThen(t *testing.T, name string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), name))
	must(t, err)
	db.SetMaxOpenConns(1)
	defer db.Close()
	sub, err := migrationsOf(name)
	must(t, err)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	must(t, err)
	_, err = p.UpTo(context.Background(), before[name])
	must(t, err)
	return tablesOf(t, db)
}

// tablesOf is what a file says of its tables and indexes.
func tablesOf(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.Query("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT IN ('sqlite_sequence', 'scratch')")
	must(t, err)
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		must(t, rows.Scan(&name, &text))
		all[name] = strings.Join(strings.Fields(text), " ")
	}
	must(t, rows.Err())
	return all
}

// beforeSeals makes a folder of the release before with people who left, are
// suppressed, paused or erased, a pattern, a code, and mail to all of them.
func beforeSeals(t *testing.T) (dir string, people []string) {
	t.Helper()
	ctx := context.Background()
	dir = t.TempDir()
	db := openTest(t, Options{Dir: dir})
	c := db.Consent()
	_, err := c.EnsureList(ctx, store.List{ID: "news.example", Key: 5, Name: "News", Public: true, Created: moment(0)})
	must(t, err)
	people = []string{"ada@x.example", "ben@x.example", "cyd@x.example", "dan@all.example", gone}
	for _, ch := range []store.Choice{
		{Recipient: "ada@x.example", List: "news.example", State: store.Unsubscribed, Since: moment(1), Way: store.OneClick},
		{Recipient: "ben@x.example", State: store.Paused, Until: moment(1 << 20), Since: moment(2), Way: store.Page},
		{Recipient: gone, List: "news.example", State: store.Unsubscribed, Since: moment(3), Way: store.Page},
	} {
		_, err := c.Decide(ctx, store.Change{Choices: []store.ChoiceChange{{Choice: ch, Event: store.Event{
			Time: ch.Since, Kind: store.EventUnsubscribed, Recipient: ch.Recipient, List: ch.List, Way: ch.Way}}}})
		must(t, err)
	}
	for _, su := range []store.Suppression{
		{Recipient: "cyd@x.example", Reason: store.ReasonBounced, Since: moment(4), Note: "550 gone"},
		{Recipient: "@all.example", Reason: store.ReasonManual, Since: moment(5), Until: moment(1 << 20)},
	} {
		_, err := c.Suppress(ctx, su, store.Event{Time: su.Since, Kind: store.EventSuppressed, Recipient: su.Recipient, Reason: su.Reason, Way: store.Operator})
		must(t, err)
	}
	_, err = c.KeepCode(ctx, store.Code{ID: [16]byte{1}, Recipient: "ada@x.example", Address: "Ada@x.example"})
	must(t, err)
	must(t, c.Erase(ctx, gone, store.Event{Time: moment(6), Kind: store.EventErased, Way: store.Page}))
	var to []store.Recipient
	for _, who := range people {
		to = append(to, store.Recipient{Address: who, Domain: who[strings.IndexByte(who, '@')+1:], Next: moment(0)})
	}
	d, err := db.Spool().Create(ctx)
	must(t, err)
	_, err = io.WriteString(d, "Hello\r\n")
	must(t, err)
	must(t, d.Commit(ctx, &store.Message{ID: "Q1", Received: moment(0), ReversePath: "from@y.example", List: "news.example", Header: []byte("Subject: x\r\n\r\n")}, to))
	must(t, db.Close())
	backdate(t, dir)
	return dir, people
}

// All migrations in one go keep every reason why mail is stopped, and the mail.
func TestTheReleaseBeforeIsTakenOver(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, people := beforeSeals(t)
	for _, when := range []string{"first start", "second start"} {
		db := openTest(t, Options{Dir: dir})
		c := db.Consent()
		must(t, c.Verified(ctx))
		if i := c.Integrity(); i.Damage != "" || i.Found > 0 {
			t.Errorf("%s: %+v", when, i)
		}
		jobs, err := db.Spool().Lease(ctx, moment(1), 100, nil)
		if err != nil || len(jobs) != len(people) {
			t.Fatalf("%s: %d recipients, %v", when, len(jobs), err)
		}
		for _, j := range jobs {
			st, err := c.Standing(ctx, j.Recipient.Address, j.Message.List)
			if err != nil || len(st.Choices)+len(st.Suppressions) == 0 || st.Erased != (j.Recipient.Address == gone) {
				t.Errorf("%s: %s stands at %+v, %v", when, j.Recipient.Address, st, err)
			}
		}
		body, err := db.Spool().Body(ctx, "Q1")
		must(t, err)
		if text, err := io.ReadAll(body); err != nil || string(text) != "Hello\r\n" {
			t.Errorf("%s: body %q, %v", when, text, err)
		}
		if a, err := c.AddressOfCode(ctx, [16]byte{1}); err != nil || a != "Ada@x.example" {
			t.Errorf("%s: code of %q, %v", when, a, err)
		}
		if l, err := c.List(ctx, "news.example"); err != nil || l.Key != 5 || !l.Public {
			t.Errorf("%s: list %+v, %v", when, l, err)
		}
		if done, err := c.Repair(ctx, moment(10), func(string) uint64 { return 0 }); err != nil || done.Corrected+done.FromLedger+done.Guards > 0 {
			t.Errorf("%s: repair found %+v, %v", when, done, err)
		}
		// An erasure that the release before had still to overwrite is taken on.
		if s, err := db.Scrubber().Scrubbed(ctx); err != nil || !s.Due() {
			t.Errorf("%s: %+v, %v", when, s, err)
		}
		must(t, db.Close())
	}
}
