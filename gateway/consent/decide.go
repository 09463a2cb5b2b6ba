package consent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Wish is what a person wants of one list, or of all. What does not belong to
// State is not looked at.
type Wish struct {
	List  string // canonical identifier, or store.AllLists
	State store.State
	Until time.Time       // of store.Paused
	Every store.Frequency // of store.Limited; of store.Paused what holds afterwards
}

// Decision is what a person decided at one moment. All of it is recorded or
// nothing.
type Decision struct {
	Recipient envelope.Address
	Wishes    []Wish
	// RefuseSharing, when set, says whether third-party lists are closed to
	// the person.
	RefuseSharing *bool
	// Signal says that the browser asked for it (Sec-GPC: 1).
	Signal bool
	// If, when set, is what the person saw. Decide fails with an error that
	// wraps store.ErrChanged when something else stands by now.
	If *store.Person
}

// LongestPause is how far ahead a pause may end.
const LongestPause = 2 * 366 * 24 * time.Hour

var (
	// ErrDate says that a pause ends in the past, or later than LongestPause.
	ErrDate = errors.New("not a date a pause can end at")
	// ErrWish says that a choice is invalid: an unknown state or frequency, or two
	// for one list.
	ErrWish = errors.New("not a valid choice")
)

// OptOut records that a person left a list, or all lists. changed is false when
// that was recorded before. An error with changed set says that the opt-out is
// on disk, but that mail was being started and had not ended in time: asking
// again is safe and waits again.
func (c *Consent) OptOut(ctx context.Context, s Subject, way store.Way, ev Evidence) (changed bool, err error) {
	return c.wish(ctx, s, store.Unsubscribed, way, ev)
}

// Resubscribe records that a person wants a list again, or, with
// store.AllLists, takes an opt-out from all lists back. It lifts nothing else:
// an opt-out from all lists outlives the wish for one of them, and opt-outs
// from single lists outlive the end of the one from all.
func (c *Consent) Resubscribe(ctx context.Context, s Subject, way store.Way, ev Evidence) (changed bool, err error) {
	return c.wish(ctx, s, store.Subscribed, way, ev)
}

func (c *Consent) wish(ctx context.Context, s Subject, state store.State, way store.Way, ev Evidence) (changed bool, err error) {
	events, err := c.Decide(ctx, Decision{Recipient: s.Recipient, Wishes: []Wish{{List: s.List, State: state}}}, way, ev)
	return len(events) > 0, err
}

// Decide records a decision. It returns the IDs of the events that were added:
// none when everything stood already. An error together with events says, as
// with [Consent.OptOut], that the decision is on disk, but that mail was being
// started and had not ended in time.
//
// What stops or slows mail is in force once Decide has returned without an
// error, and a further event records since when.
func (c *Consent) Decide(ctx context.Context, d Decision, way store.Way, ev Evidence) (events []int64, err error) {
	began := time.Now()
	change, parts, err := c.change(d, way, ev)
	if err != nil {
		return nil, err
	}
	if events, err = c.Store.Decide(ctx, change); err != nil {
		return nil, fmt.Errorf("record a decision: %w", err)
	}
	if !stopping(parts) {
		return events, nil
	}
	// Asked before the wait, which then covers all that is found.
	proofs, err := c.unproven(ctx, parts, events)
	if err != nil {
		c.log().WarnContext(ctx, "cannot read when a decision came into force, so that stays unproven", "error", err)
		c.tally(func(s *Stats) { s.Unproven.Add(1) })
	}
	if err := c.settle(ctx, "decision", d.Recipient.Key()); err != nil {
		return events, err
	}
	c.tally(func(s *Stats) { s.optOut(way, time.Since(began)) })
	c.prove(ctx, c.enforced(ctx, proofs))
	return events, nil
}

