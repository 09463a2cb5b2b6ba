package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"

	"offramp/store"
)

// testKey is the key of all data under test.
var testKey = bytes.Repeat([]byte{7}, keySize)

// optOut is the change by which a person leaves all lists.
func optOut(recipient string) store.Change {
	return store.Change{Choices: []store.ChoiceChange{{
		Choice: store.Choice{Recipient: recipient, State: store.Unsubscribed},
		Event:  store.Event{Kind: store.EventUnsubscribed, Recipient: recipient, Once: recipient},
	}}}
}

func openTest(t *testing.T, o Options) *DB {
	t.Helper()
	if o.PersonKey == nil {
		o.PersonKey = testKey
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	db, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// busy occupies the writer until the function it returns is called.
func busy(t *testing.T, w *writer) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	o := &op{run: func(*conn) error {
		close(begun)
		<-end
		return nil
	}}
	if err := w.later(o); err != nil {
		t.Fatal(err)
	}
	<-begun
	return func() { close(end) }
}

// insert writes a list, and then fails with err.
func insert(id int, err error) func(*conn) error {
	return func(c *conn) error {
		if _, err := c.exec(insertList, fmt.Sprint("l", id), id, "", "", false, false, false, "", "", "", 0, 0); err != nil {
			return err
		}
		return err
	}
}

// together has the ops wait for one commit and returns their errors.
func together(t *testing.T, w *writer, ops ...*op) []error {
	t.Helper()
	release := busy(t, w)
	errs := make([]error, len(ops))
	var wg sync.WaitGroup
	for i, o := range ops {
		wg.Go(func() { errs[i] = w.do(context.Background(), o) })
	}
	for {
		w.mu.Lock()
		n := len(w.waiting)
		w.mu.Unlock()
		if n == len(ops) {
			break
		}
	}
	release()
	wg.Wait()
	return errs
}

func count(t *testing.T, db *DB) int {
	t.Helper()
	all, err := db.Consent().Lists(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestGroupCommit(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name    string
		bad     func(*conn) error
		want    error // of the bad one; nil: any
		commits int64 // for ten good ones, a bad one, and the one before them
	}{
		{"all good", insert(100, nil), nil, 2},
		{"fails before it wrote", func(*conn) error { return store.ErrNotFound }, store.ErrNotFound, 2},
		{"fails after it wrote", insert(100, broken), broken, 11},
		{"breaks a constraint", insert(5, nil), nil, 2},
		{"panics", func(c *conn) error { _ = insert(100, nil)(c); panic("oops") }, nil, 11},
		{"ends the transaction", func(c *conn) error { _, _ = c.exec("ROLLBACK"); return broken }, broken, 11},
		{"finds the disk broken", func(c *conn) error { return sqlite3.Error{Code: sqlite3.ErrIoErr} }, store.ErrUnavailable, 11},
		{"finds damage", func(c *conn) error { return sqlite3.Error{Code: sqlite3.ErrCorrupt} }, store.ErrDamaged, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := openTest(t, Options{})
			w := db.consent.file.writer
			before := w.commits.Load()
			var ops []*op
			told := 0
			for i := range 10 {
				ops = append(ops, &op{run: insert(i, nil), committed: func() { told++ }})
			}
			ops = append(ops, &op{run: tt.bad, committed: func() { told += 100 }})
			errs := together(t, w, ops...)
			bad := errs[10]
			good := 10
			if tt.name == "breaks a constraint" { // whichever of the two came second
				if (errs[5] == nil) == (bad == nil) {
					t.Fatalf("one of two with one id fails: %v, %v", errs[5], bad)
				}
				errs[5] = nil
			} else if tt.name == "all good" {
				good, told = 11, told-99
			} else if bad == nil || tt.want != nil && !errors.Is(bad, tt.want) {
				t.Fatalf("the bad one: %v", bad)
			}
			for i, err := range errs[:10] {
				if err != nil {
					t.Fatalf("good one %d: %v", i, err)
				}
			}
			if n := count(t, db); n != good {
				t.Fatalf("%d of %d are there", n, good)
			}
			if told%100 != good && tt.name != "breaks a constraint" {
				t.Fatalf("%d of %d were told after the commit", told, good)
			}
			if n := w.commits.Load() - before; n != tt.commits {
				t.Fatalf("%d commits, want %d", n, tt.commits)
			}
		})
	}
}

// TestWithdrawn: an op whose caller gives up before it was started never runs.
func TestWithdrawn(t *testing.T) {
	db := openTest(t, Options{})
	w := db.consent.file.writer
	release := busy(t, w)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.do(ctx, &op{run: insert(1, nil)}) }()
	for waiting := 0; waiting == 0; {
		w.mu.Lock()
		waiting = len(w.waiting)
		w.mu.Unlock()
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	release()
	if err := w.do(context.Background(), &op{run: insert(2, nil)}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db); n != 1 {
		t.Fatalf("%d lists: the one given up was written", n)
	}
}

// TestLargeBatch: what is too much for one transaction is committed in several.
func TestLargeBatch(t *testing.T) {
	db := openTest(t, Options{})
	w := db.consent.file.writer
	before := w.commits.Load()
	var ops []*op
	for i := range 5 {
		ops = append(ops, &op{run: insert(i, nil), cost: maxBatch / 2})
	}
	for _, err := range together(t, w, ops...) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := w.commits.Load() - before; n != 4 { // the one before them, then 2, 2, 1
		t.Fatalf("%d commits", n)
	}
}

// TestFailedCommit: nobody of a batch whose commit fails is told that it was
// kept, and the next batch works.
func TestFailedCommit(t *testing.T) {
	db := openTest(t, Options{})
	w := db.spool.file.writer
	// A deferred foreign key that is violated makes COMMIT itself fail.
	violate := func(c *conn) error {
		if err := c.pragma("PRAGMA defer_foreign_keys = ON"); err != nil {
			return err
		}
		_, err := c.exec(insertRecipient, 77, 0, "", "", "", "", "queued", 0, 0, 0, "", "", "", 0)
		return err
	}
	told := false
	errs := together(t, w, &op{run: violate, committed: func() { told = true }},
		&op{run: func(c *conn) error { _, err := c.exec(insertChunk, 7, 0, 0, []byte("x")); return err }, committed: func() { told = true }})
	for _, err := range errs {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if told {
		t.Fatal("told of a commit that failed")
	}
	if err := db.Spool().file.write(context.Background(), &op{run: func(c *conn) error {
		n, err := c.exec("DELETE FROM chunks")
		if err == nil && n != 0 {
			err = errors.New("kept in part")
		}
		return err
	}}); err != nil {
		t.Fatal(err)
	}
}

// TestPanicAfterCommit: what is durable is answered as such, and the writer lives on.
func TestPanicAfterCommit(t *testing.T) {
	db := openTest(t, Options{})
	w := db.consent.file.writer
	if err := w.do(context.Background(), &op{run: insert(1, nil), committed: func() { panic("oops") }}); err != nil {
		t.Fatal(err)
	}
	if err := w.do(context.Background(), &op{run: insert(2, nil)}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db); n != 2 {
		t.Fatalf("%d of 2", n)
	}
}

// TestPragmas: what keeps the promises is set on every connection.
func TestPragmas(t *testing.T) {
	db := openTest(t, Options{})
	want := map[string]string{"synchronous": "2", "foreign_keys": "1", "journal_mode": "wal", "busy_timeout": "5000"}
	check := func(c *conn) error {
		for name, value := range want {
			if _, err := c.one("PRAGMA "+name, func(r row) {
				if got := fmt.Sprint(r[0]); got != value {
					t.Errorf("%s is %s, want %s", name, got, value)
				}
			}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, f := range []*file{db.consent.file, db.spool.file} {
		if err := errors.Join(f.write(context.Background(), &op{run: check}), f.readers.do(context.Background(), check)); err != nil {
			t.Fatal(err)
		}
		if err := f.readers.do(context.Background(), func(c *conn) error {
			_, err := c.exec("DELETE FROM goose_db_version")
			return err
		}); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("a reader that writes: %v", err)
		}
	}
}
