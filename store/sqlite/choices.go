package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

const (
	selectState = "SELECT state FROM choices WHERE recipient = ? AND list = ?"
	putChoice   = `INSERT INTO choices (recipient, list, state, since, way) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (recipient, list) DO UPDATE SET state = excluded.state, since = excluded.since, way = excluded.way`
	insertSuppression = "INSERT INTO suppressions (recipient, list, reason, since, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
	deleteSuppression = "DELETE FROM suppressions WHERE recipient = ? AND list = ? AND reason = ?"

	// One statement, so one look at one state of the data.
	selectStanding = `SELECT 0, list, state, since, way FROM choices WHERE recipient = ?1 AND (+list = '' OR +list = ?2)
		UNION ALL SELECT 1, list, reason, since, note FROM suppressions WHERE recipient = ?1 AND (+list = '' OR +list = ?2)`

	selectChoices = `SELECT recipient, list, state, since, way FROM choices
		WHERE recipient > ?1 AND (?2 IS NULL OR list = ?2) ORDER BY recipient, list LIMIT ?3`
	selectChoicesOf = `SELECT recipient, list, state, since, way FROM choices
		WHERE recipient = ?4 AND recipient > ?1 AND (?2 IS NULL OR list = ?2) ORDER BY recipient, list LIMIT ?3`
	selectSuppressions = `SELECT recipient, list, reason, since, note FROM suppressions
		WHERE recipient > ?1 AND (?2 IS NULL OR list = ?2) ORDER BY recipient, list, reason LIMIT ?3`
	selectSuppressionsOf = `SELECT recipient, list, reason, since, note FROM suppressions
		WHERE recipient = ?4 AND recipient > ?1 AND (?2 IS NULL OR list = ?2) ORDER BY recipient, list, reason LIMIT ?3`
)

// defaultLimit is how many records a filter without a limit selects.
const defaultLimit = 1000

// kept is what becomes of a time that is stored.
func kept(t time.Time) time.Time { return time.UnixMicro(micros(t)).UTC() }

// SetChoice makes c the choice for its recipient and list and adds e.
func (s *Consent) SetChoice(ctx context.Context, ch store.Choice, e store.Event) (changed bool, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		changed = false
		var state store.State
		if _, err := c.one(selectState, func(r row) { state = store.State(r.text(0)) }, ch.Recipient, ch.List); err != nil {
			return err
		}
		if state == ch.State {
			return nil
		}
		if _, err := c.exec(putChoice, ch.Recipient, ch.List, string(ch.State), micros(ch.Since), string(ch.Way)); err != nil {
			return err
		}
		changed = true
		return addEvent(c, e)
	}})
	return changed && err == nil, fail("set choice", err)
}

// Suppress adds su and e unless the suppression is recorded already.
func (s *Consent) Suppress(ctx context.Context, su store.Suppression, e store.Event) (changed bool, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		n, err := c.exec(insertSuppression, su.Recipient, su.List, string(su.Reason), micros(su.Since), su.Note)
		if changed = n > 0; err != nil || !changed {
			return err
		}
		return addEvent(c, e)
	}})
	return changed && err == nil, fail("suppress", err)
}

// Unsuppress removes the suppression with su's recipient, list and reason and
// adds e, if there is one.
func (s *Consent) Unsuppress(ctx context.Context, su store.Suppression, e store.Event) (changed bool, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		n, err := c.exec(deleteSuppression, su.Recipient, su.List, string(su.Reason))
		if changed = n > 0; err != nil || !changed {
			return err
		}
		return addEvent(c, e)
	}})
	return changed && err == nil, fail("unsuppress", err)
}

// Standing returns what is recorded for recipient about list and AllLists.
func (s *Consent) Standing(ctx context.Context, recipient, list string) (st store.Standing, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		return c.query(selectStanding, func(r row) error {
			if r.int(0) == 0 {
				st.Choices = append(st.Choices, store.Choice{
					Recipient: recipient, List: r.text(1), State: store.State(r.text(2)), Since: r.time(3), Way: store.Way(r.text(4)),
				})
				return nil
			}
			st.Suppressions = append(st.Suppressions, store.Suppression{
				Recipient: recipient, List: r.text(1), Reason: store.Reason(r.text(2)), Since: r.time(3), Note: r.text(4),
			})
			return nil
		}, recipient, list)
	})
	if err != nil {
		return store.Standing{}, fail("standing", err) // never half of it
	}
	return st, nil
}

// Choices returns choices by recipient, then list.
func (s *Consent) Choices(ctx context.Context, f store.RecordFilter) (all []store.Choice, err error) {
	err = s.records(ctx, f, selectChoices, selectChoicesOf, func(r row) error {
		all = append(all, store.Choice{
			Recipient: r.text(0), List: r.text(1), State: store.State(r.text(2)), Since: r.time(3), Way: store.Way(r.text(4)),
		})
		return nil
	})
	return all, fail("choices", err)
}

// Suppressions returns suppressions by recipient, then list, then reason.
func (s *Consent) Suppressions(ctx context.Context, f store.RecordFilter) (all []store.Suppression, err error) {
	err = s.records(ctx, f, selectSuppressions, selectSuppressionsOf, func(r row) error {
		all = append(all, store.Suppression{
			Recipient: r.text(0), List: r.text(1), Reason: store.Reason(r.text(2)), Since: r.time(3), Note: r.text(4),
		})
		return nil
	})
	return all, fail("suppressions", err)
}

func (s *Consent) records(ctx context.Context, f store.RecordFilter, all, of string, each func(row) error) error {
	args := []any{f.After, orNull(f.List), limitOf(f.Limit)}
	query := all
	if f.Recipient != "" {
		query = of
		args = append(args, f.Recipient)
	}
	return s.file.readers.do(ctx, func(c *conn) error { return c.query(query, each, args...) })
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
