package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store"
	"offramp/store/sqlite"
)

// A start with a damaged spool says what to run, and that saves the mail.
func TestRepairSpool(t *testing.T) {
	ctx := context.Background()
	s := &settings{DataDir: t.TempDir()}
	db, err := openStore(ctx, s, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"Q1", "Q2"} {
		d, err := db.Spool().Create(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Commit(ctx, &store.Message{ID: id, ReversePath: "from@example.org"}, []store.Recipient{{Address: id + "@example.net", Domain: "example.net"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{now: time.Now, stdout: &out, stderr: &out}
	v, err := a.repairSpool(ctx, s)
	if err != nil || v.Damaged {
		t.Fatalf("nothing is damaged: %+v, %v", v, err)
	}
	path := filepath.Join(s.DataDir, "spool.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(file[100:8192]) // the table of tables
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	const service = 61234
	if os.Geteuid() == 0 { // the server runs as another user than who repairs
		for _, name := range []string{s.DataDir, path} {
			if err := os.Chown(name, service, service); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := openStore(ctx, s, sqlite.Options{}); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "offramp repair") {
		t.Fatalf("a start: %v", err)
	}
	a.env = map[string]string{"OFFRAMP_DATA_DIR": s.DataDir}
	c := &checker{app: a, settings: s}
	if c.verify(ctx); len(c.findings) != 1 || c.findings[0].State != findFail || c.findings[0].Fix != "offramp repair" {
		t.Errorf("check found %+v", c.findings)
	}
	if v, err = a.repairSpool(ctx, s); err != nil || !v.Damaged || v.Kept != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	if info, err := os.Stat(path); err != nil {
		t.Fatal(err)
	} else if of, ok := ownerOf(info); os.Geteuid() == 0 && ok && of != (owner{service, service}) {
		t.Errorf("the new spool.db belongs to %v", of)
	}
	a.printRepairedSpool(v)
	if !strings.Contains(out.String(), "Saved: 2 messages of queued mail.") || !strings.Contains(out.String(), "spool.db.damaged-") {
		t.Error(out.String())
	}
	db, err = openStore(ctx, s, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if u, err := db.Spool().Usage(ctx); err != nil || u.Queued != 2 {
		t.Errorf("%+v, %v", u, err)
	}
}
