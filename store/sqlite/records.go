package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

const (
	selectOnce = "SELECT 1 FROM events WHERE once = ?"

	selectChoices = "SELECT recipient, " + choiceColumns + ` FROM choices
		WHERE recipient > ?1 AND (?2 IS NULL OR list = ?2) ORDER BY recipient, list LIMIT ?3`
	selectChoicesOf = "SELECT recipient, " + choiceColumns + ` FROM choices
		WHERE recipient = ?4 AND recipient > ?1 AND (?2 IS NULL OR list = ?2) ORDER BY recipient, list LIMIT ?3`
	selectSuppressions = `SELECT recipient, list, reason, since, note, until FROM suppressions
		WHERE recipient > ?1 AND (?2 IS NULL OR list = ?2) ORDER BY recipient, list, reason LIMIT ?3`
	selectSuppressionsOf = `SELECT recipient, list, reason, since, note, until FROM suppressions
		WHERE recipient = ?4 AND recipient > ?1 AND (?2 IS NULL OR list = ?2) ORDER BY recipient, list, reason LIMIT ?3`
)

// defaultLimit is how many records a filter without a limit selects.
const defaultLimit = 1000

// Suppress adds su and e unless the suppression, or by its Once the event, is
// recorded already. Of a person who was erased no note is kept.
func (s *Consent) Suppress(ctx context.Context, su store.Suppression, e store.Event) (changed bool, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		changed = false
		name, erased, err := s.people.known(c, su.Recipient)
		if err != nil {
			return err
		}
		if e.Once != "" {
			if found, err := c.one(selectOnce, func(row) {}, s.people.mac("once", e.Once)); err != nil || found {
				return err
			}
		}
		next := su
		if next.Recipient = name; erased {
			next.Note = ""
		}
		if changed, err = s.suppress(c, next, e.Time); err != nil || !changed {
			return err
		}
		_, err = s.add(c, e)
		return err
	}})
	return changed && err == nil, fail("suppress", err)
}

// suppress records su, or prolongs what is recorded; one that has ended begins
// anew.
func (s *Consent) suppress(c *conn, su store.Suppression, now time.Time) (changed bool, err error) {
	have, before, err := s.suppressionNow(c, su)
	switch {
	case err != nil:
		return false, err
	case before == 0:
	case before != s.guards.seals.suppression(have):
		su.Until = time.Time{} // how long it was to last is not known any more
	case have.Until.IsZero() || !su.Until.IsZero() && optional(su.Until) <= optional(have.Until):
		return false, nil
	case optional(have.Until) > micros(now):
		su.Since, su.Note = have.Since, have.Note
	}
	return true, s.setSuppression(c, su, before)
}

// Unsuppress removes the suppression with su's recipient, list and reason and
// adds e, if there is one.
func (s *Consent) Unsuppress(ctx context.Context, su store.Suppression, e store.Event) (changed bool, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		changed = false
		name, _, err := s.people.known(c, su.Recipient)
		if err != nil {
			return err
		}
		su.Recipient = name
		if changed, err = s.dropSuppression(c, su); err != nil || !changed {
			return err
		}
		if su.Reason == store.ReasonBounced {
			if _, err := c.exec(deleteBouncesOf, name); err != nil {
				return err
			}
		}
		_, err = s.add(c, e)
		return err
	}})
	return changed && err == nil, fail("unsuppress", err)
}

// Choices returns choices by recipient, then list.
func (s *Consent) Choices(ctx context.Context, f store.RecordFilter) (all []store.Choice, err error) {
	err = s.records(ctx, f, selectChoices, selectChoicesOf, func(r row) error {
		all = append(all, choiceOf(r, 1, r.text(0)))
		return nil
	})
	return all, fail("choices", err)
}

// Suppressions returns suppressions by recipient, then list, then reason.
func (s *Consent) Suppressions(ctx context.Context, f store.RecordFilter) (all []store.Suppression, err error) {
	err = s.records(ctx, f, selectSuppressions, selectSuppressionsOf, func(r row) error {
		all = append(all, suppressionOf(r, 1, r.text(0)))
		return nil
	})
	return all, fail("suppressions", err)
}

func suppressionOf(r row, first int, recipient string) store.Suppression {
	return store.Suppression{
		Recipient: recipient, List: r.text(first), Reason: store.Reason(r.text(first + 1)), Since: r.time(first + 2), Note: r.text(first + 3),
		Until: r.optional(first + 4),
	}
}

func (s *Consent) records(ctx context.Context, f store.RecordFilter, all, of string, each func(row) error) error {
	args := []any{f.After, orNull(f.List), limitOf(f.Limit)}
	return s.file.readers.do(ctx, func(c *conn) error {
		if f.Recipient == "" {
			return c.query(all, each, args...)
		}
		name, _, err := s.people.known(c, f.Recipient)
		if err != nil {
			return err
		}
		return c.query(of, each, append(args, name)...)
	})
}

func limitOf(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return n
}

// orNull passes an optional text to a statement.
func orNull(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}
