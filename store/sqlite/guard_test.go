package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/store"
)

// damaged opens the store of the flips after statements have damaged it.
func damaged(t *testing.T, log *slog.Logger, statements ...string) *Consent {
	t.Helper()
	dir := t.TempDir()
	flipStore(t, dir)
	raw(t, dir, statements...)
	c := openTest(t, Options{Dir: dir, Log: log}).Consent()
	must(t, c.Verified(context.Background()))
	return c
}

func raw(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, consentFile))
	must(t, err)
	for _, s := range statements {
		r, err := db.Exec(s)
		must(t, err)
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s changes nothing", s)
		}
	}
	must(t, db.Close())
}

// What is lost or changed concerns its person alone; the others are served.
func TestDamageConcernsItsPerson(t *testing.T) {
	ctx := context.Background()
	for name, tt := range map[string]struct {
		statement string
		waits     []int // people
		lists     []string
	}{
		"lost opt-out":         {"DELETE FROM choices WHERE recipient = 'person00@example.net'", []int{0}, nil},
		"changed opt-out":      {"UPDATE choices SET state = 'subscribed' WHERE recipient = 'person02@example.net'", []int{2}, nil},
		"shortened pause":      {"UPDATE choices SET until = 1 WHERE recipient = 'person06@example.net'", []int{6}, nil},
		"another name":         {"UPDATE choices SET recipient = 'person20@example.net' WHERE recipient = 'person00@example.net'", []int{0, 20}, nil},
		"lost suppression":     {"DELETE FROM suppressions WHERE recipient = 'person07@example.net'", []int{7}, nil},
		"ended suppression":    {"UPDATE suppressions SET until = 1 WHERE recipient = 'person08@example.net'", []int{8}, nil},
		"lost sharing":         {"DELETE FROM sharing", []int{10}, nil},
		"lost pattern":         {"DELETE FROM suppressions WHERE recipient = '@stopped.example'", []int{11}, nil},
		"lost pattern below":   {"DELETE FROM suppressions WHERE recipient = '@*.below.example'", []int{12}, nil},
		"lost erased person":   {"DELETE FROM erased", []int{13, 14}, nil},
		"lost choice of them":  {"DELETE FROM choices WHERE recipient LIKE '~%'", []int{13, 14}, nil},
		"list becomes account": {"UPDATE lists SET transactional = 1 WHERE id = 'news.example.org'", nil, []string{flipNews}},
		"list is lost":         {"DELETE FROM lists WHERE id = 'offers.example.org'", nil, []string{flipOffers}},
		"other key of a list":  {"UPDATE lists SET key = 7 WHERE id = 'news.example.org'", nil, []string{flipNews}},
		"guard is lost":        {"DELETE FROM guards", nil, nil},
		"guard is changed":     {"UPDATE guards SET count = 0", nil, nil},
		"sums are lost":        {"DELETE FROM meta WHERE name = 'guards'", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := damaged(t, nil, tt.statement)
			if i := c.Integrity(); i.Damage == "" || i.Stopped {
				t.Errorf("told %+v", i)
			}
			for i := range flipPeople {
				for _, list := range []string{flipNews, flipOffers} {
					sends, err := sends(ctx, c, flipPerson(i), list)
					waits := false
					for _, w := range tt.waits {
						waits = waits || w == i
					}
					for _, l := range tt.lists {
						waits = waits || l == list
					}
					if waits != errors.Is(err, store.ErrUncertain) || err == nil && sends == flipLeft(i, list) {
						t.Errorf("person %d, %s: sends %v, %v", i, list, sends, err)
					}
				}
			}
		})
	}
}

// Where nobody can say whose records are lost, nobody is sent list mail, and
// account mail goes on.
func TestLossWithoutANameStopsAll(t *testing.T) {
	ctx := context.Background()
	c := damaged(t, nil, "DELETE FROM choices WHERE recipient = 'person00@example.net'", "DELETE FROM guards WHERE id % 2 = 0")
	if i := c.Integrity(); !i.Stopped {
		t.Errorf("told %+v", i)
	}
	if _, err := sends(ctx, c, flipPerson(20), flipNews); !errors.Is(err, store.ErrUncertain) {
		t.Errorf("list mail: %v", err)
	}
	if ok, err := sends(ctx, c, flipPerson(20), flipAccount); err != nil || !ok {
		t.Errorf("account mail: %v, %v", ok, err)
	}
	if _, err := c.Standing(ctx, flipPerson(20), store.AllLists); err != nil {
		t.Errorf("dead addresses: %v", err)
	}
}

