package sqlite

import (
	"context"
	"slices"

	"offramp/store"
)

const (
	deleteQueued    = "DELETE FROM recipients WHERE message = ? AND n = ? AND state = 'queued'"
	deleteRecipient = "DELETE FROM recipients WHERE message = ? AND n = ? RETURNING state"
	updateRecipient = `UPDATE recipients SET state = ?, attempts = attempts + 1, next = ?, code = ?, enhanced = ?, text = ?, host = ?
		WHERE message = ? AND n = ?`
	selectPlace  = "SELECT state, next, domain FROM recipients WHERE message = ? AND n = ?"
	deleteUnused = "DELETE FROM messages WHERE num = ? AND NOT EXISTS (SELECT 1 FROM recipients WHERE message = num)"
)

// Settle records results in one transaction and ends the leases.
func (s *Spool) Settle(ctx context.Context, results ...store.Result) error {
	if len(results) == 0 {
		return nil
	}
	var ch change
	err := s.file.write(ctx, &op{
		frees: true,
		run: func(c *conn) error {
			ch = change{}
			var emptied []int64
			for _, r := range results {
				if err := settle(c, r, &ch); err != nil {
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

// settle records one result.
func settle(c *conn, r store.Result, ch *change) error {
	ch.settled = append(ch.settled, r.Recipient)
	switch r.Kind {
	case store.Delivered, store.Dropped:
		return leave(c, r.Recipient, ch)
	case store.Returned:
		return returned(c, r.Recipient, ch)
	case store.Deferred:
		return outcome(c, r, store.Queued, ch)
	case store.Bounced:
		return outcome(c, r, store.Failed, ch)
	case store.Parked:
		return outcome(c, r, store.Held, ch)
	}
	return nil
}

// leave removes a recipient.
func leave(c *conn, id int64, ch *change) error {
	num, n := splitID(id)
	if changed, err := c.exec(deleteQueued, num, n); err != nil || changed > 0 {
		ch.counts.queued -= int(changed)
		return err
	}
	_, err := c.one(deleteRecipient, func(r row) { ch.counts.add(store.RecipientState(r.text(0)), -1) }, num, n)
	return err
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
func outcome(c *conn, res store.Result, state store.RecipientState, ch *change) error {
	num, n := splitID(res.Recipient)
	var was store.RecipientState
	var domain string
	var next int64
	found, err := c.one(selectPlace, func(r row) { was, next, domain = store.RecipientState(r.text(0)), r.int(1), r.text(2) }, num, n)
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
	if _, err := c.exec(updateRecipient, string(state), next, st.Code, st.Enhanced, st.Text, st.Host, num, n); err != nil {
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
