package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	chain "offramp/gateway/ledger"
	"offramp/store"

	"github.com/pressly/goose/v3"
)

// begunWithSchema1 is a folder as the first release left it, with people who
// left, one who was suppressed, a list, and what happened.
func begunWithSchema1(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, consentFile))
	must(t, err)
	db.SetMaxOpenConns(1)
	sub, err := migrationsOf(consentFile)
	must(t, err)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	must(t, err)
	_, err = p.UpTo(context.Background(), 1)
	must(t, err)
	for _, statement := range []string{
		"INSERT INTO lists VALUES ('news.example', -5, 'News', 'What happened.', 0, 1000000)",
		"INSERT INTO choices VALUES ('ada@x.example', 'news.example', 'unsubscribed', 2000000, 'one-click')",
		"INSERT INTO choices VALUES ('ben@x.example', '', 'unsubscribed', 3000000, 'page')",
		"INSERT INTO suppressions VALUES ('cyd@x.example', '', 'bounced', 4000000, '550 gone')",
		"INSERT INTO events VALUES (1, 2000000, 'unsubscribed', 'ada@x.example', 'news.example', 'one-click', '', '', '', '192.0.2.1', 'UA', '', '', 'first')",
		"INSERT INTO events VALUES (2, 3000000, 'unsubscribed', 'ben@x.example', '', 'page', '', '', '', '192.0.2.2', 'UA', '', '', NULL)",
		"INSERT INTO events VALUES (3, 4000000, 'dropped', 'ada@x.example', 'news.example', 'delivery', 'unsubscribed', 'Q1', '<1@x>', '', '', '', '', 'drop 1')",
	} {
		_, err := db.Exec(statement)
		must(t, err)
	}
	must(t, db.Close())
	return dir
}

// A folder of the first release keeps every opt-out, and what happened becomes
// a ledger that verifies.
func TestAnOlderFolderIsTakenOver(t *testing.T) {
	ctx := context.Background()
	dir := begunWithSchema1(t)
	for _, when := range []string{"first start", "second start"} {
		db := openTest(t, Options{Dir: dir})
		c := db.Consent()
		for who, list := range map[string]string{"ada@x.example": "news.example", "ben@x.example": "any.example"} {
			st, err := c.Standing(ctx, who, list)
			must(t, err)
			if len(st.Choices) != 1 || st.Choices[0].State != store.Unsubscribed {
				t.Errorf("%s: %s stands at %+v", when, who, st)
			}
		}
		if st, err := c.Standing(ctx, "cyd@x.example", "news.example"); err != nil || len(st.Suppressions) != 1 {
			t.Errorf("%s: suppressed person stands at %+v, %v", when, st, err)
		}
		if l, err := c.List(ctx, "news.example"); err != nil || l.Name != "News" || int64(l.Key) != -5 || l.Public || l.ThirdParty {
			t.Errorf("%s: list %+v, %v", when, l, err)
		}
		entries, err := c.Entries(ctx, 0, 0)
		must(t, err)
		h, err := c.Head(ctx)
		must(t, err)
		v := &chain.Verifier{}
		for _, e := range entries {
			must(t, v.Add(e))
		}
		must(t, v.End(h))
		if v.Count != 3 {
			t.Errorf("%s: %d events", when, v.Count)
		}
		if stream, err := c.EarlierStream(ctx); err != nil || stream != "list" {
			t.Errorf("%s: earlier stream %q, %v", when, stream, err)
		}
		// What was recorded once is not recorded again.
		must(t, c.AddEvents(ctx, store.Event{Time: moment(0), Kind: store.EventDropped, Recipient: "ada@x.example", Once: "drop 1"}))
		if after, err := c.Head(ctx); err != nil || after.ID != 3 {
			t.Errorf("%s: head %+v, %v", when, after, err)
		}
		must(t, db.Close())
	}
}

// A folder that the release before opened keeps its default stream, also where
// no mail came by.
func TestAnUnusedOlderFolderKeepsItsStream(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, consentFile))
	must(t, err)
	db.SetMaxOpenConns(1)
	sub, err := migrationsOf(consentFile)
	must(t, err)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	must(t, err)
	_, err = p.UpTo(ctx, 3)
	must(t, err)
	_, err = db.Exec("INSERT INTO meta (name, value) VALUES (?, ?)", metaPersonKey, (&people{key: testKey}).fingerprint())
	must(t, err)
	must(t, db.Close())
	if stream, err := openTest(t, Options{Dir: dir}).Consent().EarlierStream(ctx); err != nil || stream != "list" {
		t.Errorf("earlier stream %q, %v", stream, err)
	}
}

// Hashes of erased people are worth nothing with another key, so the folder
// does not open with one.
func TestAnotherPersonKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	must(t, db.Consent().Erase(context.Background(), gone, store.Event{Time: moment(1), Kind: store.EventErased, Way: store.Page}))
	must(t, db.Close())
	other := slices.Clone(testKey)
	other[0] ^= 1
	if db, err := Open(context.Background(), Options{Dir: dir, PersonKey: other}); !errors.Is(err, store.ErrKey) {
		t.Errorf("another key: %v", err)
		if err == nil {
			db.Close()
		}
	}
	back := openTest(t, Options{Dir: dir})
	if st, err := back.Consent().Standing(context.Background(), gone, "l.example"); err != nil || !st.Erased {
		t.Errorf("with the right key %+v, %v", st, err)
	}
}

// What the release before queued is delivered, also after a repair before the first
// start, and raises no alarm.
func TestAnOlderQueueIsTakenOver(t *testing.T) {
	ctx := context.Background()
	for name, damage := range map[string]string{"whole": "", "damaged": "DELETE FROM sqlite_schema WHERE name = 'recipients_failed'"} {
		dir := t.TempDir()
		o := Options{Dir: dir, PersonKey: testKey}
		first, err := Open(ctx, o)
		must(t, err)
		must(t, first.Close())
		path := filepath.Join(dir, spoolFile)
		must(t, os.Remove(path))
		must(t, create(path, pageSize(spoolFile)))
		db, err := sql.Open("sqlite3", "file:"+path)
		must(t, err)
		db.SetMaxOpenConns(1)
		sub, err := migrationsOf(spoolFile)
		must(t, err)
		p, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
		must(t, err)
		_, err = p.UpTo(ctx, 5)
		must(t, err)
		for _, statement := range []string{
			"INSERT INTO messages (num, id, received, reverse_path, client, login, message_id, list, eight_bit, utf8, require_tls, ret, envelope_id, size, chunks, sum) VALUES (1, 'Q1', 1000000, 'a@x.example', '', '', '', '', 0, 0, 0, '', '', 0, 0, 0)",
			"INSERT INTO recipients VALUES (1, 0, 'b@y.example', 'y.example', '', '', 'queued', 0, 1000000, 0, '', '', '')",
			"PRAGMA writable_schema = ON", damage,
		} {
			_, err := db.Exec(statement)
			must(t, err)
		}
		must(t, db.Close())
		done, err := Salvage(ctx, o)
		if err != nil || done.Damaged != (damage != "") || len(done.Lost) > 0 {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
		s := openTest(t, o).Spool()
		<-s.inspection.ended
		jobs, err := s.Lease(ctx, moment(0), 9, nil)
		if err != nil || len(jobs) != 1 || jobs[0].Recipient.Address != "b@y.example" || s.Integrity() != (store.Integrity{Verified: true}) {
			t.Errorf("%s: %+v, %+v, %v", name, jobs, s.Integrity(), err)
		}
	}
}
