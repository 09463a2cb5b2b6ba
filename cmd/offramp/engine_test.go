package main

import (
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store"
	"offramp/store/sqlite"
)

// A command that has the data open for a moment holds up neither a server that
// starts nor another command; one that keeps it is told of.
func TestOpenWhenFree(t *testing.T) {
	s := &settings{DataDir: t.TempDir()}
	a := &app{now: time.Now}
	first, err := openStore(t.Context(), s, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	_, err = a.openWhenFree(t.Context(), s, slog.New(slog.DiscardHandler), func() bool { asked++; return true })
	if !errors.Is(err, store.ErrInUse) || asked != 1 {
		t.Errorf("a server has it: %v after %d tries", err, asked)
	}
	second, err := a.openWhenFree(t.Context(), s, slog.New(slog.DiscardHandler), func() bool {
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		return false
	})
	if err != nil {
		t.Fatalf("it became free: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// What only looks at the data of an earlier release leaves it as it is.
func TestOlderDataIsNotBroughtUpToDate(t *testing.T) {
	s := &settings{DataDir: t.TempDir()}
	if earlier, older, err := s.look(t.Context()); earlier != "" || older || err != nil {
		t.Errorf("no data: %q, %t, %v", earlier, older, err)
	}
	db, err := openStore(t.Context(), s, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if earlier, older, err := s.look(t.Context()); earlier != "" || older || err != nil {
		t.Errorf("new data: %q, %t, %v", earlier, older, err)
	}
	raw, err := sql.Open("sqlite3", "file:"+filepath.Join(s.DataDir, "offramp.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, data := range []struct {
		newest  int // schema of the file
		earlier string
		state   string // of what check finds about the default stream
	}{{4, "", findOK}, {3, "list", findWarn}} {
		if _, err := raw.Exec("DELETE FROM goose_db_version WHERE version_id > ?", data.newest); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if earlier, older, err := s.look(t.Context()); earlier != data.earlier || !older || err != nil {
				t.Errorf("schema %d: %q, %t, %v", data.newest, earlier, older, err)
			}
			c := &checker{app: &app{now: time.Now}, settings: s}
			c.streams(t.Context())
			if len(c.findings) != 2 || c.findings[1].State != data.state || !strings.Contains(c.findings[0].Text, "earlier release wrote the data") {
				t.Errorf("schema %d: findings %+v", data.newest, c.findings)
			}
		}
	}
}
