package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store"
	"offramp/store/sqlite"
)

// What a repair says: first that nothing is wrong, then who stays stopped.
func TestRepairPeople(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	var out bytes.Buffer
	a := &app{now: time.Now, stdout: &out, stderr: &bytes.Buffer{}, env: map[string]string{"OFFRAMP_DATA_DIR": dir}}
	s := &settings{DataDir: dir, LogLevel: "error", LogFormat: "text"}
	db, err := openStore(ctx, s, sqlite.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"ada@example.net", "ben@example.net"} {
		ch := store.Choice{Recipient: who, List: "news.example.com", State: store.Unsubscribed, Since: time.Now(), Way: store.OneClick}
		e := store.Event{Time: ch.Since, Kind: store.EventUnsubscribed, Recipient: who, List: ch.List, Way: ch.Way}
		if who == "ben@example.net" {
			e.Recipient = "" // as retention leaves it: nothing says it any more
		}
		if _, err := db.Consent().Decide(ctx, store.Change{Choices: []store.ChoiceChange{{Choice: ch, Event: e}}}); err != nil {
			t.Fatal(err)
		}
		if err := db.Consent().Sent(ctx, store.Contact{Recipient: who, List: ch.List, First: ch.Since, Last: ch.Since, Count: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	checked := func() []finding {
		c := &checker{app: a, settings: s}
		c.verify(ctx)
		return c.findings
	}
	repaired := func(want bool) string {
		t.Helper()
		out.Reset()
		v, err := a.repairPeople(ctx, s)
		if err != nil || v.OK != want {
			t.Errorf("repaired %+v, %v", v, err)
		}
		a.printRepairedPeople(v)
		return out.String()
	}
	if text := repaired(true); text != "The records of people's choices are not damaged.\n" {
		t.Errorf("said %q", text)
	}
	raw, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "offramp.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec("DELETE FROM choices"); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	// The server is stopped for the repair: check must see the damage without it.
	if all := checked(); len(all) != 1 || all[0].State != findFail || all[0].What != "choices" {
		t.Errorf("check found %+v", all)
	}
	text := repaired(true)
	if !strings.Contains(text, "1 record from the ledger") || !strings.Contains(text, "more may be lost: ben@example.net") || strings.Contains(text, "ada@") {
		t.Errorf("said %q", text)
	}
	if text := repaired(true); text != "The records of people's choices are not damaged.\n" {
		t.Errorf("a second time %q", text)
	}
	if all := checked(); len(all) > 0 {
		t.Errorf("check found %+v after the repair", all)
	}
	// What cannot even be opened is not to be repaired by a repair.
	if err := os.WriteFile(filepath.Join(dir, "offramp.db"), bytes.Repeat([]byte("damaged "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.repairPeople(ctx, s); !errors.Is(err, store.ErrDamaged) || strings.Contains(err.Error(), "offramp repair") || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("not a database: %v", err)
	}
}
