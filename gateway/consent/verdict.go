package consent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Verdict says whether mail of a list may be sent to a recipient at this
// moment. List "" is mail that is exempt: no choice and no complaint stops it,
// only a dead address or the operator's stop for all lists does, and only with
// Config.TransactionalDead.
//
// Of several reasons the first of these counts: complained, unsubscribed from
// the list, unsubscribed from all or erased, paused for the list, paused for
// all, a third-party list for a person who refuses sharing, bounced, manual.
// An error says nothing about the recipient: the mail must wait. Where records
// are damaged it wraps store.ErrUncertain, and the mail can wait in the queue:
// [Consent.Admit] asks again.
//
// A limit drops nothing here: the turn that another message has may be given
// back until this one is due. [Consent.Admit] decides.
func (c *Consent) Verdict(ctx context.Context, recipient envelope.Address, list string) (store.Verdict, error) {
	v, _, err := c.judge(ctx, recipient, list, false)
	return v, err
}

// judge returns the verdict, and the turn that the person's limits ask for. A
// verdict to send needs records that were verified.
func (c *Consent) judge(ctx context.Context, recipient envelope.Address, list string, send bool) (store.Verdict, store.Turn, error) {
	exempt := list == ""
	if recipient.IsNull() || exempt && !c.Config.TransactionalDead {
		return store.Verdict{}, store.Turn{}, nil
	}
	if c.Stats != nil {
		defer c.Stats.Verdicts.Since(time.Now())
	}
	now := c.sure()
	st, err := c.Records.Standing(ctx, recipient.Key(), list)
	if err != nil {
		return store.Verdict{}, store.Turn{}, fmt.Errorf("verdict: %w", err)
	}
	if send && st.Unverified {
		return store.Verdict{}, store.Turn{}, fmt.Errorf("verdict: records are being verified: %w", store.ErrUnavailable)
	}
	v := store.Verdict{Erased: st.Erased}
	consider := func(r store.Reason) {
		if !v.Drop || rank(r) < rank(v.Reason) {
			v.Drop, v.Reason = true, r
		}
	}
	for _, s := range st.Suppressions {
		if s.Over(now) {
			continue
		}
		if !exempt || s.List == store.AllLists && stopsExempt(s.Reason) {
			consider(s.Reason)
		}
	}
	if exempt {
		return v, store.Turn{}, nil
	}
	t := store.Turn{Recipient: recipient.Key(), List: list, At: c.by(c.Latest), Sure: now}
	for _, choice := range st.Choices {
		if r := reason(choice, st.Erased, now); r != "" {
			consider(r)
		} else if choice.At(now) == store.Limited && choice.List == store.AllLists {
			t.All = period(choice.Every)
		} else if choice.At(now) == store.Limited {
			t.Each = period(choice.Every)
		}
	}
	if st.Sharing.Refused {
		closed, err := c.thirdParty(ctx, list)
		if err != nil {
			return store.Verdict{}, store.Turn{}, err
		}
		if closed {
			consider(store.ReasonSharing)
		}
	}
	return v, t, nil
}

// reason is why a choice stops mail; empty: it does not.
func reason(choice store.Choice, erased bool, now time.Time) store.Reason {
	switch choice.At(now) {
	case store.Subscribed, store.Limited:
		return ""
	case store.Paused:
		return scoped(choice.List, store.ReasonPaused, store.ReasonPausedAll)
	}
	// Also a state that this release does not know.
	if erased && choice.List == store.AllLists {
		return store.ReasonErased
	}
	return scoped(choice.List, store.ReasonUnsubscribed, store.ReasonUnsubscribedAll)
}

// period is the time between two messages. A frequency that this release does
// not know counts as the least frequent one.
func period(f store.Frequency) time.Duration {
	if p := f.Period(); p > 0 {
		return p
	}
	return store.Monthly.Period()
}

// thirdParty says whether a list is for others than its operator.
func (c *Consent) thirdParty(ctx context.Context, id string) (bool, error) {
	l, err := c.Lists.List(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, fmt.Errorf("verdict: list: %w", err)
	}
	return l.ThirdParty, nil
}

func stopsExempt(r store.Reason) bool {
	return r == store.ReasonBounced || r == store.ReasonManual
}

// rank orders reasons: the least counts. What a person said comes before what
// a machine found out. A reason this release does not know stops mail too.
func rank(r store.Reason) int {
	switch r {
	case store.ReasonComplained:
		return 0
	case store.ReasonUnsubscribed:
		return 1
	case store.ReasonUnsubscribedAll, store.ReasonErased:
		return 2
	case store.ReasonPaused:
		return 3
	case store.ReasonPausedAll:
		return 4
	case store.ReasonSharing:
		return 5
	case store.ReasonBounced:
		return 6
	case store.ReasonManual:
		return 7
	default:
		return 8
	}
}
