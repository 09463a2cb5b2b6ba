package storetest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"offramp/gateway/ledger"
	"offramp/store"
)

// verify checks the whole ledger.
func verify(t *testing.T, c store.Consent, receipts map[int64]store.Sum) (*ledger.Verifier, error) {
	t.Helper()
	ctx := context.Background()
	h, err := c.Head(ctx)
	must(t, err)
	v := &ledger.Verifier{Receipts: receipts}
	for after := int64(0); ; {
		entries, err := c.Entries(ctx, after, 2)
		must(t, err)
		if len(entries) == 0 {
			return v, v.End(h)
		}
		for _, e := range entries {
			if err := v.Add(e); err != nil {
				return v, err
			}
			after = e.Event.ID
		}
	}
}

func wholeLedger(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	h, err := c.Head(ctx)
	must(t, err)
	same(t, "head of nothing", h, store.Head{})
	_, err = c.Decide(ctx, full("p@x.example"))
	must(t, err)
	must(t, c.AddEvents(ctx, event(store.EventDropped, "q@x.example"), event(store.EventDropped, "p@x.example")))
	entries, err := c.Entries(ctx, 1, 0)
	must(t, err)
	if len(entries) != 4 || entries[0].Event.ID != 2 || entries[0].Event.Kind != store.EventLimited {
		t.Fatalf("entries %+v", entries)
	}
	receipts := map[int64]store.Sum{5: entries[3].Link}
	c, _ = d.Open(t)
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(9), Kind: store.EventErased}))
	must(t, c.AddEvents(ctx, event(store.EventDropped, "p@x.example")))
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(10), Kind: store.EventErased}))
	v, err := verify(t, c, receipts)
	must(t, err)
	if v.Count != 8 || v.Emptied != 5 {
		t.Errorf("%d entries, %d emptied", v.Count, v.Emptied)
	}
	receipts[9] = store.Sum{1}
	if _, err := verify(t, c, receipts); !errors.Is(err, ledger.ErrTampered) {
		t.Errorf("a receipt beyond the end: %v", err)
	}
	delete(receipts, 9)
	receipts[4] = store.Sum{1}
	if _, err := verify(t, c, receipts); !errors.Is(err, ledger.ErrTampered) {
		t.Errorf("a receipt of another history: %v", err)
	}
}

func optOuts(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	for i := range 3 {
		e := event(store.EventUnsubscribed, fmt.Sprint("p", i))
		e.Time = at(i)
		must(t, c.AddEvents(ctx, e, event(store.EventDropped, "x")))
	}
	force := event(store.EventInForce, "p1")
	force.Time, force.Ref = at(7), 3
	must(t, c.AddEvents(ctx, force))
	all, err := c.OptOuts(ctx, at(-5), 0, 0)
	must(t, err)
	if len(all) != 3 || !all[0].InForce.IsZero() || !all[1].InForce.Equal(kept(at(7))) || all[1].Event.Recipient != "p1" {
		t.Fatalf("opt-outs %+v", all)
	}
	all, err = c.OptOuts(ctx, at(1), 3, 1)
	must(t, err)
	if len(all) != 1 || all[0].Event.Recipient != "p2" {
		t.Fatalf("since and after: %+v", all)
	}
}

func retired(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	for i := range 6 {
		e := event(store.EventDropped, "q@x.example")
		if i < 3 {
			e.Recipient = "p@x.example"
		}
		e.Time = at(i)
		must(t, c.AddEvents(ctx, e))
	}
	must(t, c.Sent(ctx, store.Contact{Recipient: "q@x.example", List: "old", First: at(1), Last: at(1), Count: 1},
		store.Contact{Recipient: "q@x.example", List: "new", First: at(1), Last: at(50), Count: 2}))
	wantChange(t, "choice", true)(setChoice(ctx, c, choice("q@x.example", "old", store.Unsubscribed, 0), event(store.EventUnsubscribed, "q@x.example")))
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(9), Kind: store.EventErased}))
	entries, err := c.Entries(ctx, 1, 1)
	must(t, err)
	n, err := c.Retire(ctx, at(2), store.Event{Time: at(60), Kind: store.EventRetired})
	must(t, err)
	if n == 0 {
		t.Fatal("nothing went")
	}
	h, err := c.Head(ctx)
	must(t, err)
	if h.First != 2 || h.FirstLink != entries[0].Link || h.ID != 9 {
		t.Fatalf("head %+v", h)
	}
	n, err = c.Retire(ctx, at(2), store.Event{Time: at(60), Kind: store.EventRetired})
	must(t, err)
	if n != 0 {
		t.Errorf("%d went again", n)
	}
	events := allEvents(t, c)
	last := events[len(events)-1]
	if last.Kind != store.EventRetired || last.Ref != 2 || last.Detail != hex.EncodeToString(h.FirstLink[:]) {
		t.Errorf("event %+v", last)
	}
	p, err := c.Person(ctx, "q@x.example")
	must(t, err)
	if len(p.Contacts) != 1 || p.Contacts[0].List != "new" || len(p.Choices) != 1 {
		t.Errorf("person %+v: choices stay", p)
	}
	c, _ = d.Open(t)
	must(t, c.AddEvents(ctx, event(store.EventDropped, "q@x.example")))
	v, err := verify(t, c, map[int64]store.Sum{1: {9}})
	must(t, err)
	if v.Unchecked != 1 {
		t.Errorf("%d receipts of retired events", v.Unchecked)
	}
	// Everything goes but the event that says so.
	for n := int64(1); n > 0; {
		n, err = c.Retire(ctx, at(70), store.Event{Time: at(80), Kind: store.EventRetired})
		must(t, err)
	}
	c, _ = d.Open(t)
	must(t, c.AddEvents(ctx, event(store.EventDropped, "q@x.example")))
	_, err = verify(t, c, nil)
	must(t, err)
}

func readers(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	must(t, c.Acknowledge(ctx, store.Reader{Name: "crm", Through: 5, Since: at(1)}))
	must(t, c.Acknowledge(ctx, store.Reader{Name: "crm", Through: 4, Since: at(2)}))
	must(t, c.Acknowledge(ctx, store.Reader{Name: "a", Through: 0, Since: at(3)}))
	c, _ = d.Open(t)
	all, err := c.Readers(ctx)
	must(t, err)
	same(t, "readers", all, []store.Reader{{Name: "a", Since: kept(at(3))}, {Name: "crm", Through: 5, Since: kept(at(1))}})
	must(t, c.Dismiss(ctx, "a"))
	if err := c.Dismiss(ctx, "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("dismissed twice: %v", err)
	}
}
