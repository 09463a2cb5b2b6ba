package consent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// ErrReason says that a suppression names a reason that is not one of
// store.ReasonManual, store.ReasonBounced and store.ReasonComplained. What a
// person chooses is an opt-out, not a suppression.
var ErrReason = errors.New("not a reason for a suppression")

// Stop is a suppression: what stops mail and is not the person's own choice.
type Stop struct {
	Subject
	// Pattern is set instead of Recipient, for every address that it fits.
	Pattern envelope.Pattern
	Reason  store.Reason // store.ReasonManual, store.ReasonBounced or store.ReasonComplained
	Note    string       // says more about it, cut to 512 bytes
	Until   time.Time    // it ends then by itself; zero: never
}

// Suppress stops mail. Errors and changed are those of [Consent.OptOut]; another
// reason is [ErrReason], and a pattern that takes in the domains of many is
// [envelope.ErrPublic]. What stops mail for longer already is left as it is.
func (c *Consent) Suppress(ctx context.Context, s Stop, ev Evidence) (changed bool, err error) {
	if s.Pattern.Public() {
		return false, envelope.ErrPublic
	}
	e, err := c.suppressionEvent(store.EventSuppressed, s, ev)
	if err != nil {
		return false, err
	}
	e.Detail = cut(s.Note, maxDetail)
	changed, err = c.Store.Suppress(ctx, store.Suppression{
		Recipient: e.Recipient, List: s.List, Reason: s.Reason, Since: ev.since(e.Time), Note: e.Detail,
		Until: s.Until.UTC().Truncate(time.Microsecond),
	}, e)
	if err != nil {
		return false, fmt.Errorf("suppress: %w", err)
	}
	if s.Pattern != (envelope.Pattern{}) {
		return changed, c.settleAll(ctx, "suppression")
	}
	return changed, c.settle(ctx, "suppression", e.Recipient)
}

// Unsuppress takes one suppression back, of which Note and Until say nothing.
// changed is false when there was none.
func (c *Consent) Unsuppress(ctx context.Context, s Stop, ev Evidence) (changed bool, err error) {
	e, err := c.suppressionEvent(store.EventUnsuppressed, s, ev)
	if err != nil {
		return false, err
	}
	changed, err = c.Store.Unsuppress(ctx, store.Suppression{Recipient: e.Recipient, List: s.List, Reason: s.Reason}, e)
	if err != nil {
		return false, fmt.Errorf("unsuppress: %w", err)
	}
	return changed, nil
}

func (c *Consent) suppressionEvent(kind store.EventKind, s Stop, ev Evidence) (store.Event, error) {
	way, err := wayOf(s.Reason, ev)
	if err != nil {
		return store.Event{}, err
	}
	pattern := s.Pattern.Key()
	if (pattern == "") == s.Recipient.IsNull() {
		return store.Event{}, ErrSubject
	}
	e := c.eventOf(kind, s.Recipient.Key(), way, ev)
	if pattern != "" {
		e.Recipient = pattern
	}
	e.List, e.Reason = s.List, s.Reason
	return e, nil
}

// wayOf returns how a suppression comes about when nobody else asked for it.
func wayOf(reason store.Reason, ev Evidence) (store.Way, error) {
	way := store.Operator
	switch reason {
	case store.ReasonManual:
		return way, nil
	case store.ReasonBounced:
		way = store.Delivery
	case store.ReasonComplained:
		way = store.Mail
	default:
		return "", fmt.Errorf("%w: %q", ErrReason, reason)
	}
	if ev.Who != "" {
		way = store.Operator
	}
	return way, nil
}
