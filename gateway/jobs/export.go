package jobs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"offramp/gateway/exchange"
	"offramp/store"
)

// Records is what is exported; a store.Consent has it.
type Records interface {
	Source
	Events
	Hash(recipient string) string
}

// Events is what recorded it.
type Events interface {
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
}

// Export is what is to be written.
type Export struct {
	Format exchange.Format
	Hash   string
	// List, when set, is the only list. For another system that is everybody who gets
	// no mail of it, so records of all lists are written too. When it is not set, a
	// file for another system has what is for all lists alone: who left one list
	// must not lose them all.
	List   *string
	Reason string // the only reason; unsubscribed takes in unsubscribed-all; empty: all
}

// Left is what an export leaves out.
type Left struct {
	exchange.Left
	Lists int64 `json:"lists"` // of single lists
}

// exportPage is how many records are read at a time.
const exportPage = 2000

// Write writes everything that stops mail, by recipient. Memory does not grow with it.
func (e Export) Write(ctx context.Context, from Records, now time.Time, out io.Writer) (left Left, err error) {
	w, err := exchange.NewWriter(out, exchange.WriteOptions{Format: e.Format, Hash: e.Hash, Hashed: from.Hash})
	if err != nil {
		return left, err
	}
	p := pager{from: from, now: now, filter: store.RecordFilter{Limit: exportPage}}
	if !e.Format.Leaves() {
		p.filter.List = e.List
	}
	for {
		page, more, err := p.next(ctx)
		if err != nil {
			return left, fmt.Errorf("export: %w", err)
		}
		page = slices.DeleteFunc(page, func(r exchange.Record) bool { return e.leavesOut(r, &left) })
		if !e.Format.Leaves() {
			if err := addEvents(ctx, from, page); err != nil {
				return left, fmt.Errorf("export: %w", err)
			}
		}
		for _, r := range page {
			if err := w.Write(r); err != nil {
				return left, fmt.Errorf("export: %w", err)
			}
		}
		if !more {
			break
		}
	}
	if left.Left, err = w.Close(); err != nil {
		return left, fmt.Errorf("export: %w", err)
	}
	return left, nil
}

// leavesOut says whether a record was not asked for, and counts those that only have
// no place in the file.
func (e Export) leavesOut(r exchange.Record, left *Left) bool {
	reason := string(r.Reason)
	if e.Reason != "" && reason != e.Reason && strings.TrimSuffix(reason, "-all") != e.Reason {
		return true
	}
	if !e.Format.Leaves() || r.List == store.AllLists || e.Format == exchange.MailgunUnsubscribes && e.List == nil {
		return false
	}
	if e.List != nil {
		return r.List != *e.List
	}
	left.Lists++
	return true
}

// pager reads choices and suppressions together, by recipient.
type pager struct {
	from   Records
	now    time.Time
	filter store.RecordFilter
}

// next returns all records of some recipients.
func (p *pager) next(ctx context.Context) (page []exchange.Record, more bool, err error) {
	held, err := ReadHeld(ctx, p.from, p.filter)
	if err != nil {
		return nil, false, err
	}
	for _, c := range held.Choices {
		page = p.choice(page, c)
	}
	for _, o := range held.Suppressions {
		if !o.Over(p.now) {
			page = append(page, exchange.Record{Recipient: o.Recipient, List: o.List, Reason: o.Reason, Since: o.Since, Until: o.Until, Note: o.Note})
		}
	}
	slices.SortFunc(page, func(a, b exchange.Record) int { return compare(&record{a}, &record{b}) })
	p.filter.After = held.Next
	return page, held.Next != "", nil
}

// choice adds a choice that stops mail.
func (p *pager) choice(page []exchange.Record, c store.Choice) []exchange.Record {
	r := exchange.Record{Recipient: c.Recipient, List: c.List, Since: c.Since, Source: string(c.Way)}
	all := c.List == store.AllLists
	switch state := c.At(p.now); {
	case state == store.Unsubscribed && all:
		r.Reason = store.ReasonUnsubscribedAll
	case state == store.Unsubscribed:
		r.Reason = store.ReasonUnsubscribed
	case state == store.Paused && all:
		r.Reason, r.Until = store.ReasonPausedAll, c.Until
	case state == store.Paused:
		r.Reason, r.Until = store.ReasonPaused, c.Until
	default:
		return page
	}
	return append(page, r)
}

// personEvents is how many of a person's newest events are looked through.
const personEvents = 200

// Cause is what a record says of its person.
type Cause struct {
	List   string
	Reason store.Reason
}

// Recorded finds the newest event that recorded each cause of a person's.
func Recorded(ctx context.Context, from Events, recipient string) (map[Cause]int64, error) {
	events, err := from.Events(ctx, store.EventFilter{
		Recipient: recipient, Latest: true, Limit: personEvents,
		Kinds: []store.EventKind{store.EventUnsubscribed, store.EventPaused, store.EventSuppressed},
	})
	recorded := map[Cause]int64{}
	for _, e := range slices.Backward(events) { // the newest stays
		recorded[Cause{e.List, e.Reason}] = e.ID
	}
	return recorded, err
}

// addEvents finds the event that recorded each of some records, which come by
// recipient.
func addEvents(ctx context.Context, from Events, all []exchange.Record) error {
	var recorded map[Cause]int64
	for i, r := range all {
		if i == 0 || r.Recipient != all[i-1].Recipient {
			var err error
			if recorded, err = Recorded(ctx, from, r.Recipient); err != nil {
				return err
			}
		}
		all[i].Event = recorded[Cause{r.List, r.Reason}]
	}
	return nil
}
