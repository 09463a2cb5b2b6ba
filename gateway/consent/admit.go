package consent

import (
	"context"
	"fmt"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Admit is the verdict directly before an attempt, after [Consent.Start]. It
// is that of [Consent.Verdict], and where the person set a limit, for the list
// or over all lists, the message takes the turn of the period, which is on disk
// before Admit returns. Without a turn it is dropped, with
// store.ReasonLimited or store.ReasonLimitedAll.
//
// holder names message and recipient, the same at every attempt: it must hold
// no address, and gets its own turn again after an attempt that broke off.
//
// With a verdict to deliver the caller owes one call of ended when it knows
// how the attempt ended. store.Sent counts the message, store.NotSent gives the
// turn back for whichever message comes next, store.MaybeSent leaves it with
// the holder. An error says that the turn was not given back: the call is to be
// repeated. After one that succeeded, further calls do nothing. Only one
// goroutine may call ended at a time. Exempt mail takes no turn and is not
// counted.
func (c *Consent) Admit(ctx context.Context, recipient envelope.Address, list, holder string) (v store.Verdict, ended func(context.Context, store.Outcome) error, err error) {
	v, t, err := c.judge(ctx, recipient, list, true)
	if err != nil || v.Drop {
		return v, nil, err
	}
	if list == "" || recipient.IsNull() {
		return v, func(context.Context, store.Outcome) error { return nil }, nil
	}
	t.Holder = holder
	if !limited(t) {
		return v, c.ended(t), nil
	}
	// What went out before the person set the limit counts against it.
	if err := c.flush(ctx); err != nil {
		return store.Verdict{}, nil, err
	}
	ok, all, err := c.Turns.TakeTurn(ctx, t)
	switch {
	case err != nil:
		return store.Verdict{}, nil, fmt.Errorf("take a frequency slot: %w", err)
	case ok:
		return v, c.ended(t), nil
	}
	c.tally(func(s *Stats) { s.TurnsRefused.Add(1) })
	if all {
		return store.Verdict{Drop: true, Reason: store.ReasonLimitedAll}, nil, nil
	}
	return store.Verdict{Drop: true, Reason: store.ReasonLimited}, nil, nil
}

func limited(t store.Turn) bool { return t.Each > 0 || t.All > 0 }

func (c *Consent) ended(t store.Turn) func(context.Context, store.Outcome) error {
	over := false
	return func(ctx context.Context, o store.Outcome) error {
		if over {
			return nil
		}
		switch {
		case o == store.Sent:
			now := c.now()
			c.sent(store.Contact{Recipient: t.Recipient, List: t.List, First: now, Last: now, Count: 1})
		case o == store.NotSent && limited(t):
			if err := c.Turns.GiveTurn(ctx, t); err != nil {
				return fmt.Errorf("release a frequency slot: %w", err)
			}
			c.tally(func(s *Stats) { s.TurnsReturned.Add(1) })
		}
		over = true
		return nil
	}
}
