package consent

import (
	"context"
	"errors"
	"fmt"

	"offramp/store"
)

// ErrReason says that a suppression names a reason that is not one of
// store.ReasonManual, store.ReasonBounced and store.ReasonComplained. What a
// person chooses is an opt-out, not a suppression.
var ErrReason = errors.New("not a reason for a suppression")

// Suppress stops mail to a recipient for a cause that is not the person's own
// choice: store.ReasonManual, store.ReasonBounced or store.ReasonComplained.
// note says more about it, cut to 512 bytes. Errors and changed are those of
// [Consent.OptOut]; another reason is [ErrReason].
func (c *Consent) Suppress(ctx context.Context, s Subject, reason store.Reason, note string, ev Evidence) (changed bool, err error) {
	e, err := c.suppressionEvent(store.EventSuppressed, s, reason, ev)
	if err != nil {
		return false, err
	}
	e.Detail = cut(note, maxDetail)
	changed, err = c.Store.Suppress(ctx, store.Suppression{
		Recipient: e.Recipient, List: s.List, Reason: reason, Since: ev.since(e.Time), Note: e.Detail,
	}, e)
	if err != nil {
		return false, fmt.Errorf("suppress: %w", err)
	}
	return changed, c.settle(ctx, "suppression", e.Recipient)
}

// Unsuppress takes one suppression back. changed is false when there was none.
func (c *Consent) Unsuppress(ctx context.Context, s Subject, reason store.Reason, ev Evidence) (changed bool, err error) {
	e, err := c.suppressionEvent(store.EventUnsuppressed, s, reason, ev)
	if err != nil {
		return false, err
	}
	changed, err = c.Store.Unsuppress(ctx, store.Suppression{Recipient: e.Recipient, List: s.List, Reason: reason}, e)
	if err != nil {
		return false, fmt.Errorf("unsuppress: %w", err)
	}
	return changed, nil
}

func (c *Consent) suppressionEvent(kind store.EventKind, s Subject, reason store.Reason, ev Evidence) (store.Event, error) {
	way, err := wayOf(reason, ev)
	if err != nil {
		return store.Event{}, err
	}
	e, err := c.event(kind, s, way, ev)
	e.Reason = reason
	return e, err
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
