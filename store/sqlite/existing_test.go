package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"offramp/store"
)

// Where data has to exist nothing is made, and the file of choices that is gone
// is not replaced.
func TestExisting(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	o := Options{Dir: dir, PersonKey: make([]byte, 32), Existing: true}
	if _, err := Open(t.Context(), o); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("empty folder: %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("made %v, %v", names, err)
	}
	o.Existing = false
	for range 2 {
		db, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		o.Existing = true
	}
	// A database without tables is not begun anew either.
	for _, spool := range []bool{true, false} {
		if !spool {
			must(t, os.Remove(filepath.Join(dir, spoolFile)))
		}
		must(t, os.Remove(filepath.Join(dir, consentFile)))
		must(t, create(filepath.Join(dir, consentFile), pageSize(consentFile)))
		if db, err := Open(t.Context(), o); !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("with an empty file of choices, spool %v: %v, %v", spool, err, db.Close())
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, spoolFile), []byte("mail"), 0o600))
	if err := os.Remove(filepath.Join(dir, consentFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("without the file of choices: %v", err)
	}
}
