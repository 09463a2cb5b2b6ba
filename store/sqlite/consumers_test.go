package sqlite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"offramp/store"
)

// Secrets of consumers are in no file as they are, and nobody reads them with another
// key, nor under another name.
func TestConsumersAtRest(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	secret := []byte("whsec_this is very secret")
	for _, name := range []string{"crm", "other"} {
		must(t, db.Consent().AddConsumer(ctx, store.Consumer{Name: name, Kind: "webhook", Settings: append(bytes.Clone(secret), name...), State: store.ConsumerActive, Created: moment(1)}))
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		must(t, err)
		if bytes.Contains(data, secret) {
			t.Errorf("%s holds the secret", path)
		}
	}
	sealed := map[string][]byte{}
	must(t, db.consent.file.readers.do(ctx, func(c *conn) error {
		return c.query("SELECT name, settings FROM consumers", func(r row) error {
			sealed[r.text(0)] = r.blob(1)
			return nil
		})
	}))
	if _, ok := db.consent.people.unsealed("other", sealed["crm"]); ok {
		t.Error("the settings of one are those of another")
	}
	if _, ok := (&people{key: bytes.Repeat([]byte("x"), 32)}).unsealed("crm", sealed["crm"]); ok {
		t.Error("legible with another key")
	}
}

// A consumer whose record is damaged is found, sent nothing, and can be set anew; the
// others are as they were.
func TestDamagedConsumer(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{Dir: t.TempDir()})
	c := db.Consent()
	for column, change := range map[string]string{
		"cursor": "cursor + 4294967296", "state": "'Active'", "settings": "CAST(x'00' || substr(settings, 2) AS BLOB)", "skip": "64", "kinds": "x'ff'", "lists": "x'0161'", "done": "x'80'",
	} {
		t.Run(column, func(t *testing.T) {
			name := "of-" + column
			for _, name := range []string{name, "other-" + column} {
				must(t, c.AddConsumer(ctx, store.Consumer{Name: name, Kind: "webhook", Settings: []byte("s"), State: store.ConsumerActive, Created: moment(1), Cursor: 3}))
			}
			must(t, c.file.write(ctx, &op{run: func(c *conn) error {
				_, err := c.exec("UPDATE consumers SET "+column+" = "+change+" WHERE name = ?", name)
				return err
			}}))
			one, err := c.Consumer(ctx, name)
			must(t, err)
			if !one.Damaged || one.Settings != nil {
				t.Fatalf("not found: %+v", one)
			}
			holder := [16]byte{1}
			leased, err := c.LeaseConsumer(ctx, name, holder, moment(1), moment(2))
			must(t, err)
			if !leased.Damaged {
				t.Error("a lease gave it a checksum")
			}
			if err := c.RecordProgress(ctx, store.Progress{Name: name, Holder: holder, Version: one.Version, Cursor: 9, State: store.ConsumerActive}); !errors.Is(err, store.ErrChanged) {
				t.Errorf("progress: %v", err)
			}
			one.Settings, one.State, one.Cursor, one.Skip, one.Lists, one.Kinds = []byte("new"), store.ConsumerActive, 2, 0, nil, nil
			must(t, c.ChangeConsumer(ctx, one))
			if one, err = c.Consumer(ctx, name); err != nil || one.Damaged || string(one.Settings) != "new" {
				t.Errorf("set anew: %+v, %v", one, err)
			}
			if other, err := c.Consumer(ctx, "other-"+column); err != nil || other.Damaged || string(other.Settings) != "s" {
				t.Errorf("the other: %+v, %v", other, err)
			}
		})
	}
}
