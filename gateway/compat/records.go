package compat

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// entry is one cause for which a person gets no mail.
type entry struct {
	list   string
	reason store.Reason
	since  time.Time
	own    bool // the person's own choice, not one that an operator recorded
	note   string
}

// person is who gets no mail, by lookup key, with the causes that were asked for.
type person struct {
	address string
	entries []entry
}

// first is when the earliest of the causes was recorded.
func (p person) first() time.Time {
	return slices.MinFunc(p.entries, func(a, b entry) int { return a.since.Compare(b.since) }).since
}

// want selects causes.
type want struct {
	address string  // of one person; empty: all
	list    *string // nil: of any
	choices bool    // unsubscribed
	reasons []store.Reason
	since   time.Time // not before; zero: any time
	until   time.Time // not after; zero: any time
}

// unsubscribed are the choices of people, and what the operator set in their
// place.
func unsubscribed(list *string) want {
	return want{list: list, choices: true, reasons: []store.Reason{store.ReasonManual}}
}

// forAll selects causes of one reason that hold for all lists.
func forAll(reason store.Reason) want {
	all := store.AllLists
	return want{list: &all, reasons: []store.Reason{reason}}
}

func (w want) at(since time.Time) bool {
	return !since.Before(w.since) && (w.until.IsZero() || !since.After(w.until))
}

// readAtOnce is how many records are read in one look.
const readAtOnce = 1000

// people returns those after a lookup key, in the order of their keys. People who
// were erased, and patterns of domains, have no address and are left out.
func (c *Compat) people(ctx context.Context, w want, after string) iter.Seq2[person, error] {
	return func(yield func(person, error) bool) {
		f := store.RecordFilter{Recipient: w.address, List: w.list, After: after, Limit: readAtOnce}
		for {
			found, cut, more, err := c.read(ctx, w, f)
			if err != nil {
				yield(person{}, err)
				return
			}
			if more && cut == f.After { // one person has more than one look takes
				f.Limit *= 2
				continue
			}
			for _, p := range found {
				if (!more || p.address <= cut) && !yield(p, nil) {
					return
				}
			}
			if !more {
				return
			}
			f.After, f.Limit = cut, readAtOnce
		}
	}
}

// read reads one part of the records. Where there are more, cut is the last
// person who is complete.
func (c *Compat) read(ctx context.Context, w want, f store.RecordFilter) (found []person, cut string, more bool, err error) {
	all := map[string][]entry{}
	var ends []string
	add := func(recipient string, e entry) {
		if strings.Contains(recipient, "@") && !store.IsPattern(recipient) && w.at(e.since) {
			all[recipient] = append(all[recipient], e)
		}
	}
	if w.choices {
		choices, err := c.Records.Choices(ctx, f)
		if err != nil {
			return nil, "", false, err
		}
		for _, ch := range choices {
			if ch.State == store.Unsubscribed {
				add(ch.Recipient, entry{list: ch.List, reason: store.ReasonUnsubscribed, since: ch.Since, own: ch.Way != store.Operator})
			}
		}
		if len(choices) == f.Limit {
			ends = append(ends, whole(choices, func(ch store.Choice) string { return ch.Recipient }, f.After))
		}
	}
	if len(w.reasons) > 0 {
		stops, err := c.Records.Suppressions(ctx, f)
		if err != nil {
			return nil, "", false, err
		}
		for _, s := range stops {
			if slices.Contains(w.reasons, s.Reason) && !s.Over(c.now()) {
				add(s.Recipient, entry{list: s.List, reason: s.Reason, since: s.Since, note: s.Note})
			}
		}
		if len(stops) == f.Limit {
			ends = append(ends, whole(stops, func(s store.Suppression) string { return s.Recipient }, f.After))
		}
	}
	if more = len(ends) > 0; more {
		cut = slices.Min(ends)
	}
	for address, entries := range all {
		found = append(found, person{address, entries})
	}
	slices.SortFunc(found, func(a, b person) int { return strings.Compare(a.address, b.address) })
	return found, cut, more, nil
}

// whole is the last recipient of whom all records are in a part that was cut, or
// after when there is none.
func whole[R any](all []R, of func(R) string, after string) string {
	last := of(all[len(all)-1])
	for _, r := range slices.Backward(all) {
		if of(r) != last {
			return of(r)
		}
	}
	return after
}

// one returns a person with the causes that are wanted; none: no entries.
func (c *Compat) one(ctx context.Context, w want, a envelope.Address) (person, error) {
	w.address = a.Key()
	for p, err := range c.people(ctx, w, "") {
		return p, err
	}
	return person{address: w.address}, nil
}

// parse reads a recipient's address.
func parse(text string) (envelope.Address, error) {
	a, err := envelope.Parse(strings.TrimSpace(text))
	if err == nil && a.IsNull() {
		err = envelope.ErrAddress
	}
	return a, err
}
