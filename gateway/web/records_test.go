package web

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"offramp/gateway/confirmation"
	"offramp/store"
)

// records is a store in memory behind the real rules of consent.
type records struct {
	*world
}

func (r records) Decide(ctx context.Context, c store.Change) (ids []int64, err error) {
	w := r.world
	if w.hook != nil {
		w.hook(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.fault("Decide", w.err, ctx.Err()); err != nil {
		return nil, err
	}
	if c.If != nil && !same(w.person(ada).Choices, c.If.Choices) {
		return nil, store.ErrChanged
	}
	for _, part := range c.Choices {
		key := part.Choice.Recipient + " " + part.Choice.List
		if w.choices[key].Same(part.Choice) {
			continue
		}
		w.choices[key] = part.Choice
		ids = append(ids, w.add(part.Event))
		w.changes = append(w.changes, string(part.Choice.State)+" "+key+" "+string(part.Choice.Way))
	}
	if s := c.Sharing; s != nil && (w.sharing[s.Sharing.Recipient].Refused != s.Sharing.Refused || w.sharing[s.Sharing.Recipient].Since.IsZero()) {
		w.sharing[s.Sharing.Recipient] = s.Sharing
		ids = append(ids, w.add(s.Event))
		w.changes = append(w.changes, string(s.Event.Kind)+" "+s.Event.Recipient+" "+string(s.Event.Way))
	}
	return ids, nil
}

func same(a, b []store.Choice) bool {
	return slices.EqualFunc(a, b, func(a, b store.Choice) bool { return a.Same(b) && a.Since.Equal(b.Since) })
}

// add adds an event. w.mu is held.
func (w *world) add(e store.Event) int64 {
	e.ID = int64(len(w.events) + 1)
	w.events = append(w.events, e)
	return e.ID
}

// person is what is recorded. w.mu is held.
func (w *world) person(recipient string) store.Person {
	p := store.Person{Suppressions: w.stops, Sharing: w.sharing[recipient], Erased: w.erased[recipient]}
	for _, c := range w.choices {
		if c.Recipient == recipient {
			p.Choices = append(p.Choices, c)
		}
	}
	slices.SortFunc(p.Choices, func(a, b store.Choice) int { return strings.Compare(a.List, b.List) })
	for _, c := range w.contacts {
		if c.Recipient == recipient {
			p.Contacts = append(p.Contacts, c)
		}
	}
	return p
}

func (r records) Person(_ context.Context, recipient string) (store.Person, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fault("Person", r.err, r.errRead); err != nil {
		return store.Person{}, err
	}
	return r.person(recipient), nil
}

// fault counts a call, and returns what it fails with: the first of causes, or
// store.ErrUnavailable when it is its turn. w.mu is held.
func (w *world) fault(call string, causes ...error) error {
	w.calls = append(w.calls, call)
	if len(w.calls) == w.failing {
		return store.ErrUnavailable
	}
	return cmp.Or(causes...)
}

func (r records) Verified(context.Context) error { return nil }

func (r records) Standing(context.Context, string, string) (store.Standing, error) {
	panic("the page judges no mail")
}

func (r records) Suppress(context.Context, store.Suppression, store.Event) (bool, error) {
	panic("the page suppresses nobody")
}

func (r records) EndBounces(context.Context, string, time.Time) (bool, error) { return false, nil }

func (r records) CountBounce(context.Context, store.SoftBounce, store.Event) (store.BounceRun, error) {
	panic("the page knows of no bounce")
}

func (r records) Unsuppress(context.Context, store.Suppression, store.Event) (bool, error) {
	panic("the page lifts nothing")
}

// Erase leaves the events of others, and of the person's the one that says so.
func (r records) Erase(_ context.Context, recipient string, e store.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fault("Erase", r.err); err != nil {
		return err
	}
	for key, c := range r.choices {
		if c.Recipient == recipient {
			delete(r.choices, key)
		}
	}
	all := store.Choice{Recipient: recipient, List: store.AllLists, State: store.Unsubscribed, Since: e.Time, Way: e.Way}
	r.choices[recipient+" "] = all
	r.erased[recipient] = true
	r.contacts = slices.DeleteFunc(r.contacts, func(c store.Contact) bool { return c.Recipient == recipient })
	for i, old := range r.events {
		if old.Recipient == recipient && old.Kind != store.EventErased {
			r.events[i] = store.Event{ID: old.ID, Time: old.Time}
		}
	}
	r.add(e)
	r.changes = append(r.changes, "erased "+recipient)
	return nil
}

func (r records) Scrub(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fault("Scrub")
}

func (r records) AddEvents(_ context.Context, events ...store.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fault("AddEvents", r.err); err != nil {
		return err
	}
	for _, e := range events {
		r.add(e)
		if e.Kind == store.EventReason {
			r.changes = append(r.changes, "reason "+e.Detail)
		}
	}
	return nil
}

func (r records) Events(_ context.Context, f store.EventFilter) (out []store.Event, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fault("Events", r.err, r.errRead); err != nil {
		return nil, err
	}
	for _, e := range r.events {
		if e.ID > f.After && (f.Before == 0 || e.ID < f.Before) && e.Recipient == f.Recipient && !e.Time.Before(f.Since) &&
			(len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.Kind)) {
			out = append(out, e)
		}
	}
	if f.Latest {
		slices.Reverse(out)
	}
	return out[:min(len(out), cmp.Or(f.Limit, 1000))], nil
}

func (r records) Retire(context.Context, time.Time, store.Event) (int64, error) { return 0, nil }

func (r records) Entries(_ context.Context, after int64, _ int) ([]store.Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fault("Entries"); err != nil {
		return nil, err
	}
	if after >= int64(len(r.events)) {
		return nil, nil
	}
	return []store.Entry{{Event: r.events[after]}}, nil
}

func (r records) OptOuts(_ context.Context, _ time.Time, after int64, _ int) ([]store.OptOut, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fault("OptOuts"); err != nil {
		return nil, err
	}
	for _, e := range r.events {
		if e.ID > after && e.Kind == store.EventUnsubscribed {
			o := store.OptOut{Event: e}
			for _, proof := range r.events {
				if proof.Kind == store.EventInForce && proof.Ref == e.ID {
					o.InForce = proof.Time
				}
			}
			return []store.OptOut{o}, nil
		}
	}
	return nil, nil
}

func (r records) ListsShown(_ context.Context, ids []string) (shown []store.List, thirdParty bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fault("ListsShown"); err != nil {
		return nil, false, err
	}
	for _, l := range r.lists {
		if l.Public || slices.Contains(ids, l.ID) {
			shown = append(shown, l)
		}
		thirdParty = thirdParty || l.ThirdParty
	}
	return shown, thirdParty, nil
}

func (r records) Readers(context.Context) ([]store.Reader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readers, r.fault("Readers")
}

// Ask takes the mail that asks for confirmation.
func (r records) Ask(_ context.Context, q confirmation.Question) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fault("Ask"); err != nil {
		return err
	}
	if len(r.asked) >= 5 {
		return confirmation.ErrAsked
	}
	r.asked = append(r.asked, q)
	return nil
}
