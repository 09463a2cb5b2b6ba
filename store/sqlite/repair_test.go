package sqlite

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"offramp/store"
)

func flipKey(id string) uint64 {
	for i, list := range flipLists {
		if list == id {
			return uint64(i+1) << 40
		}
	}
	return 1
}

// A store with one flipped bit is repaired: nobody who left is sent mail, and
// nearly everywhere the store is whole again.
func TestRepairAfterAFlippedBit(t *testing.T) {
	clean := t.TempDir()
	flipStore(t, clean)
	addEarlierStream(t, clean)
	ctx := context.Background()
	data, err := os.ReadFile(filepath.Join(clean, consentFile))
	must(t, err)
	spool, err := os.ReadFile(filepath.Join(clean, spoolFile))
	must(t, err)
	whole := map[string][]byte{consentFile: data, spoolFile: spool}
	want := ask(ctx, clean)
	damaged, repaired, same := 0, 0, 0
	for _, f := range flipsOf(consentFile, data, rand.New(rand.NewPCG(3, 5))) {
		dir := filepath.Join(t.TempDir(), "data")
		got, err := askFlipped(ctx, dir, whole, f)
		must(t, err)
		if !got.alarm || !got.opened {
			continue
		}
		done, err := repairIn(ctx, dir)
		if err != nil {
			continue // not to be repaired: it says so, and stays as it is
		}
		damaged++
		after := ask(ctx, dir)
		if len(after.harm) > 0 {
			t.Errorf("octet %d, bit %02x: after %+v sent to who left: %v", f.at, f.bit, done, after.harm)
		}
		if after.waiting == 0 && !after.alarm {
			repaired++
		} else {
			t.Logf("octet %d, bit %02x: still %+v, waiting %d", f.at, f.bit, done, after.waiting)
		}
		if len(after.sent) == len(want.sent) {
			same++
		}
	}
	t.Logf("%d damaged stores, %d whole again, %d of them as before", damaged, repaired, same)
	if damaged == 0 || repaired*100 < 80*damaged {
		t.Errorf("%d of %d damaged stores are whole after repair", repaired, damaged)
	}
}

func repairIn(ctx context.Context, dir string) (done store.Repaired, err error) {
	db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey})
	if err != nil {
		return done, err
	}
	done, err = db.Consent().Repair(ctx, time.Now(), flipKey)
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	return done, err
}
