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
	"sync"
	"testing"

	"offramp/store"
)

func copyOf(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	must(t, os.Mkdir(to, 0o700))
	must(t, Backup(t.Context(), BackupOptions{From: from, To: to}))
	return to
}

func examinedAt(t *testing.T, dir string) Examined {
	t.Helper()
	found, err := Examine(t.Context(), Options{Dir: dir, PersonKey: backupKey()})
	must(t, err)
	return found
}

func backupKey() []byte { return make([]byte, 32) }

func message(t *testing.T, s *Spool, id, to, body string) {
	t.Helper()
	d, err := s.Create(t.Context())
	must(t, err)
	_, err = io.WriteString(d, body)
	must(t, err)
	must(t, d.Commit(t.Context(), &store.Message{ID: id, Received: moment(1), Header: []byte("Subject: x\r\n\r\n")}, []store.Recipient{{Address: to, Domain: "example.org"}}))
}

func leaves(t *testing.T, s *Consent, who string) {
	t.Helper()
	_, err := s.Decide(t.Context(), store.Change{Choices: []store.ChoiceChange{{
		Choice: store.Choice{Recipient: who, List: "news", State: store.Unsubscribed, Since: moment(1), Way: store.OneClick},
		Event:  store.Event{Time: moment(1), Kind: store.EventUnsubscribed, Recipient: who, List: "news", Way: store.OneClick},
	}}})
	must(t, err)
}

// A backup that is interrupted ends, also while its copy is written without free
// pages, which cannot be done in steps.
func TestBackupEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir, PersonKey: backupKey()})
	must(t, err)
	defer db.Close()
	ctx, stop := context.WithCancel(t.Context())
	err = Backup(ctx, BackupOptions{From: dir, To: t.TempDir(), Progress: func(file string, _, _ int64) {
		if file == consentFile { // the last one
			stop()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Mail in a copy never lacks an opt-out that was answered before the mail was
// accepted, while both are written.
func TestBackupNeverLacksAnOptOut(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir, PersonKey: backupKey()})
	must(t, err)
	defer db.Close()
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			who := fmt.Sprintf("p%06d@example.org", i)
			leaves(t, db.Consent(), who)
			message(t, db.Spool(), fmt.Sprintf("q%06d", i), who, strings.Repeat("x", 3000))
		}
	})
	defer writing.Wait()
	defer close(stop)
	for range 5 {
		to := copyOf(t, dir)
		if found := examinedAt(t, to); len(found.Damage) > 0 || found.Older {
			t.Fatalf("%+v", found)
		}
		made, err := Open(t.Context(), Options{Dir: to, PersonKey: backupKey(), ReadOnly: true})
		must(t, err)
		entries, err := made.Spool().Queue(t.Context(), store.QueueFilter{Limit: 1 << 20})
		must(t, err)
		for _, e := range entries {
			person, err := made.Consent().Person(t.Context(), e.Recipients[0].Address)
			must(t, err)
			if len(person.Choices) != 1 || person.Choices[0].State != store.Unsubscribed {
				t.Fatalf("the copy has mail to %s and not the opt-out before it", e.Recipients[0].Address)
			}
		}
		must(t, made.Close())
	}
}

// What was deleted is in no page of a copy.
func TestBackupLeavesDeletedMailOut(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir, PersonKey: backupKey()})
	must(t, err)
	defer db.Close()
	const secret = "a letter about the person"
	message(t, db.Spool(), "q1", "ada@example.org", strings.Repeat(secret, 4000))
	_, err = db.Spool().Act(t.Context(), store.Remove, store.QueueFilter{})
	must(t, err)
	to := copyOf(t, dir)
	raw, err := os.ReadFile(filepath.Join(to, spoolFile))
	must(t, err)
	if strings.Contains(string(raw), secret) {
		t.Error("mail that was deleted is in the copy")
	}
	names, err := os.ReadDir(to)
	must(t, err)
	for _, e := range names {
		info, err := e.Info()
		must(t, err)
		if e.Name() != spoolFile && e.Name() != consentFile || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s with mode %v", e.Name(), info.Mode())
		}
	}
}

