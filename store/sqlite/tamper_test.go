package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	chain "offramp/gateway/ledger"
	"offramp/store"
)

// errUndo rolls a change of a test back.
var errUndo = errors.New("undone")

// ledgerColumns are the columns of an event that the ledger vouches for. once
// is not one: it only keeps an event from being added twice.
var ledgerColumns = []string{"id", "time", "kind", "recipient", "list", "way", "reason", "ref", "queue_id", "message_id",
	"ip", "user_agent", "who", "detail", "salt", "erased", "digest", "link"}

// forged is a ledger with all that can be in one: events of every kind, ones
// that an erasure emptied, and a beginning that was retired.
func forged(t *testing.T) *DB {
	t.Helper()
	ctx := context.Background()
	db := openTest(t, Options{})
	c := db.Consent()
	records(t, c, "other@x.example", "Other@x.example")
	records(t, c, gone, goneWire)
	must(t, c.Erase(ctx, gone, store.Event{Time: moment(10), Kind: store.EventErased, Way: store.Page}))
	if n, err := c.Retire(ctx, moment(3), store.Event{Time: moment(11), Kind: store.EventRetired, Way: store.Operator}); err != nil || n == 0 {
		t.Fatalf("%d retired, %v", n, err)
	}
	must(t, c.AddEvents(ctx, store.Event{Time: moment(12), Kind: store.EventDropped, Recipient: "other@x.example", Detail: "the last"}))
	return db
}

// tampered changes the file, verifies the ledger, and undoes the change.
func tampered(t *testing.T, db *DB, receipts map[int64]store.Sum, change func(c *conn) error) (found error) {
	t.Helper()
	err := db.consent.file.write(context.Background(), &op{run: func(c *conn) error {
		if err := change(c); err != nil {
			return err
		}
		h, err := readHead(c)
		if err != nil {
			return err
		}
		entries, err := readEntries(c, 0, 1000)
		if err != nil {
			return err
		}
		v := &chain.Verifier{Receipts: receipts}
		for _, e := range entries {
			if found = v.Add(e); found != nil {
				return errUndo
			}
		}
		found = v.End(h)
		return errUndo
	}})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	if found != nil && !errors.Is(found, chain.ErrTampered) {
		t.Fatalf("found %v", found)
	}
	return found
}

// statement makes a change of one statement; it must change something.
func statement(sql string, args ...any) func(c *conn) error {
	return func(c *conn) error {
		n, err := c.exec(sql, args...)
		if err == nil && n == 0 {
			err = fmt.Errorf("%s %v changes nothing", sql, args)
		}
		return err
	}
}

func entriesOf(t *testing.T, db *DB) []store.Entry {
	t.Helper()
	all, err := db.Consent().Entries(context.Background(), 0, 1000)
	must(t, err)
	if len(all) < 20 {
		t.Fatalf("only %d events", len(all))
	}
	return all
}

// A ledger that nobody touched verifies; otherwise finding a change proves nothing.
func TestWholeLedgerVerifies(t *testing.T) {
	db := forged(t)
	entries := entriesOf(t, db)
	last := entries[len(entries)-1]
	if err := tampered(t, db, map[int64]store.Sum{last.Event.ID: last.Link}, func(*conn) error { return nil }); err != nil {
		t.Error(err)
	}
	emptied := slices.ContainsFunc(entries, func(e store.Entry) bool { return e.Salt == nil })
	if !emptied || entries[0].Event.ID == 1 {
		t.Errorf("emptied: %v, begins with event %d", emptied, entries[0].Event.ID)
	}
}

// Every byte of every column of every event.
func TestEveryFlippedOctetIsFound(t *testing.T) {
	db := forged(t)
	flips := 0
	for _, e := range entriesOf(t, db) {
		for _, column := range ledgerColumns {
			for _, value := range otherValues(t, db, column, e.Event.ID) {
				flips++
				if tampered(t, db, nil, statement("UPDATE OR REPLACE events SET "+column+" = ? WHERE id = ?", value, e.Event.ID)) == nil {
					t.Errorf("event %d: %s can be changed to %v unnoticed", e.Event.ID, column, value)
				}
			}
		}
	}
	t.Logf("%d changes, each found", flips)
	if flips < 5000 {
		t.Errorf("only %d changes were tried", flips)
	}
}

