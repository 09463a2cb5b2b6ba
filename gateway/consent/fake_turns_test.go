package consent_test

import (
	"context"
	"slices"

	"offramp/store"
)

func (f *fakeStore) TakeTurn(_ context.Context, t store.Turn) (ok, all bool, err error) {
	err = f.begin("TakeTurn")
	defer f.mu.Unlock()
	if err != nil {
		return false, false, err
	}
	t.Recipient = f.name(t.Recipient)
	own := -1
	if t.Sure.IsZero() {
		t.Sure = t.At
	}
	for i, o := range f.turns {
		same := o.Recipient == t.Recipient
		switch {
		case !same:
		case o.Holder == t.Holder && o.List == t.List:
			own = i
		case o.List == t.List && t.Sure.Sub(o.At) < t.Each:
			return false, false, nil
		case t.Sure.Sub(o.At) < t.All:
			return false, true, nil
		}
	}
	if own >= 0 {
		f.turns[own].At = t.At
		f.turns[own].again++
		return true, false, nil
	}
	f.turns = append(f.turns, turn{Turn: t})
	return true, false, nil
}

func (f *fakeStore) GiveTurn(_ context.Context, t store.Turn) error {
	err := f.begin("GiveTurn")
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	f.turns = slices.DeleteFunc(f.turns, func(o turn) bool {
		return o.Recipient == f.name(t.Recipient) && o.List == t.List && o.Holder == t.Holder && o.again == 0
	})
	return nil
}

func (f *fakeStore) Sent(_ context.Context, contacts ...store.Contact) error {
	err := f.begin("Sent")
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	f.writes = append(f.writes, len(contacts))
	for _, c := range contacts {
		c.Recipient = f.name(c.Recipient)
		i := slices.IndexFunc(f.contacts, func(o store.Contact) bool { return o.Recipient == c.Recipient && o.List == c.List })
		if i < 0 {
			f.contacts = append(f.contacts, c)
			continue
		}
		o := &f.contacts[i]
		o.Count += c.Count
		if c.First.Before(o.First) {
			o.First = c.First
		}
		if c.Last.After(o.Last) {
			o.Last = c.Last
		}
	}
	return nil
}
