package storetest

import (
	"context"
	"testing"
	"time"

	"offramp/store"
)

// Counts runs the suite of [store.Counts].
func Counts(t *testing.T, open func(t *testing.T) (store.Consent, store.Counts)) {
	ctx := context.Background()
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	on := func(kind store.EventKind, who string, after time.Duration) store.Event {
		return store.Event{Time: day.Add(after), Kind: kind, Recipient: who, List: "news"}
	}
	c, counts := open(t)
	must(t, c.AddEvents(ctx,
		on(store.EventUnsubscribed, "p@x.example", -time.Microsecond), // the day before
		on(store.EventUnsubscribed, "p@x.example", 0),
		on(store.EventUnsubscribed, "q@x.example", 24*time.Hour-time.Microsecond),
		on(store.EventDropped, "q@x.example", time.Hour),
		on(store.EventComplained, "q@x.example", time.Hour),
		on(store.EventUnsubscribed, "q@x.example", 24*time.Hour), // the day after
	))
	count := func(since, until time.Time) []store.DayCount {
		t.Helper()
		all, err := counts.CountEvents(ctx, since, until)
		must(t, err)
		return all
	}
	next, before := day.Add(24*time.Hour), day.Add(-24*time.Hour)
	same(t, "one day", count(day, next), []store.DayCount{
		{Day: day, Kind: store.EventComplained, Count: 1}, {Day: day, Kind: store.EventDropped, Count: 1}, {Day: day, Kind: store.EventUnsubscribed, Count: 2},
	})
	same(t, "around it", count(before, day), []store.DayCount{{Day: before, Kind: store.EventUnsubscribed, Count: 1}})
	same(t, "later", count(next.Add(24*time.Hour), next.Add(48*time.Hour)), []store.DayCount(nil))
	must(t, c.Erase(ctx, "q@x.example", store.Event{Time: next.Add(24 * time.Hour), Kind: store.EventErased}))
	same(t, "of an erased person", count(day, next.Add(24*time.Hour)), []store.DayCount{{Day: day, Kind: store.EventUnsubscribed, Count: 1}})
}
