package sqlite

import (
	"context"
	"slices"
	"time"

	"offramp/store"
)

const (
	deleteQueued    = "DELETE FROM recipients WHERE message = ? AND n = ? AND state = 'queued'"
	deleteRecipient = "DELETE FROM recipients WHERE message = ? AND n = ? RETURNING state"
	updateRecipient = `UPDATE recipients SET state = ?, attempts = attempts + 1, next = ?, code = ?, enhanced = ?, text = ?, host = ?, track = ?
		WHERE message = ? AND n = ?`
	selectPlace  = "SELECT state, next, domain, address, track FROM recipients WHERE message = ? AND n = ?"
	deleteUnused = "DELETE FROM messages WHERE num = ? AND NOT EXISTS (SELECT 1 FROM recipients WHERE message = num)"
)

// Settle records results in one transaction and ends the leases.
func (s *Spool) Settle(ctx context.Context, results ...store.Result) error {
	if len(results) == 0 {
		return nil
	}
	var ch change
	fates := make([]int64, len(results))
	err := s.file.write(ctx, &op{
		frees:  true,
		before: func(c *conn) error { return s.recordEnds(c, results, fates) },
		run: func(c *conn) error {
			ch = change{}
			var emptied []int64
			for i, r := range results {
				if err := s.settle(c, r, fates[i], &ch); err != nil {
					return err
				}
				if num, _ := splitID(r.Recipient); (r.Kind == store.Delivered || r.Kind == store.Dropped) && !slices.Contains(emptied, num) {
					emptied = append(emptied, num)
				}
			}
			return dropUnused(c, emptied, &ch)
		},
		committed: func() { s.apply(&ch) },
	})
	return fail("settle", err)
}

// recordEnds adds the fates of the recipients that leave.
func (s *Spool) recordEnds(c *conn, results []store.Result, fates []int64) (err error) {
	for i, r := range results {
		fates[i] = 0
		if r.Kind != store.Delivered && r.Kind != store.Dropped {
			continue
		}
		l := s.schedule.handed(r.Recipient)
		if l == nil {
			if l, err = leavingRow(c, r.Recipient); err != nil {
				return err
			}
		}
		if fates[i], err = s.ended(c, l, r); err != nil {
			return err
		}
	}
	return nil
}

// settle records one result; fate is the row of that of a recipient that leaves.
func (s *Spool) settle(c *conn, r store.Result, fate int64, ch *change) error {
	ch.settled = append(ch.settled, r.Recipient)
	switch r.Kind {
	case store.Delivered, store.Dropped:
		left, err := leave(c, r.Recipient, ch)
		if err != nil || left || fate == 0 {
			return err
		}
		_, err = c.exec(deleteFate, fate) // it had left before
		return err
	case store.Returned:
		return returned(c, r.Recipient, ch)
	case store.Deferred:
		return outcome(c, r, store.Queued, s.now(), ch)
	case store.Bounced:
		return outcome(c, r, store.Failed, s.now(), ch)
	case store.Parked:
		return outcome(c, r, store.Held, s.now(), ch)
	}
	return nil
}

// leave removes a recipient; left is false when it was gone already.
func leave(c *conn, id int64, ch *change) (left bool, err error) {
	num, n := splitID(id)
	if changed, err := c.exec(deleteQueued, num, n); err != nil || changed > 0 {
		ch.counts.queued -= int(changed)
		return changed > 0, err
	}
	return c.one(deleteRecipient, func(r row) { ch.counts.add(store.RecipientState(r.text(0)), -1) }, num, n)
}

// returned makes a recipient due as it was, unless it was held meanwhile.
func returned(c *conn, id int64, ch *change) error {
	num, n := splitID(id)
	_, err := c.one(selectPlace, func(r row) {
		if store.RecipientState(r.text(0)) == store.Queued {
			ch.due = append(ch.due, waits{domain: r.text(2), next: r.int(1), id: id})
		}
	}, num, n)
	return err
}

// outcome records an attempt that ended and left the recipient in the spool.
// A recipient that was held while it was attempted stays held.
func outcome(c *conn, res store.Result, state store.RecipientState, now time.Time, ch *change) error {
	num, n := splitID(res.Recipient)
	var was store.RecipientState
	var domain, address string
	var next int64
	var t track
	found, err := c.one(selectPlace, func(r row) {
		was, next, domain, address = store.RecipientState(r.text(0)), r.int(1), r.text(2), r.text(3)
		t = trackOf(r.blob(4), address)
	}, num, n)
	if err != nil || !found {
		return err
	}
	if was == store.Held && state == store.Queued {
		state = store.Held
	}
	if res.Kind == store.Deferred {
		next = micros(res.Next)
	}
	st := res.Status
	t.tries = withTry(t.tries, now, st)
	if _, err := c.exec(updateRecipient, string(state), next, st.Code, st.Enhanced, st.Text, st.Host, t.blob(address), num, n); err != nil {
		return err
	}
	ch.counts.add(was, -1)
	ch.counts.add(state, 1)
	if state == store.Queued {
		ch.due = append(ch.due, waits{domain: domain, next: next, id: res.Recipient})
	}
	return nil
}

// dropUnused removes messages that have no recipient left.
func dropUnused(c *conn, nums []int64, ch *change) error {
	for _, num := range nums {
		n, err := c.exec(deleteUnused, num)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		ch.counts.messages--
		ch.dropped = append(ch.dropped, num)
		if _, err := c.exec(deleteChunks, num); err != nil {
			return err
		}
	}
	return nil
}
