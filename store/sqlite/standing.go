package sqlite

import (
	"context"

	"offramp/store"
)

// The rows of a standing, by their first column.
const (
	rowChoice = iota
	rowSuppression
	rowSharing
	rowErased
)

// One statement, so one look at one state of the data. Where people were
// erased, it looks under the key and under its hash: a person has records under
// one of them, never under both.
const (
	selectStanding = `SELECT 0, list, state, until, every, since, way, recipient FROM choices WHERE recipient = ?1 AND (+list = '' OR +list = ?2)
	UNION ALL SELECT 1, list, reason, since, note, NULL, NULL, recipient FROM suppressions WHERE recipient = ?1 AND (+list = '' OR +list = ?2)
	UNION ALL SELECT 2, refused, since, way, NULL, NULL, NULL, recipient FROM sharing WHERE recipient = ?1`
	selectStandingHashed = `SELECT 0, list, state, until, every, since, way, recipient FROM choices WHERE recipient IN (?1, ?3) AND (+list = '' OR +list = ?2)
	UNION ALL SELECT 1, list, reason, since, note, NULL, NULL, recipient FROM suppressions WHERE recipient IN (?1, ?3) AND (+list = '' OR +list = ?2)
	UNION ALL SELECT 2, refused, since, way, NULL, NULL, NULL, recipient FROM sharing WHERE recipient IN (?1, ?3)
	UNION ALL SELECT 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM erased WHERE hash = ?3`
)

// Standing returns what is recorded for recipient about list and AllLists.
func (s *Consent) Standing(ctx context.Context, recipient, list string) (st store.Standing, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		if s.people.erased.Load() == 0 {
			err := standing(c, &st, selectStanding, recipient, list)
			if err != nil || s.people.erased.Load() == 0 {
				return err
			}
			// The first person was erased while the statement ran: perhaps this one.
		}
		return standing(c, &st, selectStandingHashed, recipient, list, s.people.hash(recipient))
	})
	if err != nil {
		return store.Standing{}, fail("standing", err) // never half of it
	}
	return st, nil
}

func standing(c *conn, st *store.Standing, sql string, args ...any) error {
	*st = store.Standing{}
	return c.query(sql, func(r row) error {
		switch r.int(0) {
		case rowChoice:
			st.Choices = append(st.Choices, choiceOf(r, 1, r.text(7)))
		case rowSuppression:
			st.Suppressions = append(st.Suppressions, suppressionOf(r, 1, r.text(7)))
		case rowSharing:
			st.Sharing = sharingOf(r, 1, r.text(7))
		case rowErased:
			st.Erased = true
		}
		return nil
	}, args...)
}

func sharingOf(r row, first int, recipient string) store.Sharing {
	return store.Sharing{Recipient: recipient, Refused: r.bool(first), Since: r.time(first + 1), Way: store.Way(r.text(first + 2))}
}

const (
	personChoices      = "SELECT " + choiceColumns + " FROM choices WHERE recipient = ? ORDER BY list"
	personSuppressions = "SELECT list, reason, since, note FROM suppressions WHERE recipient = ? ORDER BY list, reason"
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
	p.Erased = erased
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
	if err := c.query(personContacts, func(r row) error {
		p.Contacts = append(p.Contacts, store.Contact{Recipient: name, List: r.text(0), First: r.time(1), Last: r.time(2), Count: r.int(3)})
		return nil
	}, name); err != nil {
		return p, err
	}
	_, err = c.one(selectSharing, func(r row) { p.Sharing = sharingOf(r, 0, name) }, name)
	return p, err
}
