package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"offramp/store"
)

// proofWait bounds how long an answer waits for the record that a decision is
// in force: the decision stands without it.
const proofWait = 5 * time.Second

// recent is how many of the newest events are looked at for one scope.
const recent = 8

// stops says whether an event records what stops or slows mail.
func stops(k store.EventKind) bool {
	switch k {
	case store.EventUnsubscribed, store.EventPaused, store.EventLimited, store.EventSharingRefused:
		return true
	}
	return false
}

func stopping(parts []store.Event) bool {
	return slices.ContainsFunc(parts, func(e store.Event) bool { return stops(e.Kind) })
}

// unproven returns the events of a decision that stop mail and are not known
// to be in force. parts are all events the store was given, added the IDs of
// those it took: the others say what stood already, and are looked for, since
// whoever asked first may have given up before the proof was written.
func (c *Consent) unproven(ctx context.Context, parts []store.Event, added []int64) ([]store.Event, error) {
	var proofs []store.Event
	for i, e := range parts {
		if !stops(e.Kind) {
			continue
		}
		if len(added) == len(parts) {
			e.ID = added[i]
			proofs = append(proofs, e)
			continue
		}
		found, err := c.recorded(ctx, e, added)
		if err != nil {
			return proofs, err
		}
		proofs = append(proofs, found...)
	}
	return proofs, nil
}

// recorded finds, in the scope of e, the events that were just added and the
// newest one, as far as they stop mail and have no proof.
func (c *Consent) recorded(ctx context.Context, e store.Event, added []int64) ([]store.Event, error) {
	kinds := []store.EventKind{store.EventInForce}
	if e.Kind == store.EventSharingRefused {
		kinds = append(kinds, store.EventSharingRefused, store.EventSharingAllowed)
	} else {
		kinds = append(kinds, store.EventUnsubscribed, store.EventResubscribed, store.EventPaused, store.EventLimited)
	}
	events, err := c.Store.Events(ctx, store.EventFilter{Recipient: e.Recipient, List: &e.List, Kinds: kinds, Latest: true, Limit: recent})
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	var found []store.Event
	proven := make(map[int64]bool)
	newest := true
	for _, o := range events {
		if o.Kind == store.EventInForce { // always newer than what it proves
			proven[o.Ref] = true
			continue
		}
		if (newest || slices.Contains(added, o.ID)) && stops(o.Kind) && !proven[o.ID] {
			found = append(found, o)
		}
		newest = false
	}
	return found, nil
}

// enforced leaves out what is about a list that is transactional: its mail goes
// out whatever a person decided about it, and a receipt must not say otherwise.
func (c *Consent) enforced(ctx context.Context, events []store.Event) []store.Event {
	if c.Lists == nil {
		return events
	}
	return slices.DeleteFunc(events, func(e store.Event) bool {
		if e.List == store.AllLists {
			return false
		}
		l, err := c.Lists.List(ctx, e.List)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return false // nothing is sent to it, and what will be meets the decision
		case err != nil:
			c.log().WarnContext(ctx, "cannot read whether a list is transactional, a decision about it stands unproven", "list", e.List, "error", err)
			c.tally(func(s *Stats) { s.Unproven.Add(1) })
			return true
		}
		return l.Transactional
	})
}

// prove records that the events are in force from now on. The caller waited for
// every attempt that began before they were on disk.
func (c *Consent) prove(ctx context.Context, events []store.Event) {
	if len(events) == 0 {
		return
	}
	now := c.now()
	proofs := make([]store.Event, len(events))
	for i, e := range events {
		proofs[i] = store.Event{
			Time: now, Kind: store.EventInForce, Recipient: e.Recipient, List: e.List, Way: e.Way, Ref: e.ID,
			Once: fmt.Sprintf("in-force %d", e.ID), // who asks twice at the same time proves it once
		}
	}
	// Also for a client that is gone by now: it would not ask again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), proofWait)
	defer cancel()
	if err := c.Store.AddEvents(ctx, proofs...); err != nil {
		c.log().WarnContext(ctx, "cannot record when a decision came into force, so that stays unproven", "event", events[0].ID, "error", err)
		c.tally(func(s *Stats) { s.Unproven.Add(int64(len(events))) })
	}
}
