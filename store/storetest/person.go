package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"offramp/store"
)

// full is a decision about everything.
func full(recipient string) store.Change {
	return store.Change{
		Choices: []store.ChoiceChange{
			{Choice: store.Choice{Recipient: recipient, List: "a.example", State: store.Paused, Until: at(1000), Every: store.Weekly, Since: at(1), Way: store.Page},
				Event: store.Event{Time: at(1), Kind: store.EventPaused, Recipient: recipient, List: "a.example", Detail: "until"}},
			{Choice: store.Choice{Recipient: recipient, List: "b.example", State: store.Limited, Every: store.Daily, Since: at(1), Way: store.Page},
				Event: store.Event{Time: at(1), Kind: store.EventLimited, Recipient: recipient, List: "b.example", Detail: "day"}},
		},
		Sharing: &store.SharingChange{
			Sharing: store.Sharing{Recipient: recipient, Refused: true, Since: at(1), Way: store.Page},
			Event:   store.Event{Time: at(1), Kind: store.EventSharingRefused, Recipient: recipient},
		},
	}
}

func decisions(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	change := full("p")
	ids, err := c.Decide(ctx, change)
	must(t, err)
	same(t, "events", ids, []int64{1, 2, 3})
	ids, err = c.Decide(ctx, full("p"))
	must(t, err)
	same(t, "events of the same again", ids, []int64(nil))
	// One part that is new is recorded alone.
	change.Choices[1].Choice.Every = store.Monthly
	ids, err = c.Decide(ctx, change)
	must(t, err)
	same(t, "events of one part", ids, []int64{4})
	c, _ = d.Open(t)
	p, err := c.Person(ctx, "p")
	must(t, err)
	a, b, s := change.Choices[0].Choice, change.Choices[1].Choice, change.Sharing.Sharing
	a.Until, a.Since, b.Since, s.Since = kept(a.Until), kept(a.Since), kept(b.Since), kept(s.Since)
	same(t, "person", p, store.Person{Choices: []store.Choice{a, b}, Sharing: s})
	st, err := c.Standing(ctx, "p", "b.example")
	must(t, err)
	same(t, "standing", st, store.Standing{Choices: []store.Choice{b}, Sharing: s})
	// Who never said anything lets data be shared: saying so changes nothing.
	ids, err = c.Decide(ctx, store.Change{Sharing: &store.SharingChange{Sharing: store.Sharing{Recipient: "q"}, Event: event(store.EventSharingAllowed, "q")}})
	must(t, err)
	same(t, "events of sharing that was never refused", ids, []int64(nil))
}

