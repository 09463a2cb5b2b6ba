package sqlite

import (
	"context"
	"slices"
	"time"

	"offramp/store"
)

const (
	choiceColumns = "list, state, until, every, since, way"
	selectChoice  = "SELECT " + choiceColumns + ", seal FROM choices WHERE recipient = ? AND list = ?"
	selectSharing = "SELECT refused, since, way, seal FROM sharing WHERE recipient = ?"
)

// kept is what becomes of a time that is stored.
func kept(t time.Time) time.Time { return unixMicro(micros(t)) }

// optional is how a time is kept that may be zero.
func optional(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

func (r row) optional(i int) time.Time { return unixMicroOptional(r.int(i)) }

func unixMicroOptional(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return unixMicro(at)
}

// choiceOf reads choiceColumns from the column first on.
func choiceOf(r row, first int, recipient string) store.Choice {
	return store.Choice{
		Recipient: recipient, List: r.text(first), State: store.State(r.text(first + 1)), Until: r.optional(first + 2),
		Every: store.Frequency(r.text(first + 3)), Since: r.time(first + 4), Way: store.Way(r.text(first + 5)),
	}
}

// Decide records a change, all of it or nothing.
func (s *Consent) Decide(ctx context.Context, d store.Change) (events []int64, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		events = nil
		if d.If != nil {
			same, err := s.stands(c, d)
			if err != nil {
				return err
			}
			if !same {
				return store.ErrChanged
			}
		}
		for _, part := range d.Choices {
			id, err := s.choose(c, part)
			if err != nil {
				return err
			}
			if id != 0 {
				events = append(events, id)
			}
		}
		if d.Sharing == nil {
			return nil
		}
		id, err := s.share(c, *d.Sharing)
		if id != 0 {
			events = append(events, id)
		}
		return err
	}})
	if err != nil {
		return nil, fail("decide", err)
	}
	return events, nil
}

// choose records one choice, unless it stands already: then id is 0.
func (s *Consent) choose(c *conn, part store.ChoiceChange) (id int64, err error) {
	ch := part.Choice
	if ch.Recipient, _, err = s.people.known(c, ch.Recipient); err != nil {
		return 0, err
	}
	ch.Until = unixMicroOptional(optional(ch.Until))
	have, before, err := s.choiceNow(c, ch.Recipient, ch.List)
	// What is damaged does not stand, whatever it says.
	if err != nil || before != 0 && have.Same(ch) && before == s.guards.seals.choice(have) {
		return 0, err
	}
	if err := s.setChoice(c, ch, before); err != nil {
		return 0, err
	}
	return s.add(c, part.Event)
}

// share records whether a person refuses sharing, unless that stands already.
// Who never said anything lets it be shared.
func (s *Consent) share(c *conn, part store.SharingChange) (id int64, err error) {
	sh := part.Sharing
	if sh.Recipient, _, err = s.people.known(c, sh.Recipient); err != nil {
		return 0, err
	}
	have, before, err := s.sharingNow(c, sh.Recipient)
	if err != nil || have.Refused == sh.Refused && (before == 0 || before == s.guards.seals.sharing(have)) {
		return 0, err
	}
	if err := s.setSharing(c, sh, before); err != nil {
		return 0, err
	}
	return s.add(c, part.Event)
}

// stands says whether a person's choices and sharing are still those of d.If.
func (s *Consent) stands(c *conn, d store.Change) (bool, error) {
	recipient := ""
	switch {
	case len(d.Choices) > 0:
		recipient = d.Choices[0].Choice.Recipient
	case d.Sharing != nil:
		recipient = d.Sharing.Sharing.Recipient
	}
	now, err := s.person(c, recipient)
	if err != nil {
		return false, err
	}
	byList := func(a, b store.Choice) int {
		if a.List < b.List {
			return -1
		}
		return 1
	}
	seen := slices.SortedFunc(slices.Values(d.If.Choices), byList)
	same := func(a, b store.Choice) bool {
		return a.List == b.List && a.State == b.State && optional(a.Until) == optional(b.Until) && a.Every == b.Every &&
			optional(a.Since) == optional(b.Since)
	}
	return slices.EqualFunc(now.Choices, seen, same) &&
		now.Sharing.Refused == d.If.Sharing.Refused && optional(now.Sharing.Since) == optional(d.If.Sharing.Since), nil
}