// A copy that is damaged, or of another key, is found.
func TestExamineFindsDamage(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir, PersonKey: backupKey()})
	must(t, err)
	for i := range 50 {
		leaves(t, db.Consent(), fmt.Sprintf("p%d@example.org", i))
	}
	must(t, db.Close())
	to := copyOf(t, dir)
	if found := examinedAt(t, to); len(found.Damage) > 0 {
		t.Fatalf("whole: %v", found.Damage)
	}
	if _, err := Examine(t.Context(), Options{Dir: to, PersonKey: append(make([]byte, 31), 1)}); !errors.Is(err, store.ErrKey) {
		t.Errorf("another key: %v", err)
	}
	c, err := openConn(plainDSN(filepath.Join(to, consentFile), "rw"))
	must(t, err)
	must(t, c.pragma("UPDATE choices SET state = 'subscribed' WHERE recipient = 'p7@example.org'"))
	must(t, c.close())
	if found := examinedAt(t, to); len(found.Damage) == 0 {
		t.Error("an opt-out that was changed is not found")
	}
}

// Choices that are older than the queue, or of another ledger, are not served from.
func TestOlderChoicesAreRefused(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	o := Options{Dir: dir, PersonKey: backupKey()}
	again := func(work func(*DB)) {
		t.Helper()
		db, err := Open(ctx, o)
		must(t, err)
		work(db)
		must(t, db.Close())
	}
	again(func(db *DB) { leaves(t, db.Consent(), "ada@example.org") })
	older := copyOf(t, dir)
	again(func(db *DB) { leaves(t, db.Consent(), "ben@example.org") })
	newer, err := os.ReadFile(filepath.Join(dir, consentFile))
	must(t, err)
	put := func(from string) {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(from, consentFile))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, consentFile), raw, 0o600))
	}
	put(older)
	if db, err := Open(ctx, o); !errors.Is(err, ErrBehind) {
		t.Fatalf("an older file: %v", errors.Join(err, db.Close()))
	}
	// The right one serves again, and an accepted one from then on.
	must(t, os.WriteFile(filepath.Join(dir, consentFile), newer, 0o600))
	again(func(*DB) {})
	put(older)
	accepting := o
	accepting.AcceptLedger = true
	db, err := Open(ctx, accepting)
	must(t, err)
	must(t, db.Close())
	again(func(db *DB) {
		leaves(t, db.Consent(), "cleo@example.org")
		leaves(t, db.Consent(), "dora@example.org")
	})
	// Another history with as many events is another ledger.
	must(t, os.WriteFile(filepath.Join(dir, consentFile), newer, 0o600))
	if db, err := Open(ctx, o); !errors.Is(err, ErrBehind) {
		t.Errorf("another ledger: %v", errors.Join(err, db.Close()))
	}
}

// A note on the ledger that is damaged proves nothing, and stops nobody.
func TestDamagedNoteOnTheLedger(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir, PersonKey: backupKey()}
	db, err := Open(t.Context(), o)
	must(t, err)
	leaves(t, db.Consent(), "ada@example.org")
	must(t, db.Close())
	c, err := openConn(plainDSN(filepath.Join(dir, spoolFile), "rw"))
	must(t, err)
	var note []byte
	_, err = c.one(selectMeta, func(r row) { note = r.blob(0) }, metaSeen)
	must(t, err)
	for i := range note {
		flipped := bytes.Clone(note)
		flipped[i] ^= 1
		_, err := c.exec(putMeta, metaSeen, flipped)
		must(t, err)
		if _, ok := seenOf(flipped); ok {
			t.Errorf("a note with the byte %d changed is believed", i)
		}
	}
	must(t, c.close())
	if db, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	must(t, db.Close())
}
