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

	// Where there are records under the hash already, what stops more stands.
	moveChoices = `INSERT INTO choices (recipient, list, state, until, every, since, way)
		SELECT ?1, list, state, until, every, since, way FROM choices WHERE recipient = ?2
		ON CONFLICT (recipient, list) DO UPDATE SET state = excluded.state, until = excluded.until, every = excluded.every,
			since = excluded.since, way = excluded.way WHERE state <> 'unsubscribed'`
	moveSuppressions = `INSERT INTO suppressions (recipient, list, reason, since, note, until)
		SELECT ?1, list, reason, since, '', until FROM suppressions WHERE recipient = ?2
		ON CONFLICT DO UPDATE SET until = excluded.until WHERE until > 0 AND (excluded.until = 0 OR excluded.until > until)`
	moveSharing = `INSERT INTO sharing (recipient, refused, since, way)
		SELECT ?1, refused, since, way FROM sharing WHERE recipient = ?2
		ON CONFLICT (recipient) DO UPDATE SET refused = excluded.refused, since = excluded.since, way = excluded.way WHERE refused = 0`
	deleteChoicesOf      = "DELETE FROM choices WHERE recipient = ?"
	deleteSuppressionsOf = "DELETE FROM suppressions WHERE recipient = ?"
	deleteSharingOf      = "DELETE FROM sharing WHERE recipient = ?"
	deleteContactsOf     = "DELETE FROM contacts WHERE recipient = ?"
)

// Erase forgets who recipient is, in one transaction.
func (s *Consent) Erase(ctx context.Context, recipient string, e store.Event) error {
	hash := s.people.hash(recipient)
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		// Before the commit: whoever reads after it must look for the hash. Too
		// high a count costs a look-up and nothing else.
		s.people.erased.Add(1)
		if _, err := c.exec(insertErased, hash, micros(e.Time)); err != nil {
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
		for _, move := range []string{moveChoices, moveSuppressions, moveSharing} {
			if _, err := c.exec(move, hash, recipient); err != nil {
				return err
			}
		}
		for _, clear := range []string{deleteChoicesOf, deleteSuppressionsOf, deleteSharingOf, deleteContactsOf, deleteBouncesOf, deleteTrafficOf, emptyCodesOf} {
			if _, err := c.exec(clear, recipient); err != nil {
				return err
			}
		}
	}
	_, err := c.exec(deleteContactsOf, hash)
	return err
}

// leaveAll has the person leave all lists, unless that stands already.
func (s *Consent) leaveAll(c *conn, hash string, e store.Event) error {
	var state store.State
	if _, err := c.one(selectChoice, func(r row) { state = store.State(r.text(1)) }, hash, store.AllLists); err != nil || state == store.Unsubscribed {
		return err
	}
	return setChoice(c, store.Choice{Recipient: hash, List: store.AllLists, State: store.Unsubscribed, Since: e.Time, Way: e.Way})
}