// change returns what the store is to record, and the events in it, in their
// order.
func (c *Consent) change(d Decision, way store.Way, ev Evidence) (store.Change, []store.Event, error) {
	e, err := c.event("", Subject{Recipient: d.Recipient}, way, ev)
	if err != nil {
		return store.Change{}, nil, err
	}
	change := store.Change{If: d.If}
	parts := make([]store.Event, 0, len(d.Wishes)+1)
	seen := make(map[string]bool, len(d.Wishes))
	for _, w := range d.Wishes {
		if seen[w.List] {
			return store.Change{}, nil, fmt.Errorf("%w: two for one list", ErrWish)
		}
		seen[w.List] = true
		part, err := w.change(e)
		if err != nil {
			return store.Change{}, nil, err
		}
		part.Choice.Since = ev.since(e.Time)
		change.Choices = append(change.Choices, part)
		parts = append(parts, part.Event)
	}
	if d.RefuseSharing != nil {
		e.Kind = store.EventSharingAllowed
		if *d.RefuseSharing {
			e.Kind = store.EventSharingRefused
		}
		if d.Signal {
			e.Detail = "Sec-GPC: 1"
		}
		change.Sharing = &store.SharingChange{
			Sharing: store.Sharing{Recipient: e.Recipient, Refused: *d.RefuseSharing, Since: ev.since(e.Time), Way: way},
			Event:   e,
		}
		parts = append(parts, e)
	}
	return change, parts, nil
}

// change checks a wish and returns its choice and event; e holds what all
// events of the decision share.
func (w Wish) change(e store.Event) (store.ChoiceChange, error) {
	choice := store.Choice{Recipient: e.Recipient, List: w.List, State: w.State, Since: e.Time, Way: e.Way}
	e.List = w.List
	switch w.State {
	case store.Subscribed:
		e.Kind = store.EventResubscribed
	case store.Unsubscribed:
		e.Kind, e.Reason = store.EventUnsubscribed, scoped(w.List, store.ReasonUnsubscribed, store.ReasonUnsubscribedAll)
	case store.Paused:
		until := w.Until.UTC().Truncate(time.Microsecond)
		if !until.After(e.Time) || until.Sub(e.Time) > LongestPause {
			return store.ChoiceChange{}, ErrDate
		}
		choice.Until, choice.Every = until, w.Every
		e.Kind, e.Reason = store.EventPaused, scoped(w.List, store.ReasonPaused, store.ReasonPausedAll)
		e.Detail = "until " + until.Format(time.RFC3339)
	case store.Limited:
		choice.Every = w.Every
		e.Kind, e.Reason = store.EventLimited, scoped(w.List, store.ReasonLimited, store.ReasonLimitedAll)
		e.Detail = string(w.Every)
	default:
		return store.ChoiceChange{}, fmt.Errorf("%w: state %q", ErrWish, w.State)
	}
	if unlimited := choice.Every == "" && w.State != store.Limited; !unlimited && choice.Every.Period() == 0 {
		return store.ChoiceChange{}, fmt.Errorf("%w: frequency %q", ErrWish, choice.Every)
	}
	return store.ChoiceChange{Choice: choice, Event: e}, nil
}

// scoped returns the reason for one list or for all.
func scoped(list string, one, all store.Reason) store.Reason {
	if list == store.AllLists {
		return all
	}
	return one
}

// Explain records why a person left, in their own words or by a keyword. text
// is cut to 512 bytes; an empty one records nothing.
func (c *Consent) Explain(ctx context.Context, s Subject, text string, way store.Way, ev Evidence) error {
	return c.note(ctx, store.EventReason, s, strings.TrimSpace(text), way, ev)
}

// Asked records that a mail went out to the person that asks for confirmation.
// detail says of what, cut to 512 bytes.
func (c *Consent) Asked(ctx context.Context, s Subject, detail string, ev Evidence) error {
	return c.note(ctx, store.EventAsked, s, detail, store.Page, ev)
}

// Typed records that somebody typed a code of a mail that asks for one, before
// it is known to be right. detail says what for, cut to 512 bytes.
func (c *Consent) Typed(ctx context.Context, s Subject, detail string, ev Evidence) error {
	return c.note(ctx, store.EventTyped, s, detail, store.Page, ev)
}

func (c *Consent) note(ctx context.Context, kind store.EventKind, s Subject, text string, way store.Way, ev Evidence) error {
	e, err := c.event(kind, s, way, ev)
	if err != nil {
		return err
	}
	if e.Detail = cut(text, maxDetail); e.Detail == "" && kind == store.EventReason {
		return nil
	}
	if err := c.Store.AddEvents(ctx, e); err != nil {
		return fmt.Errorf("record an event of kind %s: %w", kind, err)
	}
	return nil
}
