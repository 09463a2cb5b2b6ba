package sqlite

import (
	"math/bits"
	"slices"
	"time"

	"offramp/store"
)

// sealedRecipient is how much of a row of recipientColumns its checksum is about.
const sealedRecipient = 6

const salvageAll = "SELECT " + recipientColumns + " FROM recipients"

// scan reads the recipients as they stand in the file. It keeps those that are found
// again by their checksums, and all of them where they stand in no order: then
// nothing that looks for one can rely on finding it.
func (g *salvage) scan() error {
	disorder, last := false, int64(-1)
	err := g.from.query(g.columns(salvageAll), func(r row) error {
		if unaltered(r) {
			id := recipientID(r.int(0), r.int(1))
			disorder = disorder || id <= last
			last = id
		} else if m, ok := corrected(r); ok {
			g.keep(recipientOf(m))
		}
		return nil
	})
	if err == nil && disorder {
		err = g.from.query(g.columns(salvageAll), func(r row) error {
			if unaltered(r) {
				g.keep(recipientOf(r))
			}
			return nil
		})
	}
	if unreadable(err) {
		return nil // what can be read is read one by one
	}
	return err
}

func (g *salvage) keep(r store.Recipient) {
	num, _ := splitID(r.ID)
	g.found[num] = append(g.found[num], r)
}

// merge adds to the recipients of a message those that scan found.
func (g *salvage) merge(num int64, list []store.Recipient) []store.Recipient {
	for _, r := range g.found[num] {
		if !slices.ContainsFunc(list, func(o store.Recipient) bool { return o.ID == r.ID }) {
			list = append(list, r)
		}
	}
	for i := range list {
		list[i] = g.possible(list[i])
	}
	slices.SortFunc(list, func(a, b store.Recipient) int { return int(a.ID - b.ID) })
	return list
}

// corrected returns the row with the checksum among those that differ in one bit.
func corrected(r row) (row, bool) {
	stored, ok := r[13].(int64)
	seal := recipientSeal(r.int(0), r.int(1), recipientOf(r))
	if !ok || bits.OnesCount64(uint64(stored)^seal) == 1 {
		fixed := slices.Clone(r)
		fixed[13] = int64(seal) // the bit was in the checksum
		return fixed, ok
	}
	return oneBitOff(r, sealedRecipient, func(try row) bool {
		return try.int(0) >= 0 && try.int(1) >= 0 && try.int(1) < maxRecipients && unaltered(try)
	})
}

// possible has a recipient be in a state that there is, and wait for no longer than
// a retry does. A state that one bit was flipped in is known; for any other the
// operator decides.
func (g *salvage) possible(r store.Recipient) store.Recipient {
	now := g.to.now()
	if r.Attempts < 0 || r.Attempts > mostAttempts {
		r.Attempts = 0
	}
	if r.Next.After(now.Add(farthest)) {
		r.Next = now.Truncate(time.Microsecond)
	}
	states := []store.RecipientState{store.Queued, store.Held, store.Failed}
	if slices.Contains(states, r.State) {
		return r
	}
	for _, s := range states {
		if oneBitApart(string(s), string(r.State)) {
			r.State = s
			return r
		}
	}
	r.State, r.Status = store.Held, store.Status{Text: "its state in the queue could not be read"}
	return r
}

func oneBitApart(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	differ := 0
	for i := range len(a) {
		differ += bits.OnesCount8(a[i] ^ b[i])
	}
	return differ == 1
}
