package sqlite

import (
	"context"

	"offramp/store"
)

const (
	eventsOf    = "SELECT id FROM events WHERE recipient = ? AND kind <> 'erased' ORDER BY id"
	emptyEvents = `UPDATE events SET kind = NULL, recipient = NULL, list = NULL, way = NULL, reason = NULL, ref = NULL, queue_id = NULL,
		message_id = NULL, ip = NULL, user_agent = NULL, who = NULL, detail = NULL, salt = NULL, once = NULL, erased = ?1
		WHERE recipient = ?2 AND kind <> 'erased'`

	deleteContactsOf = "DELETE FROM contacts WHERE recipient = ?"
)

// Erase forgets who recipient is, in one transaction.
func (s *Consent) Erase(ctx context.Context, recipient string, e store.Event) error {
	hash := s.people.hash(recipient)
	err := s.file.write(ctx, &op{committed: s.asked, run: func(c *conn) error {
		// Before the commit: whoever reads after it must look for the hash. Too
		// high a count costs a look-up and nothing else.
		s.people.erased.Add(1)
		if err := s.setErased(c, hash, micros(e.Time)); err != nil {
			return err
		}
		ids, err := s.empty(c, recipient, hash)
		if err != nil {
			return err
		}
		if err := s.moveRecords(c, recipient, hash); err != nil {
			return err
		}
		if err := s.leaveAll(c, hash, e); err != nil {
			return err
		}
		e.Recipient, e.Detail = hash, store.ErasedDetail(ids)
		id, err := s.add(c, e)
		if err != nil {
			return err
		}
		for _, name := range []string{recipient, hash} {
			if _, err := c.exec(emptyEvents, id, name); err != nil {
				return err
			}
		}
		return askScrub(c, micros(e.Time))
	}})
	return fail("erase", err)
}

// empty returns the events that are about to be emptied, by ID.
func (s *Consent) empty(c *conn, recipient, hash string) (ids []int64, err error) {
	names := []string{recipient}
	if hash != recipient {
		names = append(names, hash)
	}
	for _, name := range names {
		if err := c.query(eventsOf, func(r row) error {
			ids = append(ids, r.int(0))
			return nil
		}, name); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// moveRecords puts the person's records under the hash.
func (s *Consent) moveRecords(c *conn, recipient, hash string) error {
	if recipient != hash {
		if err := s.move(c, recipient, hash); err != nil {
			return err
		}
		for _, drop := range []string{deleteChoicesOf, deleteSuppressionsOf, deleteSharingOf} {
			if _, err := s.drop(c, drop, recipient); err != nil {
				return err
			}
		}
		for _, clear := range []string{deleteContactsOf, deleteTargetsOf, deleteBouncesOf, deleteTrafficOf, forgetInJobs} {
			if _, err := c.exec(clear, recipient); err != nil {
				return err
			}
		}
		if err := s.emptyCodes(c, recipient); err != nil {
			return err
		}
	}
	_, err := c.exec(deleteContactsOf, hash)
	return err
}

// move copies choices, suppressions and sharing. Where there are records under
// the hash already, what stops more stands.
func (s *Consent) move(c *conn, recipient, hash string) error {
	old, err := readPerson(c, recipient)
	if err != nil {
		return err
	}
	for _, ch := range old.Choices {
		ch.Recipient = hash
		have, before, err := s.choiceNow(c, hash, ch.List)
		if err != nil {
			return err
		}
		if before != 0 && have.State == store.Unsubscribed {
			continue
		}
		if err := s.setChoice(c, ch, before); err != nil {
			return err
		}
	}
	for _, su := range old.Suppressions {
		su.Recipient, su.Note = hash, ""
		have, before, err := s.suppressionNow(c, su)
		if err != nil {
			return err
		}
		if before != 0 {
			if have.Until.IsZero() || !su.Until.IsZero() && !su.Until.After(have.Until) {
				continue
			}
			have.Until = su.Until
			su = have
		}
		if err := s.setSuppression(c, su, before); err != nil {
			return err
		}
	}
	if old.Sharing == (store.Sharing{}) {
		return nil
	}
	have, before, err := s.sharingNow(c, hash)
	if err != nil || before != 0 && have.Refused {
		return err
	}
	old.Sharing.Recipient = hash
	return s.setSharing(c, old.Sharing, before)
}

// leaveAll has the person leave all lists, unless that stands already.
func (s *Consent) leaveAll(c *conn, hash string, e store.Event) error {
	have, before, err := s.choiceNow(c, hash, store.AllLists)
	if err != nil || before != 0 && have.State == store.Unsubscribed && before == s.guards.seals.choice(have) {
		return err
	}
	return s.setChoice(c, store.Choice{Recipient: hash, List: store.AllLists, State: store.Unsubscribed, Since: e.Time, Way: e.Way}, before)
}