// What is damaged while the store is open is found when it is needed.
func TestDamageWhileOpen(t *testing.T) {
	ctx := context.Background()
	for name, statement := range map[string]string{
		"lost":    "DELETE FROM choices WHERE recipient = 'person00@example.net'",
		"changed": "UPDATE choices SET state = 'subscribed' WHERE recipient = 'person00@example.net'",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			flipStore(t, dir)
			c := openTest(t, Options{Dir: dir}).Consent()
			must(t, c.Verified(ctx))
			raw(t, dir, statement)
			if _, err := c.Standing(ctx, flipPerson(0), flipNews); !errors.Is(err, store.ErrUncertain) {
				t.Errorf("not found: %v", err)
			}
			if i := c.Integrity(); i.Found != 1 || i.Damage == "" {
				t.Errorf("told %+v", i)
			}
			if _, err := c.Standing(ctx, flipPerson(1), flipNews); err != nil {
				t.Errorf("another person: %v", err)
			}
			// What the person says now is known again.
			ch := store.Choice{Recipient: flipPerson(0), List: flipNews, State: store.Unsubscribed, Since: moment(9), Way: store.Page}
			if _, err := c.Decide(ctx, store.Change{Choices: []store.ChoiceChange{{Choice: ch, Event: store.Event{Time: moment(9), Kind: store.EventUnsubscribed, Recipient: ch.Recipient, List: ch.List}}}}); err != nil {
				t.Errorf("an opt-out is not recorded: %v", err)
			}
		})
	}
}

