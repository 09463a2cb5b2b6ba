package consent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Delivered says that mail to a recipient arrived at a time, as the smarthost
// that delivers reports it. It ends a run of soft bounces that is not later.
func (c *Consent) Delivered(ctx context.Context, recipient envelope.Address, at time.Time) (ended bool, err error) {
	if recipient.IsNull() {
		return false, ErrSubject
	}
	if now := c.now(); at.IsZero() || at.After(now) {
		at = now
	}
	if ended, err = c.Store.EndBounces(ctx, recipient.Key(), at); err != nil {
		return false, fmt.Errorf("end a run of bounces: %w", err)
	}
	return ended, nil
}

// OptOutReported is OptOut for a wish that was made elsewhere, at the time at,
// and is reported perhaps late and more than once. What the person chose here
// for the same scope since then stands.
func (c *Consent) OptOutReported(ctx context.Context, s Subject, at time.Time, way store.Way, ev Evidence) (changed bool, err error) {
	p, err := c.Person(ctx, s.Recipient)
	if err != nil {
		return false, err
	}
	newer := func(o store.Choice) bool {
		return o.List == s.List && o.State != store.Unsubscribed && !at.IsZero() && o.Since.After(at)
	}
	if slices.ContainsFunc(p.Choices, newer) {
		return false, nil
	}
	return c.OptOut(ctx, s, way, ev)
}

// Withheld is mail that a smarthost did not send, since the person is on a list
// of its own.
type Withheld struct {
	Subject
	Vendor string
	// Cause is why the person is on that list: store.ReasonUnsubscribed,
	// ReasonComplained or ReasonBounced; any other: for a cause that is not the
	// person's.
	Cause store.Reason
}

// Withheld records that a smarthost did not send. An old list says nothing of
// the address, and nothing that is newer than what people did here: it opts a
// person out, or counts as a complaint, only the first time that either is heard
// of, and never when the person has come back. stopped says that it did.
//
// Each person is recorded once for each smarthost and cause, however often that
// is reported.
func (c *Consent) Withheld(ctx context.Context, w Withheld, ev Evidence) (stopped bool, err error) {
	p, err := c.Person(ctx, w.Recipient)
	if err != nil {
		return false, err
	}
	once := "withheld " + w.Vendor + " " + string(w.Cause) + " " + w.Recipient.Key()
	known := p.Erased || slices.ContainsFunc(p.Choices, func(o store.Choice) bool {
		return o.State == store.Subscribed || w.Cause == store.ReasonUnsubscribed && (o.List == w.List || o.List == store.AllLists)
	})
	switch {
	case known:
	case w.Cause == store.ReasonUnsubscribed:
		return c.OptOut(ctx, w.Subject, store.Hook, ev)
	case w.Cause == store.ReasonComplained:
		heard, err := c.Store.Events(ctx, store.EventFilter{
			Recipient: w.Recipient.Key(), Kinds: []store.EventKind{store.EventComplained, store.EventUnsuppressed}, Limit: 1})
		if err != nil {
			return false, fmt.Errorf("earlier complaints: %w", err)
		}
		if len(heard) == 0 {
			return c.Complained(ctx, Complaint{Subject: w.Subject, Kind: "abuse", Stops: true, Way: store.Hook, Once: once}, ev)
		}
	}
	e, err := c.event(store.EventAnswered, w.Subject, store.Hook, ev)
	if err != nil {
		return false, err
	}
	e.Detail, e.Once = cut(w.Vendor+" did not send: the address is on its own list ("+string(w.Cause)+")", maxDetail), once+" noted"
	if err := c.Store.AddEvents(ctx, e); err != nil {
		return false, fmt.Errorf("record mail that was withheld: %w", err)
	}
	return false, nil
}
