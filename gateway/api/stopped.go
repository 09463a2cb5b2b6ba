package api

import (
	"context"
	"slices"
	"strings"

	"offramp/gateway/jobs"
	"offramp/gateway/record"
	"offramp/store"
)

// stopped reads one page of what stops mail, by recipient. Pauses that have not ended
// are in it when they are asked for, and suppressions that have ended are not. For one
// recipient, those of patterns follow.
func (s *server) stopped(ctx context.Context, f store.RecordFilter, pauses bool) (record.SuppressionPage, error) {
	held, err := jobs.ReadHeld(ctx, s.Records, f)
	if err != nil {
		return record.SuppressionPage{}, err
	}
	found := stops{}
	for _, c := range held.Choices {
		if e := s.choice(c); e.Until.IsZero() || pauses {
			found.add(e)
		}
	}
	for _, o := range held.Suppressions {
		found.add(s.suppression(o))
	}
	slices.SortFunc(found, func(a, b record.Suppression) int {
		return strings.Compare(a.Recipient+"\x00"+a.List+"\x00"+a.Reason, b.Recipient+"\x00"+b.List+"\x00"+b.Reason)
	})
	err = s.ofPatterns(ctx, f, &found)
	page := record.SuppressionPage{Items: found}
	if held.Next != "" {
		page.Next, page.Cursor = held.Next, cursorOf("suppressions", held.Next)
	}
	return page, err
}

// stops are records that stop mail.
type stops []record.Suppression

// add adds a record; a choice to be subscribed stops nothing.
func (all *stops) add(e record.Suppression) {
	if e.Reason != "" {
		*all = append(*all, e)
	}
}

// choice is what a choice stops, without a reason when it stops nothing.
func (s *server) choice(c store.Choice) record.Suppression {
	e := record.Suppression{Recipient: c.Recipient, List: c.List, Since: c.Since, Way: string(c.Way)}
	all := c.List == store.AllLists
	switch state := c.At(s.now()); {
	case state == store.Unsubscribed && all:
		e.Reason = string(store.ReasonUnsubscribedAll)
	case state == store.Unsubscribed:
		e.Reason = string(store.ReasonUnsubscribed)
	case state == store.Paused && all:
		e.Reason, e.Until = string(store.ReasonPausedAll), c.Until
	case state == store.Paused:
		e.Reason, e.Until = string(store.ReasonPaused), c.Until
	}
	return e
}

// suppression is a suppression, without a reason when it has ended.
func (s *server) suppression(o store.Suppression) record.Suppression {
	e := record.SuppressionOf(o)
	if o.Over(s.now()) {
		e.Reason = ""
	}
	return e
}

// ofPatterns adds what patterns that fit the recipient say.
func (s *server) ofPatterns(ctx context.Context, f store.RecordFilter, found *stops) error {
	for _, pattern := range store.Patterns(f.Recipient) {
		all, err := s.Records.Suppressions(ctx, store.RecordFilter{Recipient: pattern, List: f.List, Limit: maxLimit})
		if err != nil {
			return err
		}
		for _, o := range all {
			found.add(s.suppression(o))
		}
	}
	return nil
}
