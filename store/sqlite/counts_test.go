package sqlite

import (
	"slices"
	"testing"

	"offramp/store"
	"offramp/store/storetest"
)

func TestCounts(t *testing.T) {
	storetest.Counts(t, func(t *testing.T) (store.Consent, store.Counts) {
		c := openTest(t, Options{Dir: t.TempDir()}).Consent()
		return c, c
	})
}

// Counting reads nothing but an index, and of that only the time in question.
func TestCountingReadsAnIndexAlone(t *testing.T) {
	db := openTest(t, Options{Dir: t.TempDir()})
	if plan := planOf(t, db, countEvents); !slices.Contains(plan, "SEARCH events USING COVERING INDEX events_time (time>? AND time<?)") {
		t.Errorf("%q", plan)
	}
}
