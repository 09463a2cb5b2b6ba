package sqlite

import (
	"context"
	"errors"
	"testing"
	"time"

	"offramp/store"
)

// Where nobody can say who left, no number of repairs makes it certain: the first
// makes guards of the rows that are left, and those agree.
func TestRepairsDoNotMakeCertain(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	flipStore(t, dir)
	raw(t, dir, "DELETE FROM choices", "DELETE FROM suppressions", "DELETE FROM sharing", "DELETE FROM erased", "DELETE FROM guards",
		"DELETE FROM meta WHERE name = 'guards'")
	for n := range 3 {
		done, err := repairIn(ctx, dir)
		if err != nil || !done.Integrity.Stopped {
			t.Errorf("repair %d: %+v, %v", n+1, done, err)
		}
		db := openTest(t, Options{Dir: dir, PersonKey: testKey})
		must(t, db.Consent().Verified(ctx))
		if ok, err := sends(ctx, db.Consent(), flipPerson(3), flipNews); !errors.Is(err, store.ErrUncertain) {
			t.Errorf("after repair %d: sends %v, %v", n+1, ok, err)
		}
		must(t, db.Close())
	}
}

// A repair that cannot read the checksums says so; it waited for ever.
func TestRepairWithoutGuardsEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	dir := t.TempDir()
	flipStore(t, dir)
	raw(t, dir, "DELETE FROM guards", "DROP TABLE guards")
	if done, err := repairIn(ctx, dir); err == nil || ctx.Err() != nil {
		t.Errorf("%+v, %v", done, err)
	}
}
