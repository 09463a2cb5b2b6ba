package storetest

import (
	"context"
	"testing"
	"time"

	"offramp/store"
)

// Leaks checks what store.Leaks promises. The engine's store.Consent has it.
func Leaks(t *testing.T, newData func(t *testing.T) Data) {
	t.Helper()
	runAll(t, newData, []test{{"drops", drops}, {"notified", notified}, {"notified consumer", notifiedConsumer}})
}

// openLeaks opens the data, twice the same.
func openLeaks(t *testing.T, d Data) (store.Consent, store.Leaks) {
	t.Helper()
	c, _ := d.Open(t)
	l, ok := c.(store.Leaks)
	if !ok {
		t.Fatalf("%T counts no drops", c)
	}
	return c, l
}

func drops(t *testing.T, d Data) {
	ctx := context.Background()
	c, l := openLeaks(t, d)
	drop := func(second int, recipient, list string, reason store.Reason, who, ip, sender string) store.Event {
		return store.Event{Time: at(second), Kind: store.EventDropped, Recipient: recipient, List: list, Way: store.Relay, Reason: reason, Who: who, IP: ip, Detail: store.DropDetail(sender)}
	}
	must(t, c.AddEvents(ctx,
		drop(1, "old@x.example", "news.example", store.ReasonUnsubscribed, "shop", "192.0.2.1", "x@shop.example"),
		drop(7201, "a@x.example", "news.example", store.ReasonUnsubscribed, "shop", "192.0.2.1", "x@shop.example"),
		drop(7202, "a@x.example", "news.example", store.ReasonUnsubscribedAll, "shop", "192.0.2.9", "x@shop.example"), // another address, one login
		drop(7203, "b@x.example", "news.example", store.ReasonComplained, "shop", "", "x@shop.example"),
		drop(7204, "b@x.example", "other.example", store.ReasonSharing, "shop", "", "x@shop.example"),
		drop(7205, "b@x.example", "news.example", store.ReasonErased, "", "192.0.2.1", ""),
		drop(7206, "b@x.example", "news.example", store.ReasonUnsubscribed, odd, "", "x@"+odd),
		// Nothing that the person wants for good:
		drop(7207, "c@x.example", "news.example", store.ReasonPaused, "shop", "", "x@shop.example"),
		drop(7207, "c@x.example", "news.example", store.ReasonLimited, "shop", "", "x@shop.example"),
		drop(7207, "c@x.example", "news.example", store.ReasonBounced, "shop", "", "x@shop.example"),
		drop(7207, "c@x.example", "news.example", store.ReasonManual, "shop", "", "x@shop.example"),
		store.Event{Time: at(7208), Kind: store.EventUnsubscribed, Recipient: "c@x.example", List: "news.example", Reason: store.ReasonUnsubscribed, Who: "shop"},
	))
	want := []store.Drops{
		{Login: "shop", Sender: "shop.example", List: "news.example", Count: 3, People: 2, First: kept(at(7201)), Last: kept(at(7203)), Newest: 4},
		{Client: "192.0.2.1", List: "news.example", Count: 1, People: 1, First: kept(at(7205)), Last: kept(at(7205)), Newest: 6},
		{Login: odd, Sender: odd, List: "news.example", Count: 1, People: 1, First: kept(at(7206)), Last: kept(at(7206)), Newest: 7},
		{Login: "shop", Sender: "shop.example", List: "other.example", Count: 1, People: 1, First: kept(at(7204)), Last: kept(at(7204)), Newest: 5},
	}
	got, partial, err := l.Drops(ctx, at(7201), 0)
	must(t, err)
	if same(t, "drops", got, want); partial {
		t.Error("partial")
	}
	got, _, err = l.Drops(ctx, time.Time{}, 1)
	must(t, err)
	if want[0].Count, want[0].People, want[0].First = 4, 3, kept(at(1)); len(got) == 1 {
		same(t, "all drops, one row", got[0], want[0])
	} else {
		t.Errorf("%d rows", len(got))
	}
	got, _, err = l.Drops(ctx, at(9000), 0)
	must(t, err)
	same(t, "drops later", got, []store.Drops(nil))
	// Of who was erased nothing is counted any more.
	must(t, c.Erase(ctx, "b@x.example", store.Event{Time: at(7300), Kind: store.EventErased, Way: store.Page}))
	got, _, err = l.Drops(ctx, at(7201), 0)
	must(t, err)
	same(t, "drops without the erased", got, []store.Drops{
		{Login: "shop", Sender: "shop.example", List: "news.example", Count: 2, People: 1, First: kept(at(7201)), Last: kept(at(7202)), Newest: 3},
	})
}

func notified(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := openLeaks(t, d)
	for _, r := range []store.Reader{
		{Name: "crm", Through: 3, Since: at(0)}, {Name: "crm", Through: 5, Since: at(3600)}, {Name: "crm", Through: 8, Since: at(3660)},
		{Name: "crm", Through: 7, Since: at(9000)}, // it never goes back
		{Name: "shop", Through: 4, Since: at(60)},
	} {
		must(t, c.Acknowledge(ctx, r))
	}
	_, l := openLeaks(t, d)
	for event, want := range map[int64][]store.Notified{
		1: {{Reader: "crm", At: kept(at(0))}, {Reader: "shop", At: kept(at(60))}},
		4: {{Reader: "crm", At: kept(at(3660))}, {Reader: "shop", At: kept(at(60))}}, // of an hour its end is known
		8: {{Reader: "crm", At: kept(at(3660))}},
		9: nil,
	} {
		got, err := l.Notified(ctx, event)
		must(t, err)
		same(t, "notified", got, want)
	}
	c, l = openLeaks(t, d)
	must(t, c.Dismiss(ctx, "crm"))
	got, err := l.Notified(ctx, 1)
	must(t, err)
	same(t, "notified, without the one dismissed", got, []store.Notified{{Reader: "shop", At: kept(at(60))}})
	must(t, c.Acknowledge(ctx, store.Reader{Name: "crm", Through: 3, Since: at(10000)}))
	got, err = l.Notified(ctx, 1)
	must(t, err)
	same(t, "notified again", got, []store.Notified{{Reader: "crm", At: kept(at(10000))}, {Reader: "shop", At: kept(at(60))}})
}

// A consumer acknowledges as any reader does.
func notifiedConsumer(t *testing.T, d Data) {
	ctx := context.Background()
	c, l := openLeaks(t, d)
	all, ok := c.(store.Consumers)
	if !ok {
		t.Fatalf("%T has no consumers", c)
	}
	must(t, c.AddEvents(ctx, event(store.EventUnsubscribed, "ada@x.example"), event(store.EventUnsubscribed, "ben@x.example")))
	must(t, all.AddConsumer(ctx, store.Consumer{Name: "crm", Kind: "webhook", State: store.ConsumerActive, Created: at(0)}))
	holder := [16]byte{1}
	one, err := all.LeaseConsumer(ctx, "crm", holder, at(30), at(90))
	must(t, err)
	must(t, all.RecordProgress(ctx, store.Progress{Name: "crm", Holder: holder, Version: one.Version, Now: at(60), Until: at(120), Cursor: 1, State: store.ConsumerActive}))
	for event, want := range map[int64][]store.Notified{1: {{Reader: "crm", At: kept(at(60))}}, 2: nil} {
		got, err := l.Notified(ctx, event)
		must(t, err)
		same(t, "notified", got, want)
	}
	must(t, all.RemoveConsumer(ctx, "crm"))
	got, err := l.Notified(ctx, 1)
	must(t, err)
	same(t, "notified, without the consumer", got, []store.Notified(nil))
}
