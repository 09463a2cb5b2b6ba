package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

const (
	// A person with few contacts has few rows, in one place.
	selectContacts = "SELECT list, last, holder FROM contacts WHERE recipient = ?"
	// last never goes back: a turn may be newer than a delivery counted late.
	selectFirst = "SELECT first FROM contacts WHERE recipient = ? AND list = ? AND count > 0"
	addContact  = `INSERT INTO contacts (recipient, list, first, last, count, holder, previous, retaken) VALUES (?1, ?2, ?3, ?4, ?5, '', 0, 0)
		ON CONFLICT (recipient, list) DO UPDATE SET first = CASE first WHEN 0 THEN excluded.first ELSE min(first, excluded.first) END,
			last = max(last, excluded.last), count = count + excluded.count`
	takeTurn = `INSERT INTO contacts (recipient, list, first, last, count, holder, previous, retaken) VALUES (?1, ?2, 0, ?3, 0, ?4, 0, 0)
		ON CONFLICT (recipient, list) DO UPDATE SET
			retaken = (holder = excluded.holder),
			previous = CASE holder WHEN excluded.holder THEN previous ELSE last END,
			last = excluded.last, holder = excluded.holder`
	// What was sent long after now was sent under a wrong clock.
	endFuture = "UPDATE contacts SET last = ?1 WHERE recipient = ?2 AND last > ?1 + 3600000000"
	giveTurn  = `UPDATE contacts SET last = previous, holder = ''
		WHERE recipient = ? AND list = ? AND holder = ? AND retaken = 0`
	deleteUnsent = "DELETE FROM contacts WHERE recipient = ? AND list = ? AND last = 0 AND count = 0"
)

// Sent counts mail that was delivered. What went to a person who was erased is
// not counted.
func (s *Consent) Sent(ctx context.Context, contacts ...store.Contact) error {
	if len(contacts) == 0 {
		return nil
	}
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		for _, k := range contacts {
			name, erased, err := s.people.known(c, k.Recipient)
			if err != nil {
				return err
			}
			if erased {
				continue
			}
			if _, err := c.exec(addContact, name, k.List, micros(k.First), micros(k.Last), k.Count); err != nil {
				return err
			}
			if _, err := c.exec(mailedAgain, micros(k.Last), name); err != nil {
				return err
			}
		}
		return nil
	}})
	return fail("sent", err)
}

// FirstSent returns when mail of list was first delivered to recipient. Of a
// person who was erased that is not known.
func (s *Consent) FirstSent(ctx context.Context, recipient, list string) (first time.Time, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		_, err := c.one(selectFirst, func(r row) { first = r.time(0) }, recipient, list)
		return err
	})
	return first, fail("first sent", uncertain(err))
}

// TakeTurn makes t the last message of its person and list. The one writer
// makes it exact: what another caller took before is seen here.
func (s *Consent) TakeTurn(ctx context.Context, t store.Turn) (ok, all bool, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		ok, all = true, false
		at, sure := micros(t.At), micros(t.At)
		if !t.Sure.IsZero() {
			sure = min(at, micros(t.Sure))
		}
		name, _, err := s.people.known(c, t.Recipient)
		if err != nil {
			return err
		}
		if err := c.query(selectContacts, func(r row) error {
			list, last, holder := r.text(0), r.int(1), r.text(2)
			if holder == t.Holder {
				return nil
			}
			if list == t.List && within(last, sure, t.Each) {
				ok, all = false, false
			} else if ok && within(last, sure, t.All) {
				ok, all = false, true
			}
			return nil
		}, name); err != nil {
			return err
		}
		if !ok {
			_, err := c.exec(endFuture, at, name)
			return err
		}
		_, err = c.exec(takeTurn, name, t.List, at, t.Holder)
		return err
	}})
	if err != nil {
		return false, false, fail("take turn", uncertain(err))
	}
	return ok, all, nil
}

// within says whether a message at last is too near for another one at.
func within(last, at int64, period time.Duration) bool {
	return period > 0 && last > 0 && last > at-period.Microseconds()
}

// GiveTurn undoes the last TakeTurn of the same holder.
func (s *Consent) GiveTurn(ctx context.Context, t store.Turn) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		name, _, err := s.people.known(c, t.Recipient)
		if err != nil {
			return err
		}
		if n, err := c.exec(giveTurn, name, t.List, t.Holder); err != nil || n == 0 {
			return err
		}
		_, err = c.exec(deleteUnsent, name, t.List)
		return err
	}})
	return fail("give turn", err)
}
