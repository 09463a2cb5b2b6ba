package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// forget removes the mail of the person of these tests.
func forget(t *testing.T, db *DB) {
	t.Helper()
	_, err := db.Spool().Forget(context.Background(), func(address string) bool { return strings.EqualFold(address, gone) })
	must(t, err)
}

// fillFree makes a list of free pages that has several trunks, all of whose
// pages hold the person's address.
func fillFree(t *testing.T, db *DB) {
	t.Helper()
	for i := range 40 {
		mail(t, db.Spool(), fmt.Sprint("F", i), goneWire)
	}
	forget(t, db)
}

// rounds does what is left of a pass.
func rounds(t *testing.T, o *overwriting) {
	t.Helper()
	for o.left() > 0 {
		_, err := o.round(context.Background())
		must(t, err)
	}
}

// crashImage is what a crash at this moment leaves: the files without what
// SQLite keeps in memory, with the log copied back.
func crashImage(t *testing.T, dir, name string) string {
	t.Helper()
	to := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, name+suffix))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(to, name+suffix), content, 0o600))
	}
	must(t, os.WriteFile(filepath.Join(to, "other"), nil, 0o600))
	c, err := openConn(dsn(filepath.Join(to, name), forWriting, time.Second))
	must(t, err)
	must(t, c.pragma("PRAGMA wal_checkpoint(TRUNCATE)"))
	must(t, c.close())
	return to
}

// wantWhole checks the structure of the spool.
func wantWhole(t *testing.T, db *DB) {
	t.Helper()
	must(t, db.spool.file.readers.do(context.Background(), func(c *conn) error {
		return c.query("SELECT * FROM pragma_integrity_check", func(r row) error {
			if r.text(0) != "ok" {
				return errors.New(r.text(0))
			}
			return nil
		})
	}))
}

// While a pass goes on, what becomes free is overwritten at once, also what has
// been in the log, and by connections that are opened again.
func TestFreedDuringAPass(t *testing.T) {
	for _, reopened := range []bool{false, true} {
		t.Run(fmt.Sprint("reopened ", reopened), func(t *testing.T) {
			dir := t.TempDir()
			db := openTest(t, Options{Dir: dir})
			fillFree(t, db)
			o, err := db.spool.overwrite(context.Background())
			must(t, err)
			if reopened {
				if err := db.spool.file.alone(context.Background(), func(*conn) error { return errNotSynced }); !errors.Is(err, errNotSynced) {
					t.Fatal(err)
				}
			}
			rounds(t, o)
			mail(t, db.Spool(), "G", goneWire)
			forget(t, db)
			must(t, db.Scrubber().finish(context.Background(), time.Now()))
			wantNoTrace(t, dir, "freed during the pass")
			wantWhole(t, db)
		})
	}
}

// A crash at any moment of a pass puts nothing back over what is overwritten.
func TestACrashDuringAPassPutsNothingBack(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	fillFree(t, db)
	// Frames of pages that are free by now stand in the log.
	o, err := db.spool.overwrite(context.Background())
	must(t, err)
	for i := range 5 {
		mail(t, db.Spool(), fmt.Sprint("O", i), "somebody@other.example") // changes the trunks
	}
	rounds(t, o)
	wantNoTrace(t, crashImage(t, dir, spoolFile), "after a crash")
	must(t, db.Scrubber().finish(context.Background(), time.Now()))
	wantNoTrace(t, dir, "at the end")
	wantWhole(t, db)
}

// A reader keeps the log from being started anew: the pass begins after it.
func TestAPassBeginsWithAnEmptyLog(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	fillFree(t, db)
	must(t, db.spool.putPass(ctx, 0)) // or this would be what waits for the reader
	var o *overwriting
	must(t, db.spool.file.readers.snapshot(ctx, func(c *conn) (err error) {
		if _, err := c.one(selectLast, func(row) {}); err != nil { // the snapshot begins
			return err
		}
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		if o, err = db.spool.overwrite(short); err != nil {
			o = nil
		}
		return nil
	}))
	if o == nil {
		var err error
		o, err = db.spool.overwrite(ctx)
		must(t, err)
	}
	rounds(t, o) // without any change, which would start the log anew
	wantNoTrace(t, crashImage(t, dir, spoolFile), "begun beside a reader, after a crash")
}

