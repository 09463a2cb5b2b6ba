package consent

import (
	"cmp"
	"context"
	"fmt"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Weight is how much a bounce says about the address.
type Weight int

// The weights.
const (
	NoWeight Weight = iota // about the message, the sender or the network: recorded alone
	Soft                   // the address did not work this time
	Hard                   // the address does not exist any more
)

// Bounce is mail to one person that came back, or was refused.
type Bounce struct {
	Recipient envelope.Address
	List      string // of that mail; empty: not known
	Weight    Weight
	Way       store.Way // store.Mail, store.Delivery or store.Hook
	Detail    string    // status and diagnostic, cut to 512 bytes
	QueueID   string    // of that mail, where it is known
	// Once names the report, so that a repeated report counts once.
	Once string
	// Merged, where it is set, names what the event has in common with others, which
	// are merged with it: one event is kept of all. What the report stops, it stops.
	Merged string
}

// Bounced records a bounce. A hard one stops all mail to the address, and so
// does a run of Config.BounceLimit soft ones; stopped says that this one did.
// It does not wait for attempts that began before: nobody asked for it.
//
// Repeating it with the same Once changes nothing, also when the operator has
// lifted the suppression meanwhile.
func (c *Consent) Bounced(ctx context.Context, b Bounce, ev Evidence) (stopped bool, err error) {
	e, err := c.event(store.EventBounced, Subject{Recipient: b.Recipient, List: b.List}, b.Way, ev)
	if err != nil {
		return false, err
	}
	e.QueueID, e.Detail, e.Once = b.QueueID, cut(b.Detail, maxDetail), cmp.Or(b.Merged, b.Once)
	dead := b.Weight == Hard
	if b.Weight == Soft && c.Config.BounceLimit > 0 {
		run, err := c.Store.CountBounce(ctx, store.SoftBounce{
			Recipient: e.Recipient, At: c.sure(), Apart: bouncesApart, Proof: c.Config.BounceProof,
		}, e)
		if err != nil {
			return false, fmt.Errorf("count a bounce: %w", err)
		}
		dead = run.Count >= int64(c.Config.BounceLimit)
	} else if err := c.Store.AddEvents(ctx, e); err != nil {
		return false, fmt.Errorf("record a bounce: %w", err)
	}
	if !dead {
		return false, nil
	}
	e.List, e.Once = store.AllLists, b.Once // no list reaches a dead address
	return c.stop(ctx, e, store.ReasonBounced)
}

// stop records that e's address is suppressed for e's list because of what e
// tells.
func (c *Consent) stop(ctx context.Context, e store.Event, reason store.Reason) (stopped bool, err error) {
	e.Kind, e.Reason = store.EventSuppressed, reason
	if e.Once != "" {
		e.Once += " suppressed"
	}
	stopped, err = c.Store.Suppress(ctx, store.Suppression{
		Recipient: e.Recipient, List: e.List, Reason: reason, Since: e.Time, Note: e.Detail,
	}, e)
	if err != nil {
		return false, fmt.Errorf("suppress: %w", err)
	}
	return stopped, nil
}
