package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

// For whom there is no record at all, none is read first: the row and the guard are
// new. Where one is there after all, it stays, and is looked at like any other.
const (
	insertChoice      = "INSERT INTO choices (recipient, list, state, until, every, since, way, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
	insertSuppression = "INSERT INTO suppressions (recipient, list, reason, since, note, until, seal) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)

// Import records rows and the progress of their job in one transaction. It is one of
// its own, so that nobody else's change waits for more than one.
func (s *Consent) Import(ctx context.Context, j store.FileJob, rows []store.ImportRow) (saved store.FileJob, err error) {
	err = s.file.write(ctx, &op{cost: maxBatch + 1, run: func(c *conn) error {
		// First: of a job that somebody else changed nothing is written.
		now, err := jobNow(c, j.ID)
		if err != nil {
			return err
		}
		if now.Version != j.Version {
			saved = now
			return store.ErrChanged
		}
		var t store.Tally
		for i := range rows {
			if err := s.importRow(c, &rows[i], &t); err != nil {
				return err
			}
		}
		saved, err = s.saveJob(c, j, t)
		return err
	}})
	return saved, fail("import", err)
}

func (s *Consent) importRow(c *conn, r *store.ImportRow, t *store.Tally) error {
	name, erased, err := s.people.known(c, r.Event.Recipient)
	if err != nil {
		return err
	}
	var count *int64
	if r.Choice.State != "" {
		ch := r.Choice
		ch.Recipient, ch.Until = name, unixMicroOptional(optional(ch.Until))
		count, err = s.importChoice(c, ch, t)
	} else {
		su := r.Suppression
		if su.Recipient = name; erased {
			su.Note = ""
		}
		count, err = s.importSuppression(c, su, r.Event.Time, t)
	}
	if err != nil {
		return err
	}
	if *count++; count != &t.Added {
		return nil
	}
	_, err = s.add(c, r.Event)
	return err
}

// unheard says whether there certainly is no record of a person.
func (s *Consent) unheard(name string) bool {
	sure := s.guards.certain.Load()
	return sure != nil && sure.mode == trusted && !sure.filter.has(s.guards.seals.id(person, name), anyRow)
}

// importChoice records a choice unless what stands says otherwise; count is what
// became of it.
func (s *Consent) importChoice(c *conn, ch store.Choice, t *store.Tally) (count *int64, err error) {
	if s.unheard(ch.Recipient) {
		if added, err := s.addChoice(c, ch); err != nil || added {
			return &t.Added, err
		}
	}
	have, before, err := s.choiceNow(c, ch.Recipient, ch.List)
	switch whole := before == s.guards.seals.choice(have); {
	case err != nil:
		return &t.Same, err
	case before != 0 && !whole && ch.State == store.Paused:
		// It may have been an opt-out, of which the pause would leave nothing.
		return &t.Same, nil
	case before == 0 || !whole: // what is damaged does not stand
	case have.State == store.Unsubscribed:
		if ch.State == store.Unsubscribed && micros(ch.Since) < micros(have.Since) {
			have.Since = ch.Since
			return &t.Dated, s.setChoice(c, have, before)
		}
		return &t.Same, nil
	case have.State == store.Paused && ch.State == store.Paused && optional(have.Until) >= optional(ch.Until):
		return &t.Same, nil
	case micros(have.Since) > micros(ch.Since):
		return &t.Kept, nil
	case ch.State == store.Paused:
		ch.Every = have.Every
	}
	return &t.Added, s.setChoice(c, ch, before)
}

func (s *Consent) addChoice(c *conn, ch store.Choice) (added bool, err error) {
	seal := s.guards.seals.choice(ch)
	s.guards.markChoice(ch)
	n, err := c.exec(insertChoice, ch.Recipient, ch.List, string(ch.State), optional(ch.Until), string(ch.Every), micros(ch.Since), string(ch.Way), int64(seal))
	if err != nil || n == 0 {
		return false, err
	}
	s.guards.begin(ch.Recipient, seal)
	return true, nil
}

// importSuppression is importChoice for a suppression.
func (s *Consent) importSuppression(c *conn, su store.Suppression, now time.Time, t *store.Tally) (count *int64, err error) {
	if s.unheard(su.Recipient) {
		if added, err := s.addSuppression(c, su); err != nil || added {
			return &t.Added, err
		}
	}
	if su.Reason == store.ReasonComplained {
		own, seal, err := s.choiceNow(c, su.Recipient, su.List)
		if err != nil {
			return &t.Kept, err
		}
		if seal != 0 && own.State == store.Subscribed && micros(own.Since) > micros(su.Since) {
			return &t.Kept, nil
		}
	}
	have, before, err := s.suppressionNow(c, su)
	earlier := before != 0 && micros(su.Since) < micros(have.Since)
	switch whole := before == s.guards.seals.suppression(have); {
	case err != nil:
		return &t.Same, err
	case before == 0:
	case !whole:
		su.Until = time.Time{} // how long it was to last is not known any more
	case have.Until.IsZero() || !su.Until.IsZero() && optional(su.Until) <= optional(have.Until):
		if !earlier {
			return &t.Same, nil
		}
		have.Since = su.Since
		return &t.Dated, s.setSuppression(c, have, before)
	case optional(have.Until) > micros(now):
		if su.Note = have.Note; !earlier {
			su.Since = have.Since
		}
	}
	return &t.Added, s.setSuppression(c, su, before)
}

func (s *Consent) addSuppression(c *conn, su store.Suppression) (added bool, err error) {
	seal := s.guards.seals.suppression(su)
	s.patterns.add(su.Recipient)
	s.guards.markSuppression(su)
	n, err := c.exec(insertSuppression, su.Recipient, su.List, string(su.Reason), micros(su.Since), su.Note, optional(su.Until), int64(seal))
	if err != nil || n == 0 {
		return false, err
	}
	s.guards.begin(su.Recipient, seal)
	return true, nil
}
