package sqlite

import (
	"context"
	"errors"

	"offramp/store"
)

// The rows of a standing, by their first column.
const (
	rowChoice = iota
	rowSuppression
	rowSharing
)

// One statement, so one look at one state of the data; and one name, since a
// person has records under the key or under the hash, never under both.
const selectStanding = `SELECT 0, list, state, until, every, since, way, seal FROM choices WHERE recipient = ?1 AND (+list = '' OR +list = ?2)
	UNION ALL SELECT 1, list, reason, since, note, until, NULL, seal FROM suppressions WHERE recipient = ?1 AND (+list = '' OR +list = ?2)
	UNION ALL SELECT 2, refused, since, way, NULL, NULL, NULL, seal FROM sharing WHERE recipient = ?1`

// Standing returns what is recorded for recipient about list and AllLists. It
// wraps store.ErrUncertain where what is recorded is damaged, or some of it lost.
func (s *Consent) Standing(ctx context.Context, recipient, list string) (st store.Standing, err error) {
	err = s.file.readers.do(ctx, func(c *conn) (err error) {
		st, err = s.standing(c, recipient, list)
		return err
	})
	if err != nil {
		return store.Standing{}, fail("standing", uncertain(err)) // never half of it
	}
	return st, nil
}

func (s *Consent) standing(c *conn, recipient, list string) (st store.Standing, err error) {
	var f *filter
	switch sure := s.guards.certain.Load(); {
	case sure == nil:
		st.Unverified = true
	case sure.mode == stopped && list != store.AllLists:
		return st, doubt(sure.text)
	case sure.mode == careful:
		return s.carefully(c, recipient, list)
	default:
		f = sure.filter
	}
	if err := s.about(c, f, recipient, list, &st); err != nil {
		return st, err
	}
	// Asked after the records were read: whoever was erased before that is
	// found by now, and nobody is erased but once.
	name, erased, err := s.knownTo(c, f, recipient)
	if err == nil && erased {
		err = s.about(c, f, name, list, &st)
		st.Erased = true
	}
	if err != nil {
		return st, err
	}
	fitting, err := s.fitting(c, recipient, &list)
	st.Suppressions = append(st.Suppressions, fitting...)
	return st, err
}

// about reads what is recorded under a name. f is asked what there must be; nil:
// it is not known.
func (s *Consent) about(c *conn, f *filter, name, list string, st *store.Standing) error {
	*st = store.Standing{Unverified: st.Unverified}
	l := look{seals: s.guards.seals, list: list}
	if err := c.query(selectStanding, func(r row) error {
		switch r.int(0) {
		case rowChoice:
			ch := choiceOf(r, 1, name)
			st.Choices = append(st.Choices, ch)
			l.choice(ch, r.seal(7))
		case rowSuppression:
			su := suppressionOf(r, 1, name)
			st.Suppressions = append(st.Suppressions, su)
			l.suppression(su, r.seal(7))
		case rowSharing:
			st.Sharing = sharingOf(r, 1, name)
			l.sharing(st.Sharing, r.seal(7))
		}
		return nil
	}, name, list); err != nil {
		return err
	}
	return s.judge(c, f, name, &l)
}

// judge returns an error when what a look found is damaged, or was not all there
// is.
func (s *Consent) judge(c *conn, f *filter, name string, l *look) error {
	if l.bad {
		return s.guards.found(doubt("a record of a person is damaged"))
	}
	if f == nil || !l.misses(f, name) {
		return nil
	}
	_, err := s.all(c, name)
	return err
}

func sharingOf(r row, first int, recipient string) store.Sharing {
	return store.Sharing{Recipient: recipient, Refused: r.bool(first), Since: r.time(first + 1), Way: store.Way(r.text(first + 2))}
}

const (
	personChoices      = "SELECT " + choiceColumns + " FROM choices WHERE recipient = ? ORDER BY list"
	personSuppressions = "SELECT list, reason, since, note, until FROM suppressions WHERE recipient = ? ORDER BY list, reason"
	personContacts     = "SELECT list, first, last, count FROM contacts WHERE recipient = ? AND count > 0 ORDER BY list"
)

// Person returns all that is recorded for recipient, by list.
func (s *Consent) Person(ctx context.Context, recipient string) (p store.Person, err error) {
	// A person who is erased just now is looked for again, under the hash.
	for before, again := int64(0), true; err == nil && again; again = before != s.people.erased.Load() {
		before = s.people.erased.Load()
		err = s.file.readers.snapshot(ctx, func(c *conn) (err error) {
			p, err = s.person(c, recipient)
			return err
		})
	}
	if err != nil {
		return store.Person{}, fail("person", err)
	}
	return p, nil
}

// person reads a person in the transaction of c.
func (s *Consent) person(c *conn, recipient string) (p store.Person, err error) {
	name, erased, err := s.people.known(c, recipient)
	if err != nil {
		return p, err
	}
	if p, err = readPerson(c, name); err != nil {
		return p, err
	}
	p.Erased = erased
	if s.guards.seals != nil {
		_, err := s.all(c, name)
		if p.Damaged = errors.Is(err, store.ErrUncertain); err != nil && !p.Damaged {
			return p, err
		}
	}
	fitting, err := s.fitting(c, recipient, nil)
	if err != nil {
		return p, err
	}
	p.Suppressions = append(p.Suppressions, fitting...)
	if err := c.query(personContacts, func(r row) error {
		p.Contacts = append(p.Contacts, store.Contact{Recipient: name, List: r.text(0), First: r.time(1), Last: r.time(2), Count: r.int(3)})
		return nil
	}, name); err != nil {
		return p, err
	}
	if p.Targets, err = targetsOf(c, name); err != nil {
		return p, err
	}
	if p.Bounces, err = bouncesOf(c, name); p.Bounces.Count == 0 {
		p.Bounces = store.BounceRun{}
	}
	return p, err
}

// readPerson reads what stops mail to a name, as far as it is legible.
func readPerson(c *conn, name string) (p store.Person, err error) {
	if err := c.query(personChoices, func(r row) error {
		p.Choices = append(p.Choices, choiceOf(r, 0, name))
		return nil
	}, name); err != nil {
		return p, err
	}
	if err := c.query(personSuppressions, func(r row) error {
		p.Suppressions = append(p.Suppressions, suppressionOf(r, 0, name))
		return nil
	}, name); err != nil {
		return p, err
	}
	_, err = c.one(selectSharing, func(r row) { p.Sharing = sharingOf(r, 0, name) }, name)
	return p, err
}
