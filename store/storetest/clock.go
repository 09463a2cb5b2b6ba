package storetest

import (
	"context"
	"testing"
	"time"

	"offramp/store"
)

// clock: the newest record is the measure until one is recorded, which no record
// changes any more, and which may be put back.
func clock(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	seen := func(what string, want time.Time) {
		t.Helper()
		got, err := c.ClockSeen(ctx)
		must(t, err)
		same(t, what, got, want)
	}
	seen("nothing is recorded", time.Time{})
	must(t, c.AddEvents(ctx, store.Event{Time: at(7), Kind: store.EventAsked, Recipient: "p", Way: store.Page}))
	seen("an event", kept(at(7)))
	must(t, c.Sent(ctx, store.Contact{Recipient: "p", List: "a", First: at(8), Last: at(9), Count: 1}))
	seen("mail that was sent", kept(at(9)))
	must(t, c.SeeClock(ctx, at(5)))
	seen("recorded", kept(at(5)))
	must(t, c.AddEvents(ctx, store.Event{Time: at(100), Kind: store.EventAsked, Recipient: "p", Way: store.Page}))
	c, _ = d.Open(t)
	seen("after a record and a restart", kept(at(5)))
	must(t, c.SeeClock(ctx, at(4)))
	seen("put back", kept(at(4)))
}