// The alarm is in the log once, and names nobody.
func TestDamageIsLogged(t *testing.T) {
	var mu sync.Mutex
	var text strings.Builder
	log := slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(p)
	}), nil))
	c := damaged(t, log, "DELETE FROM choices WHERE recipient = 'person00@example.net'")
	for range 3 {
		_, _ = c.Standing(context.Background(), flipPerson(0), flipNews)
	}
	mu.Lock()
	defer mu.Unlock()
	got := text.String()
	if strings.Count(got, "offramp repair") == 0 || strings.Count(got, "\n") != 2 || strings.Contains(got, "person00") {
		t.Errorf("logged\n%s", got)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A folder of an earlier release gets its checksums at the first start, also
// where that was interrupted.
func TestEarlierRecordsGetChecksums(t *testing.T) {
	ctx := context.Background()
	dir := begunWithSchema1(t)
	must(t, openTest(t, Options{Dir: dir}).Close())
	many := 2*perSealing + 17
	raw(t, dir,
		fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO choices (recipient, list, state, since, way) SELECT 'p' || i || '@x.example', 'news.example', 'unsubscribed', 5, 'page' FROM n", many),
		"INSERT INTO suppressions (recipient, list, reason, since, note) VALUES ('@stopped.example', '', 'manual', 5, '')",
		"INSERT INTO meta (name, value) VALUES ('unsealed', x'01')")
	for _, when := range []string{"first start", "second start"} {
		db := openTest(t, Options{Dir: dir})
		c := db.Consent()
		must(t, c.Verified(ctx))
		if i := c.Integrity(); i != (store.Integrity{Verified: true}) {
			t.Errorf("%s: %+v", when, i)
		}
		for _, i := range []int{1, perSealing, many} {
			if st, err := c.Standing(ctx, fmt.Sprintf("p%d@x.example", i), "news.example"); err != nil || len(st.Choices) != 1 || st.Choices[0].State != store.Unsubscribed {
				t.Errorf("%s: person %d %+v, %v", when, i, st, err)
			}
		}
		rows := int64(0)
		must(t, c.file.readers.do(ctx, func(conn *conn) error {
			t, err := c.guards.readTotals(conn)
			rows = t.rows
			return err
		}))
		if rows < int64(many) {
			t.Errorf("%s: %d rows are guarded", when, rows)
		}
		must(t, db.Close())
	}
}

// The filter never denies what is there, and seldom affirms what is not.
func TestFilter(t *testing.T) {
	const names = 400_000
	k, err := newSealer(testKey)
	must(t, err)
	f := newFilter(names)
	for i := range names {
		f.add(k.id(person, fmt.Sprint("p", i)), anyRow)
		f.add(k.id(person, fmt.Sprint("p", i)), about(choiceKey, int64(i%7)))
	}
	wrong := 0
	for i := range names {
		id := k.id(person, fmt.Sprint("p", i))
		if !f.has(id, anyRow) || !f.has(id, about(choiceKey, int64(i%7))) {
			t.Fatalf("name %d is denied", i)
		}
		if f.has(k.id(person, fmt.Sprint("q", i)), anyRow) {
			wrong++
		}
	}
	if wrong > names/100 {
		t.Errorf("%d of %d that are not there are affirmed", wrong, names)
	}
}

// Guards and totals go back with a transaction that is not kept.
func TestRolledBackGuards(t *testing.T) {
	ctx := context.Background()
	c := openTest(t, Options{}).Consent()
	err := c.file.write(ctx, &op{run: func(conn *conn) error {
		if err := c.setChoice(conn, store.Choice{Recipient: "p@x.example", State: store.Unsubscribed, Since: time.Now()}, 0); err != nil {
			return err
		}
		return errUndo
	}})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	_, err = c.Suppress(ctx, store.Suppression{Recipient: "q@x.example", Reason: store.ReasonManual, Since: moment(1)}, store.Event{Time: moment(1), Kind: store.EventSuppressed, Recipient: "q@x.example"})
	must(t, err)
	must(t, errors.Join(c.Verified(ctx), c.verify(ctx)))
	if i := c.Integrity(); i.Damage != "" {
		t.Errorf("%+v", i)
	}
}

// One bit makes a text a blob in the file: it reads the same, and no comparison
// finds it any more.
func TestATextThatBecameABlob(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	flipStore(t, dir)
	path := filepath.Join(dir, consentFile)
	data, err := os.ReadFile(path)
	must(t, err)
	// The record's header: its size, then the serial types (SQLite's file format,
	// section 2.1) of recipient, list and state.
	header := []byte{2*20 + 13, 2*byte(len(flipNews)) + 13, 2*byte(len(store.Paused)) + 13}
	at := bytes.Index(data, header)
	if at < 0 || bytes.Contains(data[at+1:], header) {
		t.Fatalf("the record is at %d, and not there alone", at)
	}
	data[at+1] ^= 1
	must(t, os.WriteFile(path, data, 0o600))
	c := openTest(t, Options{Dir: dir}).Consent()
	must(t, c.Verified(ctx))
	if sends, err := sends(ctx, c, flipPerson(1), flipNews); !errors.Is(err, store.ErrUncertain) || c.Integrity().Damage == "" {
		t.Errorf("sends %v, %v; told %+v", sends, err, c.Integrity())
	}
}

// Who looks at a person is told that more may be recorded than is legible.
func TestDamagedPersonIsShown(t *testing.T) {
	ctx := context.Background()
	c := damaged(t, nil, "DELETE FROM choices WHERE recipient = 'person00@example.net'")
	for i, want := range map[int]bool{0: true, 20: false} {
		if p, err := c.Person(ctx, flipPerson(i)); err != nil || p.Damaged != want {
			t.Errorf("person %d: damaged %v, %v", i, p.Damaged, err)
		}
	}
}

// Nothing at all, with sums that are damaged, is no store in which nobody left.
func TestEmptiedStoreStopsAll(t *testing.T) {
	c := damaged(t, nil, "DELETE FROM choices", "DELETE FROM suppressions", "DELETE FROM sharing", "DELETE FROM erased", "DELETE FROM lists", "DELETE FROM guards",
		"DELETE FROM meta")
	if i := c.Integrity(); !i.Stopped {
		t.Errorf("told %+v", i)
	}
}
