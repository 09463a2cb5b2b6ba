package storetest

import (
	"context"
	"fmt"
	"testing"

	"offramp/store"
)

func events(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	must(t, c.AddEvents(ctx))
	full := store.Event{
		Time: at(1), Kind: store.EventFailed, Recipient: "p", List: "l.example", Way: store.Delivery, Reason: store.ReasonBounced,
		QueueID: "Q1", MessageID: "<m@example.com>", IP: "192.0.2.1", UserAgent: "agent", Who: "shop", Detail: "550 no", Ref: 7, Once: "Q1/1",
	}
	must(t, c.AddEvents(ctx, full, event(store.EventDropped, "q"), event(store.EventDropped, "r")))
	all := allEvents(t, c)
	if len(all) != 3 {
		t.Fatalf("%d events", len(all))
	}
	for i, e := range all {
		if e.ID != int64(i+1) {
			t.Fatalf("IDs are not 1, 2, 3: %v", all)
		}
	}
	full.ID, full.Time, full.Once = 1, kept(full.Time), "" // Once is not returned
	same(t, "every field", all[0], full)
}

func eventFilters(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	for i := range 6 {
		e := store.Event{Time: at(i), Kind: store.EventDropped, Recipient: "p", List: "l.example", Detail: fmt.Sprint(i)}
		if i%2 == 1 {
			e.Recipient, e.List = "q", store.AllLists
		}
		if i >= 4 {
			e.Kind = store.EventFailed
		}
		must(t, c.AddEvents(ctx, e))
	}
	// One that comes late: its time is before that of others with lower IDs.
	must(t, c.AddEvents(ctx, store.Event{Time: at(3), Kind: store.EventDropped, Recipient: "r", List: "l.example", Detail: "6"}))
	ids := allEvents(t, c)
	all, l := store.AllLists, "l.example"
	tests := []struct {
		name string
		f    store.EventFilter
		want string
	}{
		{"everything", store.EventFilter{}, "0123456"},
		{"recipient", store.EventFilter{Recipient: "q"}, "135"},
		{"list", store.EventFilter{List: &l}, "0246"},
		{"all lists", store.EventFilter{List: &all}, "135"},
		{"kind", store.EventFilter{Kinds: []store.EventKind{store.EventFailed}}, "45"},
		{"since", store.EventFilter{Since: at(3)}, "3456"},
		{"since all", store.EventFilter{Since: at(-100)}, "0123456"},
		{"since none", store.EventFilter{Since: at(100)}, ""},
		{"after", store.EventFilter{After: ids[2].ID}, "3456"},
		{"limit", store.EventFilter{After: ids[0].ID, Limit: 2}, "12"},
		{"before", store.EventFilter{Before: ids[2].ID}, "01"},
		{"latest", store.EventFilter{Latest: true, Limit: 3}, "654"},
		{"latest before", store.EventFilter{Recipient: "p", Latest: true, Before: ids[4].ID}, "20"},
		{"kinds", store.EventFilter{Kinds: []store.EventKind{store.EventFailed, store.EventDropped}, Before: ids[3].ID}, "012"},
		{"since and after", store.EventFilter{Since: at(3), After: ids[4].ID}, "56"},
		{"several", store.EventFilter{Since: at(2), Recipient: "q", Kinds: []store.EventKind{store.EventDropped}, List: &all}, "3"},
	}
	for _, tt := range tests {
		got, err := c.Events(ctx, tt.f)
		must(t, err)
		names := ""
		for _, e := range got {
			names += e.Detail
		}
		same(t, tt.name, names, tt.want)
	}
}

func eventsOnce(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	e := event(store.EventFailed, "p")
	e.Once = "Q1/7"
	must(t, c.AddEvents(ctx, e, e))
	must(t, c.AddEvents(ctx, e, event(store.EventDropped, "q")))
	must(t, c.AddEvents(ctx, event(store.EventDropped, "q")))
	if all := allEvents(t, c); len(all) != 3 {
		t.Fatalf("%d events: once the one with Once, twice the one without", len(all))
	}
	c, _ = d.Open(t)
	must(t, c.AddEvents(ctx, e))
	if all := allEvents(t, c); len(all) != 3 {
		t.Fatal("added again after reopening")
	}
}

// choiceAndEvent: an event that was added already does not undo the change.
func choiceAndEvent(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	e := event(store.EventUnsubscribed, "p")
	e.Once = "once"
	must(t, c.AddEvents(ctx, e))
	_, err := setChoice(ctx, c, choice("p", "l.example", store.Unsubscribed, 1), e)
	must(t, err)
	st, err := c.Standing(ctx, "p", "l.example")
	must(t, err)
	if len(st.Choices) != 1 || len(allEvents(t, c)) != 1 {
		t.Fatalf("standing %v", st)
	}
}