// The trunks of the list of free pages hold more than numbers.
func TestTrunksAreOverwritten(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	fillFree(t, db)
	for i := range 40 {
		mail(t, db.Spool(), fmt.Sprint("O", i), "somebody@other.example")
	}
	o, err := db.spool.overwrite(ctx)
	must(t, err)
	// What changes a trunk writes all of it.
	_, err = db.Spool().Forget(ctx, func(address string) bool { return strings.HasPrefix(address, "somebody") })
	must(t, err)
	rounds(t, o)
	must(t, db.Scrubber().finish(ctx, time.Now()))
	wantNoTrace(t, dir, "with a trunk that was changed")
	wantWhole(t, db)
}

// Who reads what was before reads it to the end.
func TestReadersBesideAPass(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	fillFree(t, db)
	o, err := db.spool.overwrite(ctx)
	must(t, err)
	// The pages that were free are used, and their content is in the file.
	for i := range 40 {
		must(t, commitSize(db.Spool(), fmt.Sprint("R", i), 0))
		mail(t, db.Spool(), fmt.Sprint("R", i, "-"), "reader@other.example")
	}
	must(t, db.spool.file.truncate(ctx))
	read := func(c *conn) (n, bad int, err error) {
		err = c.query("SELECT sum, data FROM chunks", func(r row) error {
			n++
			if int64(db.spool.sum(r.blob(1))) != r.int(0) {
				bad++
			}
			return nil
		})
		return n, bad, err
	}
	must(t, db.spool.file.readers.snapshot(ctx, func(c *conn) error {
		if _, err := c.one(selectLast, func(row) {}); err != nil { // the snapshot begins
			return err
		}
		if _, err := db.Spool().Forget(ctx, func(address string) bool { return strings.HasPrefix(address, "reader") }); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		for o.left() > 0 {
			if _, err := o.round(short); err != nil {
				break
			}
		}
		if o.left() == 0 {
			t.Error("the pass did not wait for the reader")
		}
		n, bad, err := read(c)
		if n < 40 || bad > 0 {
			t.Errorf("%d of %d chunks are not what was written", bad, n)
		}
		return err
	}))
	rounds(t, o)
	wantWhole(t, db)
}

// A pass that was interrupted goes on, and writes nothing twice.
func TestAPassGoesOn(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey})
	must(t, err)
	fillFree(t, db)
	must(t, db.Consent().Scrub(ctx))
	o, err := db.spool.overwrite(ctx)
	must(t, err)
	whole := o.left()
	var written int64
	for o.left() > whole/2 {
		n, err := o.round(ctx)
		must(t, err)
		written += n
	}
	must(t, db.Close())
	db = openTest(t, Options{Dir: dir})
	must(t, db.spool.file.alone(ctx, func(c *conn) error {
		_, err := c.one("PRAGMA secure_delete", func(r row) {
			if r.int(0) != 1 {
				t.Errorf("secure_delete is %d after the start", r.int(0))
			}
		})
		return err
	}))
	scrubbed(t, db)
	written += db.Scrubber().written.Load()
	if written > whole {
		t.Errorf("%d octets were written for a list of %d", written, whole)
	}
	wantNoTrace(t, dir, "after both halves")
	s, err := db.Scrubber().Scrubbed(ctx)
	if err != nil || s.Due() || s.Asked != 1 || !s.Since.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	must(t, db.spool.file.alone(ctx, func(c *conn) error {
		_, err := c.one("PRAGMA secure_delete", func(r row) {
			if r.int(0) != 2 {
				t.Errorf("secure_delete is %d after the pass", r.int(0))
			}
		})
		return err
	}))
}

// What is asked for during a pass is through with it: nothing is looked at twice.
func TestAskedDuringAPass(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir, Now: func() time.Time { return moment(50) }})
	fillFree(t, db)
	must(t, db.Consent().Scrub(ctx))
	o, err := db.spool.overwrite(ctx)
	must(t, err)
	mail(t, db.Spool(), "G", goneWire)
	must(t, db.Consent().Erase(ctx, gone, store.Event{Time: moment(51), Kind: store.EventErased, Way: store.Page}))
	forget(t, db)
	must(t, db.Consent().Scrub(ctx))
	if s, err := db.Scrubber().Scrubbed(ctx); err != nil || s.Asked != 3 || s.Done != 0 || !s.Since.Equal(moment(50)) {
		t.Errorf("%+v, %v", s, err)
	}
	rounds(t, o)
	must(t, db.Scrubber().finish(ctx, time.Now()))
	if s, err := db.Scrubber().Scrubbed(ctx); err != nil || s.Done != 3 || s.Due() {
		t.Errorf("%+v, %v", s, err)
	}
	if _, found, err := db.spool.pass(ctx); found || err != nil {
		t.Errorf("the pass has not ended: %v", err)
	}
	wantNoTrace(t, dir, "two erasures, one pass")
}

