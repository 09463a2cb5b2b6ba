package main

import (
	"strings"
	"testing"
	"time"

	"offramp/listunsub"
	"offramp/store"
	"offramp/store/sqlite"
)

// An address with a code names its person as far as the data does.
func TestInspectLooksACodeUp(t *testing.T) {
	const long = "konstantinos.papadimitriou@students.university.example"
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	local, code, err := ring.SealAddress(listunsub.AddressClaims{Kind: listunsub.BounceAddress, ListKey: 7, Recipient: long})
	if err != nil {
		t.Fatal(err)
	}
	s := &settings{DataDir: t.TempDir()}
	check := func(when, email, note string) {
		t.Helper()
		v := inspect(ring, "<"+local[:1]+"%2B"+local[2:]+"@out.example.org>")
		if err := s.lookUp(t.Context(), &v); err != nil {
			t.Fatal(err)
		}
		if !v.Valid || v.Kind != "bounce address" || v.ListKey != 7 || v.Email != email || len(v.Code) != 32 || !strings.Contains(v.Note, note) || (v.Note == "") != (note == "") {
			t.Errorf("%s: %+v", when, v)
		}
	}
	check("no data", "", "does not know this code")
	db, err := openStore(t.Context(), s, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	check("beside a server, before the row", "", "does not know this code")
	if kept, err := db.Consent().KeepCode(t.Context(), store.Code{ID: code, Recipient: long, Address: long}); err != nil || !kept {
		t.Fatalf("kept %v, %v", kept, err)
	}
	check("beside a server", long, "")
	if err := db.Consent().Erase(t.Context(), long, store.Event{Time: time.Now(), Kind: store.EventErased, Way: store.Page}); err != nil {
		t.Fatal(err)
	}
	check("erased", "", "was erased")
}
