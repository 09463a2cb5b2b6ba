package ledger

import (
	"encoding/hex"
	"errors"
	"fmt"

	"offramp/store"
)

// ErrTampered is wrapped by every error that a [Verifier] finds.
var ErrTampered = errors.New("the ledger was changed")

// Verifier checks a ledger from end to end: [Verifier.Add] takes its entries by
// ID, [Verifier.End] what the engine says of its ends. Memory grows with the
// number of emptied entries alone.
type Verifier struct {
	// Receipts are links by event ID that are known from elsewhere, such as
	// signed receipts. They find a tail that was cut off and a history that
	// was rewritten, which a chain cannot find by itself.
	Receipts map[int64]store.Sum

	// Count is how many entries were checked, Emptied how many of them an
	// erasure emptied, Unchecked how many receipts are of retired events.
	Count, Emptied, Unchecked int

	began   bool
	start   store.Entry // the first entry
	id      int64
	link    store.Sum
	seen    map[int64]bool    // receipts whose entry was there
	emptied map[int64][]int64 // by the event that emptied them
	erased  map[int64]string  // details of erasures
	retired map[int64]string  // links of retired events, in hex
}

// Add checks the next entry.
func (v *Verifier) Add(e store.Entry) error {
	if !v.began {
		v.began, v.start = true, e
		v.seen, v.emptied = map[int64]bool{}, map[int64][]int64{}
		v.erased, v.retired = map[int64]string{}, map[int64]string{}
		// Where the chain begins is checked by End, which knows what came before.
		v.id, v.link = e.Event.ID, e.Link
	} else {
		switch {
		case e.Event.ID <= v.id:
			return fault(e.Event.ID, "comes after event %d", v.id)
		case e.Event.ID > v.id+1:
			return fault(v.id+1, "is missing between event %d and event %d", v.id, e.Event.ID)
		}
		if store.LinkAfter(v.link, e.Event.ID, e.Event.Time, e.Digest) != e.Link {
			return fault(e.Event.ID, "does not continue event %d: its time, digest or link was changed, or an event before it", v.id)
		}
		v.id, v.link = e.Event.ID, e.Link
	}
	v.Count++
	if want, ok := v.Receipts[e.Event.ID]; ok {
		if want != e.Link {
			return fault(e.Event.ID, "differs from the receipt: the history up to it was rewritten")
		}
		v.seen[e.Event.ID] = true
	}
	return v.contents(e)
}

// contents checks the contents of an entry, or takes down that it has none.
func (v *Verifier) contents(e store.Entry) error {
	id := e.Event.ID
	if e.Salt == nil {
		if e.Erased <= id {
			return fault(id, "was emptied without an erasure")
		}
		if bare := (store.Event{ID: id, Time: e.Event.Time}); e.Event != bare {
			return fault(id, "has contents and no salt")
		}
		v.Emptied++
		v.emptied[e.Erased] = append(v.emptied[e.Erased], id)
		return nil
	}
	if e.Erased != 0 {
		return fault(id, "is marked as emptied, but has contents")
	}
	if e.Event.Digest(e.Salt) != e.Digest {
		return fault(id, "was changed after it was added")
	}
	switch e.Event.Kind {
	case store.EventErased:
		v.erased[id] = e.Event.Detail
	case store.EventRetired:
		v.retired[e.Event.Ref] = e.Event.Detail
	}
	return nil
}

// End checks where the ledger begins and ends, and that every entry that was
// emptied is accounted for.
func (v *Verifier) End(h store.Head) error {
	if err := v.begins(h); err != nil {
		return err
	}
	last, link := h.First, h.FirstLink
	if v.began {
		last, link = v.id, v.link
	}
	if h.ID != last || h.Link != link {
		return fault(last, "is not the last one: the store reports event %d", h.ID)
	}
	for id := range v.Receipts {
		switch {
		case id <= h.First:
			v.Unchecked++
		case !v.seen[id]:
			return fault(id, "is missing, and there is a receipt for it: the end of the ledger was cut off after event %d", last)
		}
	}
	return v.accounts(h)
}

// begins checks that what is missing before the first entry was retired.
func (v *Verifier) begins(h store.Head) error {
	if h.First != 0 {
		if link, ok := v.retired[h.First]; !ok || link != hex.EncodeToString(h.FirstLink[:]) {
			return fault(h.First, "and those before it are missing, but were not retired by any event")
		}
	}
	if !v.began {
		return nil
	}
	e := v.start
	if e.Event.ID != h.First+1 {
		return fault(h.First+1, "is missing: the first one is event %d", e.Event.ID)
	}
	if store.LinkAfter(h.FirstLink, e.Event.ID, e.Event.Time, e.Digest) != e.Link {
		return fault(e.Event.ID, "is not the first event of the ledger: its time, digest or link was changed")
	}
	return nil
}

// accounts compares emptied entries with what erasures say. An erasure of
// events of which some were retired cannot be recounted.
func (v *Verifier) accounts(h store.Head) error {
	for id, detail := range v.erased {
		if first, ok := store.FirstEmptied(detail); ok && first != 0 && first <= h.First {
			delete(v.emptied, id)
			continue
		}
		if store.ErasedDetail(v.emptied[id]) != detail {
			return fault(id, "is an erasure, but not of the events that are empty now")
		}
		delete(v.emptied, id)
	}
	for id, entries := range v.emptied {
		return fault(entries[0], "was emptied, but event %d is not an erasure", id)
	}
	return nil
}

func fault(id int64, format string, args ...any) error {
	return fmt.Errorf("%w: event %d %s", ErrTampered, id, fmt.Sprintf(format, args...))
}
