package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// A log that is damaged before its end is not taken for one that ends there: the
// opt-outs behind the damage would be forgotten.
func TestADamagedLogIsNotShortened(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir, PersonKey: testKey})
	const people = 6
	ends := make([]int, 0, people) // of the log after each opt-out
	log := filepath.Join(dir, consentFile) + "-wal"
	for i := range people {
		_, err := db.Consent().Suppress(ctx, store.Suppression{Recipient: flipPerson(i), Reason: store.ReasonManual, Since: moment(i)},
			store.Event{Time: moment(i), Kind: store.EventSuppressed, Recipient: flipPerson(i)})
		must(t, err)
		info, err := os.Stat(log)
		must(t, err)
		ends = append(ends, int(info.Size()))
	}
	content := map[string][]byte{}
	for _, name := range []string{consentFile, consentFile + "-wal", spoolFile, spoolFile + "-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		content[name] = b
	}
	last := ends[people-2]                 // where the last transaction begins
	places := []int{8, 12, 16, 20, 24, 28} // of the log's head
	for at := 0; at < len(content[consentFile+"-wal"]); at += 1237 {
		places = append(places, at)
	}
	for _, at := range places {
		t.Run(fmt.Sprint("octet ", at), func(t *testing.T) {
			to := t.TempDir()
			for name, b := range content {
				if name == consentFile+"-wal" {
					b = append([]byte(nil), b...)
					b[at] ^= 4
				}
				must(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
			}
			db, err := Open(ctx, Options{Dir: to, PersonKey: testKey, BusyTimeout: time.Second})
			switch {
			case at < last && !errors.Is(err, store.ErrDamaged):
				t.Errorf("opened: %v", err)
			case at >= last && err != nil: // as a loss of power leaves it
				t.Error(err)
			}
			if err == nil {
				must(t, db.Close())
			}
		})
	}
}

// Lost mail harms nobody who left: the queue is opened, and the log says it.
func TestADamagedLogOfTheQueueIsSaid(t *testing.T) {
	ctx := context.Background()
	dir, to := t.TempDir(), t.TempDir()
	db := openTest(t, Options{Dir: dir, PersonKey: testKey})
	for i := range 4 {
		mail(t, db.Spool(), fmt.Sprint("M", i), "somebody@other.example")
	}
	for _, name := range []string{consentFile, consentFile + "-wal", spoolFile, spoolFile + "-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		if name == spoolFile+"-wal" {
			b[logHeadSize+frameHeadSize+100] ^= 1
		}
		must(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
	}
	var lines bytes.Buffer
	opened, err := Open(ctx, Options{Dir: to, PersonKey: testKey, Log: slog.New(slog.NewTextHandler(&lines, nil))})
	must(t, err)
	must(t, opened.Close())
	if !strings.Contains(lines.String(), "damaged and lost") {
		t.Errorf("logged %s", lines.String())
	}
}
