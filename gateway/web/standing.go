package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// state is what holds for the person of a link, and what they may decide about.
type state struct {
	store.Person
	list    store.List   // of the link
	lists   []store.List // with a choice: that of the link first, then by name
	readers []string     // names of the other systems that follow
	shared  bool         // there is a list that is sent on behalf of others
}

// state reads what holds. Lists are shown to whoever gets or chose about them,
// others when they are public; those that nobody can leave are left out.
func (h *handler) state(ctx context.Context, v visit) (state, error) {
	person, err := h.site.Consent.Person(ctx, v.subject.Recipient)
	if err != nil {
		return state{}, err
	}
	ids := []string{v.subject.List}
	for _, c := range person.Contacts {
		ids = append(ids, c.List)
	}
	for _, c := range person.Choices {
		ids = append(ids, c.List)
	}
	s := state{Person: person, list: store.List{ID: v.subject.List}}
	shown, thirdParty, err := h.site.Lists.ListsShown(ctx, ids)
	if err != nil {
		return state{}, err
	}
	s.shared = thirdParty
	for _, l := range shown {
		switch {
		case l.ID == v.subject.List:
			s.list = l
		case !l.Transactional:
			s.lists = append(s.lists, l)
		}
	}
	slices.SortFunc(s.lists, func(a, b store.List) int {
		return cmp.Or(strings.Compare(strings.ToLower(name(a)), strings.ToLower(name(b))), strings.Compare(a.ID, b.ID))
	})
	if s.list.ID != store.AllLists && !s.list.Transactional {
		s.lists = append([]store.List{s.list}, s.lists...)
	}
	if h.site.Readers == nil {
		return s, nil
	}
	readers, err := h.site.Readers.Readers(ctx)
	if err != nil {
		return state{}, err
	}
	for _, r := range readers {
		s.readers = append(s.readers, r.Name)
	}
	return s, nil
}

// name is what people know a list by.
func name(l store.List) string { return cmp.Or(l.Name, l.ID) }

// choice returns the person's choice for a list, or for all lists.
func (s state) choice(list string) (store.Choice, bool) {
	for _, c := range s.Choices {
		if c.List == list {
			return c, true
		}
	}
	return store.Choice{}, false
}

// at is what a choice for a list comes to at a moment.
func (s state) at(list string, now time.Time) consent.Wish {
	c, ok := s.choice(list)
	if !ok {
		return consent.Wish{List: list, State: store.Subscribed}
	}
	return effective(consent.Wish{List: list, State: c.State, Until: c.Until, Every: c.Every}, now)
}

// effective is what a choice amounts to at a moment: a pause ends by itself.
func effective(w consent.Wish, now time.Time) consent.Wish {
	switch (store.Choice{State: w.State, Until: w.Until, Every: w.Every}).At(now) {
	case store.Paused:
		return w
	case store.Limited:
		return consent.Wish{List: w.List, State: store.Limited, Every: w.Every}
	case store.Subscribed:
		return consent.Wish{List: w.List, State: store.Subscribed}
	}
	// Also a state that this release does not know: it stops mail.
	return consent.Wish{List: w.List, State: store.Unsubscribed}
}

// off says whether the person left a list, or all lists.
func (s state) off(list string) bool {
	return s.at(list, time.Time{}).State == store.Unsubscribed
}

// contact is what mail of a list the person got.
func (s state) contact(list string) store.Contact {
	for _, c := range s.Contacts {
		if c.List == list {
			return c
		}
	}
	return store.Contact{}
}

// fingerprint identifies what a person chose when a form was made, so that a
// form cannot be used again once something changed.
type fingerprint [8]byte

func (s state) seen() fingerprint {
	sum := sha256.New()
	number := func(n int64) { sum.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	choices := slices.Clone(s.Choices) // engines need not keep an order
	slices.SortFunc(choices, func(a, b store.Choice) int { return strings.Compare(a.List, b.List) })
	for _, c := range choices {
		for _, text := range []string{c.List, string(c.State), string(c.Every)} {
			number(int64(len(text)))
			sum.Write([]byte(text))
		}
		number(c.Until.UnixMicro())
		number(c.Since.UnixMicro())
	}
	flags := int64(0)
	if s.Sharing.Refused {
		flags |= 1
	}
	if s.Erased {
		flags |= 2
	}
	number(flags)
	number(s.Sharing.Since.UnixMicro())
	return fingerprint(sum.Sum(nil))
}