// otherValues are the value of a column with each byte changed in turn. What
// is NULL or empty gets contents.
func otherValues(t *testing.T, db *DB, column string, id int64) (all []any) {
	t.Helper()
	must(t, db.consent.file.readers.do(context.Background(), func(c *conn) error {
		return c.query("SELECT typeof("+column+"), "+column+" FROM events WHERE id = ?", func(r row) error {
			switch kind := r.text(0); kind {
			case "integer":
				for shift := 0; shift < 64; shift += 8 {
					all = append(all, r.int(1)^1<<shift)
				}
			case "text", "blob", "null":
				all = append(all, flipped(kind, column, r)...)
			default:
				t.Fatalf("%s is %s", column, kind)
			}
			return nil
		}, id)
	}))
	return all
}

func flipped(kind, column string, r row) (all []any) {
	octets, blob := []byte(nil), kind == "blob" || kind == "null" && column == "salt"
	if kind == "text" {
		octets = []byte(r.text(1))
	} else if kind == "blob" {
		octets = bytes.Clone(r.blob(1))
	}
	add := func(b []byte) {
		if blob {
			all = append(all, b)
		} else {
			all = append(all, string(b))
		}
	}
	if len(octets) == 0 && column == "ref" {
		return []any{int64(7)}
	}
	if len(octets) == 0 {
		add([]byte("x"))
	}
	for i := range octets {
		other := bytes.Clone(octets)
		other[i] ^= 1
		add(other)
	}
	if len(octets) > 1 {
		add(octets[:len(octets)-1])
	}
	return all
}

// Events that are dropped, exchanged, put in, or emptied without an erasure.
func TestEveryMovedEventIsFound(t *testing.T) {
	db := forged(t)
	entries := entriesOf(t, db)
	last := entries[len(entries)-1].Event.ID
	// A tail that is cut off leaves a shorter ledger that is whole in itself:
	// only who holds a receipt can tell.
	receipts := map[int64]store.Sum{last: entries[len(entries)-1].Link}
	for _, e := range entries {
		id := e.Event.ID
		for what, change := range map[string]func(c *conn) error{
			"dropped":        statement("DELETE FROM events WHERE id = ?", id),
			"the tail after": statement("DELETE FROM events WHERE id >= ?", id),
			"the head up to": statement("DELETE FROM events WHERE id <= ?", id),
			"repeated at the end": statement(`INSERT INTO events (id, time, kind, recipient, list, way, reason, ref, queue_id, message_id, ip, user_agent, who, detail, salt, erased, digest, link)
				SELECT ?, time, kind, recipient, list, way, reason, ref, queue_id, message_id, ip, user_agent, who, detail, salt, erased, digest, link FROM events WHERE id = ?`, last+1, id),
		} {
			if tampered(t, db, receipts, change) == nil {
				t.Errorf("event %d %s: not found", id, what)
			}
		}
		if e.Salt != nil {
			if tampered(t, db, receipts, statement(`UPDATE events SET kind = NULL, recipient = NULL, list = NULL, way = NULL, reason = NULL, ref = NULL, queue_id = NULL,
				message_id = NULL, ip = NULL, user_agent = NULL, who = NULL, detail = NULL, salt = NULL, once = NULL, erased = ? WHERE id = ?`, last, id)) == nil {
				t.Errorf("event %d emptied: not found", id)
			}
		}
		for _, o := range entries {
			if o.Event.ID <= id {
				continue
			}
			if tampered(t, db, receipts, exchange(id, o.Event.ID)) == nil {
				t.Errorf("events %d and %d exchanged: not found", id, o.Event.ID)
			}
		}
	}
}

func exchange(a, b int64) func(c *conn) error {
	return func(c *conn) error {
		for _, step := range [][2]int64{{a, -1}, {b, a}, {-1, b}} {
			if err := statement("UPDATE events SET id = ? WHERE id = ?", step[1], step[0])(c); err != nil {
				return err
			}
		}
		return nil
	}
}

// Where the ledger begins is known too.
func TestAForgedBeginningIsFound(t *testing.T) {
	db := forged(t)
	var start []byte
	must(t, db.consent.file.readers.do(context.Background(), func(c *conn) error {
		_, err := c.one(selectMeta, func(r row) { start = bytes.Clone(r.blob(0)) }, metaStart)
		return err
	}))
	for i := range start {
		other := bytes.Clone(start)
		other[i] ^= 1
		if tampered(t, db, nil, statement("UPDATE meta SET value = ? WHERE name = ?", other, metaStart)) == nil {
			t.Errorf("octet %d of the beginning: not found", i)
		}
	}
	if tampered(t, db, nil, statement("DELETE FROM meta WHERE name = ?", metaStart)) == nil {
		t.Error("no beginning: not found")
	}
}
