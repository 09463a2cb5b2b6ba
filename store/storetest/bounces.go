package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"offramp/store"
)

// bouncer counts soft bounces of one person, an hour apart at least, where mail
// is proven to have arrived after a day.
type bouncer struct {
	t *testing.T
	c store.Consent
}

func hour(n int) time.Time { return at(0).Add(time.Duration(n) * time.Hour) }

func (b bouncer) count(once string, hours int) store.BounceRun {
	b.t.Helper()
	run, err := b.c.CountBounce(context.Background(),
		store.SoftBounce{Recipient: "p", At: hour(hours), Apart: time.Hour, Proof: 24 * time.Hour},
		store.Event{Time: hour(hours), Kind: store.EventBounced, Recipient: "p", Once: once})
	must(b.t, err)
	return run
}

func (b bouncer) sent(hours int) {
	b.t.Helper()
	must(b.t, b.c.Sent(context.Background(), store.Contact{Recipient: "p", List: "a", First: hour(hours), Last: hour(hours), Count: 1}))
}

func bounces(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	b := bouncer{t, c}
	same(t, "first", b.count("1", 0), store.BounceRun{Recipient: "p", Count: 1, First: kept(hour(0)), Last: kept(hour(0))})
	b.sent(0) // the mail that came back, counted late
	same(t, "the same again", b.count("1", 5).Count, int64(1))
	same(t, "soon after", b.count("2", 0).Count, int64(1))
	run := b.count("3", 2)
	same(t, "later", run, store.BounceRun{Recipient: "p", Count: 2, First: kept(hour(0)), Last: kept(hour(2))})
	c, _ = d.Open(t)
	p, err := c.Person(ctx, "p")
	must(t, err)
	same(t, "with the person, after a restart", p.Bounces, run)
	events, err := c.Events(ctx, store.EventFilter{Recipient: "p", Kinds: []store.EventKind{store.EventBounced}})
	must(t, err)
	same(t, "events", len(events), 3)
}

func bouncesEnd(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	b := bouncer{t, c}
	b.count("1", 0)
	b.sent(3)
	b.sent(20)
	same(t, "within the proof", b.count("2", 26).Count, int64(2))
	b.sent(30)
	same(t, "mail was sent a day ago and stayed", b.count("3", 54).Count, int64(1))
	same(t, "nothing was sent", b.count("4", 500).Count, int64(2))
	same(t, "under a clock that was years ahead", b.count("ahead", 40_000).Count, int64(3))
	same(t, "and after it", b.count("after", 501).Count, int64(4))

	s := store.Suppression{Recipient: "p", Reason: store.ReasonBounced, Since: at(1)}
	_, err := c.Suppress(ctx, s, store.Event{Time: at(1), Kind: store.EventSuppressed, Recipient: "p"})
	must(t, err)
	_, err = c.Unsuppress(ctx, s, store.Event{Time: at(1), Kind: store.EventUnsuppressed, Recipient: "p"})
	must(t, err)
	same(t, "lifted", b.count("5", 600).Count, int64(1))

	for gone := int64(1); gone > 0; {
		gone, err = c.Retire(ctx, hour(601), store.Event{Time: hour(700), Kind: store.EventRetired})
		must(t, err)
	}
	p, err := c.Person(ctx, "p")
	must(t, err)
	same(t, "retired", p.Bounces, store.BounceRun{})

	b.count("6", 800)
	must(t, c.Erase(ctx, "p", store.Event{Time: hour(801), Kind: store.EventErased, Recipient: "p"}))
	same(t, "erased", b.count("7", 900).Count, int64(0))
	p, err = c.Person(ctx, "p")
	must(t, err)
	same(t, "erased person", p.Bounces, store.BounceRun{})
}

// bouncesEndByDelivery: what the smarthost delivered ends a run that is not later.
func bouncesEndByDelivery(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	b := bouncer{t, c}
	end := func(hours int, want bool) {
		t.Helper()
		ended, err := c.EndBounces(ctx, "p", hour(hours))
		must(t, err)
		same(t, fmt.Sprintf("ended by a delivery after %d hours", hours), ended, want)
	}
	end(0, false)
	b.count("1", 0)
	same(t, "two", b.count("2", 5).Count, int64(2))
	end(4, false)
	same(t, "a delivery before the last", b.count("3", 7).Count, int64(3))
	end(7, true)
	end(8, false)
	same(t, "a new run", b.count("4", 9).Count, int64(1))
	same(t, "an old bounce again", b.count("3", 12).Count, int64(1))
	must(t, c.Erase(ctx, "p", store.Event{Time: hour(20), Kind: store.EventErased, Recipient: "p"}))
	end(21, false)
}

// suppressedOnce: what an operator lifted is not stopped again by a repeated
// telling of what had stopped it.
func suppressedOnce(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	s := store.Suppression{Recipient: "p", Reason: store.ReasonBounced, Since: at(1)}
	suppress := func(once string, want bool) {
		t.Helper()
		changed, err := c.Suppress(ctx, s, store.Event{Time: at(1), Kind: store.EventSuppressed, Recipient: "p", Reason: s.Reason, Once: once})
		must(t, err)
		same(t, fmt.Sprintf("suppressed by %q", once), changed, want)
	}
	suppress("1", true)
	suppress("1", false)
	_, err := c.Unsuppress(ctx, s, store.Event{Time: at(2), Kind: store.EventUnsuppressed, Recipient: "p"})
	must(t, err)
	suppress("1", false)
	suppress("2", true)
}