// Without anything asked for Run does nothing; asked, it does it, and again: by an
// erasure too, whose caller may not come to ask for it.
func TestScrubberRuns(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- db.Scrubber().Run(ctx) }()
	for _, ask := range []func() error{
		func() error { return db.Consent().Scrub(ctx) },
		func() error { return db.Consent().Scrub(ctx) },
		func() error {
			return db.Consent().Erase(ctx, gone, store.Event{Time: moment(1), Kind: store.EventErased, Way: store.Page})
		},
	} {
		fillFree(t, db)
		must(t, ask())
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			s, err := db.Scrubber().Scrubbed(ctx)
			must(t, err)
			if !s.Due() {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%+v", s)
			}
		}
		wantNoTrace(t, dir, "scrubbed")
	}
	cancel()
	must(t, <-ended)
}

// A list of free pages that makes no sense is not overwritten by.
func TestADamagedFreelistIsLeftAlone(t *testing.T) {
	db := openTest(t, Options{})
	fillFree(t, db)
	must(t, db.spool.file.truncate(context.Background()))
	whole, err := os.ReadFile(db.spool.file.path)
	must(t, err)
	size := pageSize(spoolFile)
	first := int(whole[atFirstTrunk+2])<<8 | int(whole[atFirstTrunk+3])
	if _, err := readFreelist(bytes.NewReader(whole), size); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b []byte){
		"count":        func(b []byte) { b[atFreeCount+3]++ },
		"first trunk":  func(b []byte) { b[atFirstTrunk] = 0x7f },
		"header page":  func(b []byte) { copy(b[(first-1)*size+8:], []byte{0, 0, 0, 1}) },
		"leaf twice":   func(b []byte) { copy(b[(first-1)*size+8:(first-1)*size+12], b[(first-1)*size+12:]) },
		"many leaves":  func(b []byte) { copy(b[(first-1)*size+4:], []byte{0, 0, 0xff, 0xff}) },
		"itself":       func(b []byte) { copy(b[(first-1)*size:(first-1)*size+4], b[atFirstTrunk:]) },
		"no such leaf": func(b []byte) { copy(b[(first-1)*size+8:], []byte{0x7f, 0, 0, 1}) },
	} {
		b := bytes.Clone(whole)
		change(b)
		if _, err := readFreelist(bytes.NewReader(b), size); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readFreelist(bytes.NewReader(whole[:size*first-1]), size); !errors.Is(err, io.EOF) {
		t.Errorf("cut: %v", err)
	}
}

func FuzzFreelist(f *testing.F) {
	page := make([]byte, 3*512)
	copy(page[28:], []byte{0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2})
	copy(page[512+4:], []byte{0, 0, 0, 1, 0, 0, 0, 3})
	f.Add(page)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 32 {
			b = bytes.Clone(b)
			b[28], b[29] = 0, 0 // at most 65535 pages
		}
		list, err := readFreelist(bytes.NewReader(b), 512)
		if err == nil && list.leaves.has(1) {
			t.Error("the first page is free")
		}
	})
}

func TestRest(t *testing.T) {
	for _, tt := range []struct {
		name            string
		took, remaining time.Duration
		done, left      int64
		want            time.Duration
	}{
		{"a quarter of the time", time.Second, time.Hour, 1 << 20, 10 << 20, 3 * time.Second},
		{"not faster than that", 10 * time.Millisecond, time.Hour, 32 << 20, 1 << 30, 990 * time.Millisecond},
		{"in half the time there is", time.Second, 20 * time.Second, 1 << 20, 8 << 20, 250 * time.Millisecond},
		{"late", time.Second, -time.Hour, 1 << 20, 8 << 20, 0},
		// 10 GiB at a disk that writes 1 MiB in a second are through in time.
		{"a slow disk", time.Second, 24 * time.Hour, 1 << 20, 10 << 30, 3 * time.Second},
	} {
		if got := rest(tt.took, tt.remaining, tt.done, tt.left); (got - tt.want).Abs() > time.Millisecond {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
