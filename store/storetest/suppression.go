package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// A suppression is prolonged and never shortened; one that has ended begins anew.
func suppressionEnds(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	for i, step := range []struct {
		until, moment int // seconds; until 0: for ever
		changed       bool
		wantUntil     int
		wantSince     int
		wantNote      string
	}{
		{10, 1, true, 10, 1, "0"},
		{5, 2, false, 10, 1, "0"},
		{20, 3, true, 20, 1, "0"},
		{30, 25, true, 30, 25, "3"}, // the one before has ended
		{0, 26, true, 0, 25, "3"},
		{50, 27, false, 0, 25, "3"},
	} {
		until := func(second int) time.Time {
			if second == 0 {
				return time.Time{}
			}
			return kept(at(second))
		}
		e := event(store.EventSuppressed, "p")
		e.Time = at(step.moment)
		s := store.Suppression{Recipient: "p", List: "l.example", Reason: store.ReasonManual, Since: at(step.moment), Note: fmt.Sprint(i), Until: until(step.until)}
		wantChange(t, s.Note, step.changed)(c.Suppress(ctx, s, e))
		s.Until, s.Since, s.Note = until(step.wantUntil), kept(at(step.wantSince)), step.wantNote
		st, err := c.Standing(ctx, "p", "l.example")
		must(t, err)
		same(t, fmt.Sprint(i), st.Suppressions, []store.Suppression{s})
		p, err := c.Person(ctx, "p")
		must(t, err)
		same(t, fmt.Sprint(i, ", person"), p.Suppressions, []store.Suppression{s})
	}
	endsWithErasure(t, c)
	endsWithAge(t, c)
}

// endsWithErasure: an end stays under the hash of who was erased.
func endsWithErasure(t *testing.T, c store.Consent) {
	t.Helper()
	ctx := context.Background()
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(40), Kind: store.EventErased, Way: store.Page}))
	for _, until := range []int{60, 50} { // what is recorded under the hash is prolonged alike
		s := store.Suppression{Recipient: "p@x.example", List: "l.example", Reason: store.ReasonManual, Since: at(40), Until: at(until)}
		wantChange(t, "erased", until == 60)(c.Suppress(ctx, s, event(store.EventSuppressed, s.Recipient)))
	}
	q := store.Suppression{Recipient: "q@x.example", List: "l.example", Reason: store.ReasonManual, Since: at(1), Until: at(50)}
	wantChange(t, "before the erasure", true)(c.Suppress(ctx, q, event(store.EventSuppressed, q.Recipient)))
	must(t, c.Erase(ctx, q.Recipient, store.Event{Time: at(41), Kind: store.EventErased, Way: store.Page}))
	st, err := c.Standing(ctx, q.Recipient, "l.example")
	must(t, err)
	if len(st.Suppressions) != 1 || !st.Suppressions[0].Until.Equal(kept(at(50))) {
		t.Fatalf("the end is lost with an erasure: %+v", st.Suppressions)
	}
}

// endsWithAge: what ended long ago leaves with the old events.
func endsWithAge(t *testing.T, c store.Consent) {
	t.Helper()
	ctx := context.Background()
	before, err := c.Suppressions(ctx, store.RecordFilter{})
	must(t, err)
	ended := store.Suppression{Recipient: "q", Reason: store.ReasonBounced, Since: at(1), Until: at(2)}
	wantChange(t, "ended", true)(c.Suppress(ctx, ended, event(store.EventSuppressed, "q")))
	_, err = c.Retire(ctx, at(1), store.Event{Time: at(60), Kind: store.EventRetired})
	must(t, err)
	if all, err := c.Suppressions(ctx, store.RecordFilter{}); err != nil || len(all) != len(before)+1 {
		t.Fatalf("before its time: %v, %v", all, err)
	}
	_, err = c.Retire(ctx, at(3), store.Event{Time: at(60), Kind: store.EventRetired})
	must(t, err)
	if all, err := c.Suppressions(ctx, store.RecordFilter{}); err != nil || len(all) != len(before) {
		t.Fatalf("what ended stays: %v, %v", all, err)
	}
}

// Patterns of domains stand for every address they fit, also for people who were
// erased, and after the data was opened again.
func patterns(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	for i, pattern := range []string{"@a.example", "@*.a.example", "@*.example", "@x@a.example"} {
		list := store.AllLists
		if i == 1 {
			list = "l.example"
		}
		s := store.Suppression{Recipient: pattern, List: list, Reason: store.ReasonManual, Since: at(1)}
		wantChange(t, pattern, true)(c.Suppress(ctx, s, event(store.EventSuppressed, pattern)))
	}
	must(t, c.Erase(ctx, "gone@a.example", store.Event{Time: at(2), Kind: store.EventErased, Way: store.Page}))
	check := func(when string, c store.Consent) {
		t.Helper()
		for key, want := range map[string]string{
			"p@a.example":      "@a.example @*.example",
			"gone@a.example":   "@a.example @*.example",
			"x@p@a.example":    "@a.example @*.example",
			"p@b.a.example":    "@*.a.example @*.example",
			"p@c.b.a.example":  "@*.a.example @*.example",
			"p@example":        "",
			"p@a.example.test": "",
			"p@ba.example":     "@*.example",
			"p@xa.test":        "",
			"p":                "",
		} {
			st, err := c.Standing(ctx, key, "l.example")
			must(t, err)
			var got []string
			for _, s := range st.Suppressions {
				got = append(got, s.Recipient)
			}
			same(t, when+", "+key, strings.Join(got, " "), want)
			p, err := c.Person(ctx, key)
			must(t, err)
			same(t, when+", the person "+key, len(p.Suppressions), len(got))
			st, err = c.Standing(ctx, key, "other.example")
			must(t, err)
			if n := len(got); strings.Contains(want, "@*.a.example") && len(st.Suppressions) != n-1 {
				t.Errorf("%s, %s for another list: %+v", when, key, st.Suppressions)
			}
		}
	}
	check("added", c)
	c, _ = d.Open(t)
	check("opened again", c)
	s := store.Suppression{Recipient: "@a.example", Reason: store.ReasonManual}
	wantChange(t, "removed", true)(c.Unsuppress(ctx, s, event(store.EventUnsuppressed, s.Recipient)))
	st, err := c.Standing(ctx, "p@a.example", "l.example")
	must(t, err)
	same(t, "removed", len(st.Suppressions), 1)
}