func decisionIf(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	_, err := c.Decide(ctx, full("p"))
	must(t, err)
	seen, err := c.Person(ctx, "p")
	must(t, err)
	leave := store.Change{If: &seen, Choices: []store.ChoiceChange{{Choice: choice("p", "a.example", store.Unsubscribed, 2), Event: event(store.EventUnsubscribed, "p")}}}
	for name, spoil := range map[string]func(p *store.Person){
		"a choice more":   func(p *store.Person) { p.Choices = p.Choices[:1] },
		"another state":   func(p *store.Person) { p.Choices[0].State = store.Subscribed },
		"another date":    func(p *store.Person) { p.Choices[0].Until = at(2) },
		"another limit":   func(p *store.Person) { p.Choices[1].Every = store.Monthly },
		"made later":      func(p *store.Person) { p.Choices[1].Since = at(5) },
		"another sharing": func(p *store.Person) { p.Sharing.Refused = false },
	} {
		other := seen
		other.Choices = append([]store.Choice(nil), seen.Choices...)
		spoil(&other)
		if _, err := c.Decide(ctx, store.Change{If: &other, Choices: leave.Choices}); !errors.Is(err, store.ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(allEvents(t, c)); n != 3 {
		t.Fatalf("%d events: something was recorded", n)
	}
	// What is not a wish does not count.
	must(t, c.Sent(ctx, store.Contact{Recipient: "p", List: "a.example", First: at(1), Last: at(1), Count: 1}))
	ids, err := c.Decide(ctx, leave)
	must(t, err)
	same(t, "events", ids, []int64{4})
}

func person(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	p, err := c.Person(ctx, "nobody")
	must(t, err)
	same(t, "nobody", p, store.Person{})
	s := store.Suppression{Recipient: "p", List: "a.example", Reason: store.ReasonBounced, Since: at(1), Note: "550"}
	wantChange(t, "suppressed", true)(c.Suppress(ctx, s, event(store.EventSuppressed, "p")))
	must(t, c.Sent(ctx, store.Contact{Recipient: "p", List: "b.example", First: at(3), Last: at(5), Count: 2},
		store.Contact{Recipient: "q", List: "b.example", First: at(9), Last: at(9), Count: 1}))
	p, err = c.Person(ctx, "p")
	must(t, err)
	s.Since = kept(s.Since)
	same(t, "person", p, store.Person{
		Suppressions: []store.Suppression{s},
		Contacts:     []store.Contact{{Recipient: "p", List: "b.example", First: kept(at(3)), Last: kept(at(5)), Count: 2}},
	})
}

func erased(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	hash := c.Hash("p@x.example")
	if strings.Contains(hash, "@") || hash == c.Hash("q@x.example") || hash != c.Hash(hash) {
		t.Fatalf("hash %q", hash)
	}
	_, err := c.Decide(ctx, full("p@x.example"))
	must(t, err)
	wantChange(t, "suppressed", true)(c.Suppress(ctx, store.Suppression{Recipient: "p@x.example", Reason: store.ReasonComplained, Since: at(1), Note: "note"},
		event(store.EventSuppressed, "p@x.example")))
	must(t, c.Sent(ctx, store.Contact{Recipient: "p@x.example", List: "a.example", First: at(1), Last: at(1), Count: 1}))
	must(t, c.AddEvents(ctx, event(store.EventDropped, "other@x.example")))
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(9), Kind: store.EventErased, Way: store.Page}))
	must(t, c.Scrub(ctx))
	for range 2 { // also after reopening
		for _, name := range []string{"p@x.example", hash} {
			p, err := c.Person(ctx, name)
			must(t, err)
			if !p.Erased && name != hash || len(p.Choices) != 3 || p.Choices[0].List != store.AllLists || p.Choices[0].State != store.Unsubscribed ||
				p.Choices[0].Recipient != hash || len(p.Contacts) != 0 || !p.Sharing.Refused || len(p.Suppressions) != 1 || p.Suppressions[0].Note != "" {
				t.Fatalf("%s after the erasure: %+v", name, p)
			}
			events, err := c.Events(ctx, store.EventFilter{Recipient: name})
			must(t, err)
			if len(events) != 1 || events[0].Kind != store.EventErased || events[0].Recipient != hash {
				t.Fatalf("%s: events %+v", name, events)
			}
		}
		c, _ = d.Open(t)
	}
	if all := allEvents(t, c); len(all) != 2 {
		t.Fatalf("events %+v: others keep theirs", all)
	}
}

// erasedAgain: whatever comes later is kept under the hash too.
func erasedAgain(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	hash := c.Hash("p@x.example")
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(1), Kind: store.EventErased, Way: store.Page}))
	wantChange(t, "suppressed", true)(c.Suppress(ctx, store.Suppression{Recipient: "p@x.example", Reason: store.ReasonManual, Since: at(1), Note: "p@x.example"},
		event(store.EventSuppressed, "p@x.example")))
	wantChange(t, "back on a list", true)(setChoice(ctx, c, choice("p@x.example", "a.example", store.Subscribed, 2), event(store.EventResubscribed, "p@x.example")))
	must(t, c.Sent(ctx, store.Contact{Recipient: "p@x.example", List: "a.example", First: at(1), Last: at(1), Count: 1}))
	must(t, c.AddEvents(ctx, store.Event{
		Time: at(3), Kind: store.EventFailed, Recipient: "p@x.example", List: "a.example", QueueID: "Q", MessageID: "<p@x>", IP: "192.0.2.1",
		UserAgent: "x", Who: "x", Detail: "550 p@x.example", Once: "p@x.example",
	}))
	ok, _, err := c.TakeTurn(ctx, store.Turn{Recipient: "p@x.example", List: "a.example", Holder: "h", At: at(4), Each: 1})
	must(t, err)
	if !ok {
		t.Error("no turn")
	}
	st, err := c.Standing(ctx, "p@x.example", "a.example")
	must(t, err)
	if !st.Erased || len(st.Choices) != 2 || len(st.Suppressions) != 1 || st.Suppressions[0].Note != "" {
		t.Fatalf("standing %+v", st)
	}
	for _, e := range allEvents(t, c) {
		if e.Recipient != hash || e.MessageID != "" || e.IP != "" || e.UserAgent != "" || e.Kind != store.EventErased && e.Detail != "" {
			t.Errorf("event %+v", e)
		}
	}
	wantChange(t, "lifted", true)(c.Unsuppress(ctx, store.Suppression{Recipient: "p@x.example", Reason: store.ReasonManual}, event(store.EventUnsuppressed, "p@x.example")))
	// Erasing again takes what came since, and leaves the person off.
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(5), Kind: store.EventErased, Way: store.Page}))
	if all := allEvents(t, c); len(all) != 2 {
		t.Errorf("events %+v", all)
	}
}
