package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

const (
	selectBounces = "SELECT count, first, last, sent FROM bounces WHERE recipient = ?"
	putBounces    = `INSERT INTO bounces (recipient, count, first, last, sent) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (recipient) DO UPDATE SET count = excluded.count, first = excluded.first, last = excluded.last, sent = excluded.sent`
	mailedAgain      = "UPDATE bounces SET sent = ?1 WHERE recipient = ?2 AND sent = 0 AND last < ?1"
	endBounces       = "DELETE FROM bounces WHERE recipient = ? AND last <= ?"
	deleteBouncesOf  = "DELETE FROM bounces WHERE recipient = ?"
	deleteOldBounces = "DELETE FROM bounces WHERE recipient IN (SELECT recipient FROM bounces WHERE last < ? LIMIT ?)"
)

// CountBounce adds e, and counts b unless e is there already.
func (s *Consent) CountBounce(ctx context.Context, b store.SoftBounce, e store.Event) (run store.BounceRun, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		name, erased, err := s.people.known(c, b.Recipient)
		if err != nil {
			return err
		}
		if run, err = bouncesOf(c, name); err != nil {
			return err
		}
		id, err := s.add(c, e)
		if err != nil || id == 0 || erased {
			return err
		}
		run = run.After(b)
		_, err = c.exec(putBounces, name, run.Count, micros(run.First), micros(run.Last), optional(run.Sent))
		return err
	}})
	if err != nil {
		return store.BounceRun{}, fail("count bounce", err)
	}
	run.First, run.Last = kept(run.First), kept(run.Last)
	return run, nil
}

// EndBounces ends a run. Nearly nobody has one, so it is looked for first, which
// takes no turn of the writer.
func (s *Consent) EndBounces(ctx context.Context, recipient string, delivered time.Time) (ended bool, err error) {
	p, err := s.Person(ctx, recipient)
	if err != nil || p.Bounces.Count == 0 || p.Bounces.Last.After(delivered) {
		return false, err
	}
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		name, _, err := s.people.known(c, recipient)
		if err != nil {
			return err
		}
		gone, err := c.exec(endBounces, name, micros(delivered))
		ended = gone > 0
		return err
	}})
	if err != nil {
		return false, fail("end bounces", err)
	}
	return ended, nil
}

// bouncesOf reads the run of a recipient; Count 0: there is none.
func bouncesOf(c *conn, name string) (run store.BounceRun, err error) {
	run.Recipient = name
	_, err = c.one(selectBounces, func(r row) {
		run.Count, run.First, run.Last, run.Sent = r.int(0), r.time(1), r.time(2), r.optional(3)
	}, name)
	return run, err
}
