package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/record"
	"offramp/store"
)

func TestStats(t *testing.T) {
	w := newWorld(t)
	today := start.Truncate(day)
	w.counts = []store.DayCount{
		{Day: today.Add(-day), Kind: store.EventUnsubscribed, Count: 3}, {Day: today.Add(-day), Kind: store.EventInForce, Count: 3},
		{Day: today, Kind: store.EventUnsubscribed, Count: 4}, {Day: today, Kind: store.EventDropped, Count: 50},
		{Day: today, Kind: store.EventComplained, Count: 1}, {Day: today.Add(day), Kind: store.EventBounced, Count: 9},
	}
	want := record.Stats{
		Since: today.Add(-2 * day), Until: start, Total: record.Tally{OptOuts: 7, Drops: 50, Complaints: 1},
		Days: []record.Day{
			{Day: "2026-11-21"}, {Day: "2026-11-22", Tally: record.Tally{OptOuts: 3}},
			{Day: "2026-11-23", Tally: record.Tally{OptOuts: 4, Drops: 50, Complaints: 1}},
		},
	}
	if d := cmp.Diff(want, call[record.Stats](w, "GET", "/api/v1/stats?days=3", "")); d != "" {
		t.Error(d)
	}
	if w.counted != "2026-11-21 00:00:00 to 2026-11-23 12:00:00" {
		t.Errorf("counted %s", w.counted)
	}
	if got := call[record.Stats](w, "GET", "/api/v1/stats", ""); len(got.Days) != 30 || got.Days[29].OptOuts != 4 {
		t.Errorf("%d days, %+v", len(got.Days), got.Days[29])
	}
	for _, days := range []string{"0", "401", "-1", "x", ""} {
		w.refused(request("GET", "/api/v1/stats?days="+days, ""), 400)
	}
}

// Every kind that is counted has a figure of its own.
func TestTally(t *testing.T) {
	var all record.Tally
	for _, kind := range store.EventKinds() {
		all.Add(kind, 1)
	}
	if want := (record.Tally{OptOuts: 1, Resubscribed: 1, Paused: 1, Complaints: 1, Bounces: 1, Suppressed: 1, Drops: 1, Failures: 1, Erased: 1}); all != want {
		t.Errorf("%+v", all)
	}
}
