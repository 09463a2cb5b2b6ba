package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
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

// queued makes a folder with messages of one and of several chunks, some of
// whose recipients left, and returns their bodies by queue id.
func queued(t *testing.T, dir string, n int) map[string][]byte {
	t.Helper()
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey})
	must(t, err)
	bodies := map[string][]byte{}
	for i := range n {
		id := fmt.Sprintf("Q%03d", i)
		body := make([]byte, 2000)
		if i%3 == 0 {
			body = make([]byte, 300_000)
		}
		_, _ = rand.Read(body)
		d, err := db.Spool().Create(ctx)
		must(t, err)
		_, err = d.Write(body)
		must(t, err)
		var to []store.Recipient
		for r := range 3 {
			to = append(to, store.Recipient{Address: fmt.Sprintf("r%d.%d@x.example", i, r), Domain: "x.example", Next: moment(0)})
		}
		must(t, d.Commit(ctx, &store.Message{ID: id, Received: moment(0), ReversePath: "from@x.example", Header: bytes.Repeat([]byte("X: y\r\n"), 50)}, to))
		bodies[id] = body
	}
	jobs, err := db.Spool().Lease(ctx, moment(1), 3*n, nil)
	must(t, err)
	for _, j := range jobs {
		if _, k := splitID(j.Recipient.ID); k == 0 {
			must(t, db.Spool().Settle(ctx, store.Result{Recipient: j.Recipient.ID, Kind: store.Delivered}))
		}
	}
	must(t, db.Close())
	return bodies
}

// whatIsThere checks every message of a folder and returns the ids of those
// that are whole. In a file whose structure is, others are found when they are read.
func whatIsThere(t *testing.T, dir string, bodies map[string][]byte, salvaged bool) map[string]bool {
	t.Helper()
	ctx := context.Background()
	db := openTest(t, Options{Dir: dir})
	all, err := db.Spool().Queue(ctx, store.QueueFilter{})
	must(t, err)
	there := map[string]bool{}
	for _, e := range all {
		id := e.Message.ID
		if there[id] {
			t.Errorf("%s is there twice", id)
		}
		there[id] = true
		for _, r := range e.Recipients {
			if _, n := splitID(r.ID); n == 0 {
				t.Errorf("%s: a recipient is back to whom it was delivered", id)
			}
		}
		b, err := db.Spool().Body(ctx, id)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(b)
		}
		if errors.Is(err, store.ErrMessage) && !salvaged {
			delete(there, id)
			continue
		}
		if err != nil || !bytes.Equal(got, bodies[id]) {
			t.Errorf("%s: not the body that was written: %v", id, err)
		}
	}
	wantWhole(t, db)
	must(t, db.Close())
	return there
}

// Any one page of the file is bad: every other message is saved, and those that
// are not are named.
func TestSalvageOfEveryPage(t *testing.T) {
	whole := t.TempDir()
	const n = 12
	bodies := queued(t, whole, n)
	file, err := os.ReadFile(filepath.Join(whole, spoolFile))
	must(t, err)
	size, least, none := pageSize(spoolFile), n, 0
	pages := len(file) / size
	step := max(pages/4, 1) // the first pages have the roots of all tables
	for page := 0; page < pages; page++ {
		if page > 9 {
			page += step - 1
		}
		if page >= pages {
			break
		}
		for i, name := range []string{"zeros", "garbage"} {
			if page > 7 && page%2 == i {
				continue
			}
			dir := t.TempDir()
			bad := bytes.Clone(file)
			if clear(bad[page*size : (page+1)*size]); name == "garbage" {
				_, _ = rand.Read(bad[page*size : (page+1)*size])
			}
			must(t, os.WriteFile(filepath.Join(dir, spoolFile), bad, 0o600))
			other, err := os.ReadFile(filepath.Join(whole, consentFile))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, consentFile), other, 0o600))
			done, err := Salvage(context.Background(), Options{Dir: dir})
			if err != nil {
				t.Fatalf("page %d, %s: %v", page+1, name, err)
			}
			there := whatIsThere(t, dir, bodies, done.Damaged)
			if !done.Damaged {
				if len(there) < n-1 { // a body page is found by its sum alone
					t.Errorf("page %d, %s: %d messages in a file that is taken for whole", page+1, name, len(there))
				}
				continue
			}
			least = min(least, len(there))
			if len(there) == 0 {
				none++
			}
			named := 0
			for _, l := range done.Lost {
				if l.ID != "" && there[l.ID] != strings.HasPrefix(l.Why, "further") {
					t.Errorf("page %d, %s: %+v", page+1, name, l)
				}
				if !there[l.ID] {
					named++
				}
			}
			if done.Kept != len(there) || len(there)+named != n {
				t.Errorf("page %d, %s: %d kept, %d there, %d of the others named %+v", page+1, name, done.Kept, len(there), named, done.Lost)
			}
			if old, err := os.ReadFile(done.Old); err != nil || len(old) != len(bad) {
				t.Errorf("page %d: the damaged file is gone: %v", page+1, err)
			}
			again, err := Salvage(context.Background(), Options{Dir: dir})
			if err != nil || again.Damaged {
				t.Errorf("page %d, again: %+v, %v", page+1, again, err)
			}
		}
	}
	if none > 4 { // the one page of all recipients, and that above all messages
		t.Errorf("nothing was saved with %d pages", none)
	}
	t.Logf("%d pages, at least %d of %d messages saved", pages, least, n)
}

// What stands in the log alone is saved as well, and nothing of the old log gets
// into the new file.
func TestSalvageWithALog(t *testing.T) {
	ctx := context.Background()
	from, dir := t.TempDir(), t.TempDir()
	db := openTest(t, Options{Dir: from})
	for i := range 20 {
		must(t, commitSize(db.Spool(), fmt.Sprint("Q", i), 20_000))
	}
	must(t, db.spool.file.truncate(ctx))
	for i := range 20 {
		must(t, commitSize(db.Spool(), fmt.Sprint("L", i), 20_000))
	}
	for _, name := range []string{consentFile, spoolFile, spoolFile + "-wal"} {
		content, err := os.ReadFile(filepath.Join(from, name))
		must(t, err)
		if name == spoolFile {
			for at := 12 * pageSize(spoolFile); ; at += pageSize(spoolFile) {
				if content[at] == 13 { // a leaf of a table with row ids: messages
					clear(content[at : at+pageSize(spoolFile)])
					break
				}
			}
		}
		must(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	done, err := Salvage(ctx, Options{Dir: dir})
	if err != nil || !done.Damaged || done.Kept < 35 || done.Kept+len(done.Lost) != 40 {
		t.Fatalf("%+v, %v", done, err)
	}
	back := openTest(t, Options{Dir: dir})
	wantWhole(t, back)
	wantMessages(t, back.Spool(), done.Kept)
}

func TestSalvageBesideAServer(t *testing.T) {
	dir := t.TempDir()
	openTest(t, Options{Dir: dir})
	if _, err := Salvage(context.Background(), Options{Dir: dir, BusyTimeout: time.Second}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("Salvage = %v", err)
	}
	if _, err := Salvage(context.Background(), Options{Dir: t.TempDir()}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of nothing: %v", err)
	}
}
