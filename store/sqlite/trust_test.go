package sqlite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"offramp/store"
)

// errFsync is what SQLite says of an fsync that failed.
var errFsync = sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}

// breakSync has every new connection of a file fail until it is called again.
func breakSync(f *file) (fix func()) {
	whole := f.writer.setup
	f.writer.setup = func(*conn) error { return errFsync }
	return func() { f.writer.setup = whole }
}

// After a failed fsync nothing is taken until a new connection has made a change
// of its own durable, which readiness says.
func TestAFileIsTrustedAgainOnceItProvedItself(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	s := db.Spool()
	must(t, s.Ready(ctx))
	if h := s.Health(); !h.Trusted || h.Faults != 0 || h.Commits == 0 {
		t.Errorf("at first %+v", h)
	}
	fix := breakSync(s.file)
	if err := s.file.write(ctx, &op{run: func(*conn) error { return errFsync }}); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Ready(ctx); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("Ready = %v", err)
		}
		if err := commitSize(s, "Q1", 10); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("taken: %v", err)
		}
	}
	if h := s.Health(); h.Trusted || h.Faults == 0 {
		t.Errorf("broken: %+v", h)
	}
	if err := db.Consent().Ready(ctx); err != nil {
		t.Errorf("the other file: %v", err)
	}
	fix()
	if err := s.Ready(ctx); err == nil {
		t.Error("tried again at once, for everybody who asks")
	}
	for end := time.Now().Add(10 * time.Second); s.Ready(ctx) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never trusted again")
		}
	}
	must(t, commitSize(s, "Q1", 10))
	if h := s.Health(); !h.Trusted {
		t.Errorf("fixed: %+v", h)
	}
	wantMessages(t, s, 1)
}

// A new connection writes before anything is taken on it.
func TestANewConnectionProvesItself(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	f := db.spool.file
	noted := func() (found bool) {
		must(t, f.readers.do(ctx, func(c *conn) (err error) {
			found, err = c.one(selectMeta, func(row) {}, metaReady)
			return err
		}))
		return found
	}
	if noted() {
		t.Fatal("noted before anything failed")
	}
	if err := f.write(ctx, &op{run: func(*conn) error { return errFsync }}); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	must(t, commitSize(db.Spool(), "Q1", 10))
	if !noted() {
		t.Error("mail was taken on a connection that did not prove itself")
	}
}

// Readiness writes, but not for everybody who asks.
func TestReadyWrites(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	f := db.consent.file
	count := func() int64 { return f.writer.commits.Load() }
	f.writer.trust.mu.Lock()
	f.writer.trust.last = time.Time{}
	f.writer.trust.mu.Unlock()
	before := count()
	for range 20 {
		must(t, db.Consent().Ready(ctx))
	}
	if n := count() - before; n < 1 || n > 3 {
		t.Errorf("%d writes for 20 questions", n)
	}
}
