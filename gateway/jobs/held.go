package jobs

import (
	"context"
	"sort"

	"offramp/store"
)

// Source has the choices and the suppressions of people, each by recipient.
type Source interface {
	Choices(ctx context.Context, f store.RecordFilter) ([]store.Choice, error)
	Suppressions(ctx context.Context, f store.RecordFilter) ([]store.Suppression, error)
}

// Held is all that is recorded of some recipients.
type Held struct {
	Choices      []store.Choice
	Suppressions []store.Suppression
	Next         string // store.RecordFilter.After of the next page; empty: that was all
}

// ReadHeld reads one page of choices and suppressions together. Each of the two may
// have been cut within a recipient, so the page ends before the first that may be
// incomplete; where that leaves nothing, more is read.
func ReadHeld(ctx context.Context, from Source, f store.RecordFilter) (h Held, err error) {
	for {
		if h.Choices, err = from.Choices(ctx, f); err != nil {
			return h, err
		}
		if h.Suppressions, err = from.Suppressions(ctx, f); err != nil {
			return h, err
		}
		cut := ""
		if n := len(h.Choices); n == f.Limit {
			cut = h.Choices[n-1].Recipient
		}
		if n := len(h.Suppressions); n == f.Limit {
			if to := h.Suppressions[n-1].Recipient; cut == "" || to < cut {
				cut = to
			}
		}
		if cut == "" {
			return h, nil
		}
		h.Choices = h.Choices[:sort.Search(len(h.Choices), func(i int) bool { return h.Choices[i].Recipient >= cut })]
		h.Suppressions = h.Suppressions[:sort.Search(len(h.Suppressions), func(i int) bool { return h.Suppressions[i].Recipient >= cut })]
		if n := len(h.Choices); n > 0 {
			h.Next = h.Choices[n-1].Recipient
		}
		if n := len(h.Suppressions); n > 0 {
			h.Next = max(h.Next, h.Suppressions[n-1].Recipient)
		}
		if h.Next != "" {
			return h, nil
		}
		f.Limit *= 2
	}
}
