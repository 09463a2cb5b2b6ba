package consent

import (
	"context"
	"fmt"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Verdict says whether mail of a list may be sent to a recipient at this
// moment. List "" is mail that is exempt: no opt-out and no complaint stops it,
// only a dead address does, and only with Config.TransactionalDead.
//
// Of several reasons the first of these counts: complained, unsubscribed from
// the list, unsubscribed from all, bounced, manual. An error says nothing about
// the recipient: the mail must wait.
func (c *Consent) Verdict(ctx context.Context, recipient envelope.Address, list string) (store.Verdict, error) {
	exempt := list == ""
	if recipient.IsNull() || exempt && !c.Config.TransactionalDead {
		return store.Verdict{}, nil
	}
	st, err := c.Records.Standing(ctx, recipient.Key(), list)
	if err != nil {
		return store.Verdict{}, fmt.Errorf("verdict: %w", err)
	}
	var v store.Verdict
	consider := func(r store.Reason) {
		if !v.Drop || rank(r) < rank(v.Reason) {
			v = store.Verdict{Drop: true, Reason: r}
		}
	}
	for _, s := range st.Suppressions {
		if !exempt || s.List == store.AllLists && stopsExempt(s.Reason) {
			consider(s.Reason)
		}
	}
	for _, choice := range st.Choices {
		switch {
		case exempt || choice.State == store.Subscribed:
		case choice.List == store.AllLists:
			consider(store.ReasonUnsubscribedAll)
		default:
			consider(store.ReasonUnsubscribed)
		}
	}
	return v, nil
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
	case store.ReasonUnsubscribedAll:
		return 2
	case store.ReasonBounced:
		return 3
	case store.ReasonManual:
		return 4
	default:
		return 5
	}
}
