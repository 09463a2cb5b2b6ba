package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"offramp/store"
)

func commitSize(s *Spool, id string, size int) error {
	ctx := context.Background()
	d, err := s.Create(ctx)
	if err != nil {
		return err
	}
	defer d.Abort()
	if _, err := d.Write(make([]byte, size)); err != nil {
		return err
	}
	return d.Commit(ctx, &store.Message{ID: id, Received: time.Now()}, []store.Recipient{{Domain: "example.net"}})
}

// fill adds messages until one is refused and returns how many there are.
func fill(t *testing.T, s *Spool, size int) int {
	t.Helper()
	for i := range 10_000 {
		if err := commitSize(s, fmt.Sprint("fill", size, "-", i), size); err != nil {
			if !errors.Is(err, store.ErrFull) {
				t.Fatalf("after %d messages: %v", i, err)
			}
			return i
		}
	}
	t.Fatal("never full")
	return 0
}

func wantMessages(t *testing.T, s *Spool, want int) {
	t.Helper()
	ctx := context.Background()
	u, err := s.Usage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	q, err := s.Queue(ctx, store.QueueFilter{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if u.Messages != want || len(q) != want || u.Queued != want {
		t.Fatalf("%d messages were accepted, %d are counted, %d are there", want, u.Messages, len(q))
	}
}

// TestFull: no room in the file, then room again, without a restart.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir, PersonKey: testKey})
	s := db.Spool()
	limit := func(pages int) {
		t.Helper()
		if err := s.file.write(context.Background(), &op{run: func(c *conn) error {
			return c.pragma(fmt.Sprint("PRAGMA max_page_count = ", pages))
		}}); err != nil {
			t.Fatal(err)
		}
	}
	limit(200)
	n := fill(t, s, 20_000)
	n += fill(t, s, 400_000) // refused while the body is written
	n += fill(t, s, 2_000)
	wantMessages(t, s, n)
	jobs, err := s.Lease(context.Background(), time.Now(), 10, nil)
	if err != nil || len(jobs) != 10 {
		t.Fatalf("lease: %d %v", len(jobs), err)
	}
	for _, j := range jobs {
		if err := s.Settle(context.Background(), store.Result{Recipient: j.Recipient.ID}); err != nil {
			t.Fatalf("deliveries go on: %v", err)
		}
	}
	if err := commitSize(s, "after", 20_000); err != nil {
		t.Fatalf("the room of what left: %v", err)
	}
	wantMessages(t, s, n-9)
	limit(100_000)
	if err := commitSize(s, "large", 400_000); err != nil {
		t.Fatalf("room again: %v", err)
	}
	wantMessages(t, s, n-8)
}

// TestFullVolume does the same with a volume that is really full.
func TestFullVolume(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a volume needs root; TestFull checks the same by a limit")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("no volume can be mounted here: %v; TestFull checks the same by a limit", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	// More than all the log can hold, so that it can be copied back later.
	if err := os.WriteFile(ballast, make([]byte, 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	db := openTest(t, Options{Dir: dir, PersonKey: testKey})
	s := db.Spool()
	n := fill(t, s, 30_000)
	n += fill(t, s, 300_000)
	wantMessages(t, s, n)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := commitSize(s, "after", 30_000); err != nil {
		t.Fatalf("room again: %v", err)
	}
	wantMessages(t, s, n+1)
}

// TestLocked: another program holds the file.
func TestLocked(t *testing.T) {
	db := openTest(t, Options{BusyTimeout: 20 * time.Millisecond})
	other, err := openConn(dsn(db.spool.file.path, forWriting, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.close() }()
	if _, err := other.exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := commitSize(db.Spool(), "Q1", 10); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("locked: %v", err)
	}
	if _, err := other.exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := commitSize(db.Spool(), "Q1", 10); err != nil {
		t.Fatalf("free again: %v", err)
	}
}

// TestReopened: after an I/O error the connection is replaced, and what is
// kept in memory agrees with the file.
func TestReopened(t *testing.T) {
	db := openTest(t, Options{})
	s := db.Spool()
	if err := commitSize(s, "Q1", 10); err != nil {
		t.Fatal(err)
	}
	var before, after *conn
	err := s.file.write(context.Background(), &op{run: func(c *conn) error {
		before = c
		return sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}
	}})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := commitSize(s, "Q2", 10); err != nil {
		t.Fatal(err)
	}
	err = s.file.write(context.Background(), &op{run: func(c *conn) error {
		after = c
		return nil
	}})
	if err != nil || after == before {
		t.Fatalf("the connection was used again: %v", err)
	}
	wantMessages(t, s, 2)
	jobs, err := s.Lease(context.Background(), time.Now(), 10, nil)
	if err != nil || len(jobs) != 2 {
		t.Fatalf("lease: %d %v", len(jobs), err)
	}
}

func TestNewer(t *testing.T) {
	for _, name := range []string{consentFile, spoolFile} {
		dir := t.TempDir()
		if err := openTest(t, Options{Dir: dir, PersonKey: testKey}).Close(); err != nil {
			t.Fatal(err)
		}
		c, err := openConn(dsn(filepath.Join(dir, name), forWriting, time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.pragma("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
			t.Fatal(err)
		}
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{false, true} {
			_, err := Open(context.Background(), Options{Dir: dir, PersonKey: testKey, ReadOnly: readOnly})
			if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "99") || !strings.Contains(err.Error(), name) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestGarbage(t *testing.T) {
	for _, name := range []string{consentFile, spoolFile} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(context.Background(), Options{Dir: dir, PersonKey: testKey}); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// Choices that were lost are not taken for choices nobody made.
func TestChoicesLost(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"missing": os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db, err := Open(context.Background(), Options{Dir: dir, PersonKey: testKey})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(commitSize(db.Spool(), "Q1", 10), db.Close(), lose(filepath.Join(dir, consentFile))); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the first refusal leaves nothing behind
				if _, err := Open(context.Background(), Options{Dir: dir, PersonKey: testKey}); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), consentFile) {
					t.Fatalf("Open: %v", err)
				}
			}
			if err := os.Remove(filepath.Join(dir, spoolFile)); err != nil {
				t.Fatal(err)
			}
			openTest(t, Options{Dir: dir, PersonKey: testKey})
		})
	}
}

func TestOneServer(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "made", "here")
	db := openTest(t, Options{Dir: dir, PersonKey: testKey})
	if _, err := Open(ctx, Options{Dir: dir, PersonKey: testKey}); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("second server: %v", err)
	}
	if err := commitSize(db.Spool(), "Q1", 10); err != nil {
		t.Fatal(err)
	}
	beside, err := Open(ctx, Options{Dir: dir, PersonKey: testKey, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	wantMessages(t, beside.Spool(), 1)
	for what, err := range map[string]error{
		"commit":  commitSize(beside.Spool(), "Q2", 10),
		"choice":  second(beside.Consent().Decide(ctx, optOut("p"))),
		"lease":   second(beside.Spool().Lease(ctx, time.Now(), 1, nil)),
		"settle":  beside.Spool().Settle(ctx, store.Result{}),
		"act":     second(beside.Spool().Act(ctx, store.Remove, store.QueueFilter{})),
		"missing": second(beside.Consent().EnsureList(ctx, store.List{ID: "l"})),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s on a read-only folder: %v", what, err)
		}
	}
	if err := errors.Join(beside.Close(), beside.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := commitSize(db.Spool(), "Q3", 10); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("after Close: %v", err)
	}
	if _, err := db.Consent().Lists(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("after Close: %v", err)
	}
	openTest(t, Options{Dir: dir, PersonKey: testKey})
}

func second[T any](_ T, err error) error { return err }

func TestReadNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Open(context.Background(), Options{Dir: dir, PersonKey: testKey, ReadOnly: true}); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("reading made the folder")
	}
}

func TestModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "data")
	db := openTest(t, Options{Dir: dir, PersonKey: testKey})
	if err := commitSize(db.Spool(), "Q1", 10); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("folder: %v %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 5 { // two files, their logs, the lock
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
		}
	}
}
