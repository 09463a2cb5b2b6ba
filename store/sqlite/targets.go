package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

var _ store.Targets = (*Consent)(nil)

const (
	selectTarget  = "SELECT uri, since FROM targets WHERE recipient = ? AND list = ?"
	selectTargets = "SELECT list, uri, since FROM targets WHERE recipient = ? ORDER BY list"
	putTarget     = `INSERT INTO targets (recipient, list, uri, since) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (recipient, list) DO UPDATE SET uri = excluded.uri, since = excluded.since WHERE since <= excluded.since`
	deleteTargetsOf  = "DELETE FROM targets WHERE recipient = ?"
	deleteOldTargets = "DELETE FROM targets WHERE (recipient, list) IN (SELECT recipient, list FROM targets WHERE since < ? LIMIT ?)"
)

// targetAgain is how much later the same target is written again, so that those
// in use are not taken for old.
const targetAgain = 24 * time.Hour

// KeepTargets makes targets durable, in one transaction. Many are there already
// when each message to a person has the same, so that is looked up first, beside
// the writer.
func (s *Consent) KeepTargets(ctx context.Context, targets ...store.Target) error {
	var fresh []store.Target
	if err := s.file.readers.do(ctx, func(c *conn) error {
		fresh = fresh[:0]
		for _, t := range targets {
			there := false
			if _, err := c.one(selectTarget, func(r row) {
				there = r.text(0) == t.URI && micros(t.Since)-r.int(1) < targetAgain.Microseconds()
			}, t.Recipient, t.List); err != nil {
				return err
			}
			if !there {
				fresh = append(fresh, t)
			}
		}
		return nil
	}); err != nil || len(fresh) == 0 {
		return fail("targets", err)
	}
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		for _, t := range fresh {
			if _, erased, err := s.people.known(c, t.Recipient); err != nil {
				return err
			} else if erased {
				continue
			}
			if _, err := c.exec(putTarget, t.Recipient, t.List, t.URI, micros(t.Since)); err != nil {
				return err
			}
		}
		return nil
	}})
	return fail("keep targets", err)
}

// TargetsOf returns a person's target for a list, or all of them.
func (s *Consent) TargetsOf(ctx context.Context, recipient, list string) (all []store.Target, err error) {
	err = s.file.readers.do(ctx, func(c *conn) (err error) {
		all = nil
		if list == store.AllLists {
			all, err = targetsOf(c, recipient)
			return err
		}
		_, err = c.one(selectTarget, func(r row) {
			all = append(all, store.Target{Recipient: recipient, List: list, URI: r.text(0), Since: r.time(1)})
		}, recipient, list)
		return err
	})
	return all, fail("targets", err)
}

func targetsOf(c *conn, recipient string) (all []store.Target, err error) {
	err = c.query(selectTargets, func(r row) error {
		all = append(all, store.Target{Recipient: recipient, List: r.text(0), URI: r.text(1), Since: r.time(2)})
		return nil
	}, recipient)
	return all, err
}
