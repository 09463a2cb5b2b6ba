package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/store"
)

// Lease returns up to limit queued recipients that are due, oldest first.
func (s *Spool) Lease(ctx context.Context, now time.Time, limit int, skip []string) ([]store.Job, error) {
	if s.file.writer == nil {
		return nil, fail("lease", errReadOnly)
	}
	skipped := skipSet(skip)
	var jobs []store.Job
	// Hints can be stale, so one round may yield fewer than asked for though
	// more are due.
	for len(jobs) < limit {
		hints := s.schedule.due(micros(now), limit-len(jobs), skipped)
		if len(hints) == 0 {
			break
		}
		more, err := s.jobs(ctx, hints)
		if err != nil {
			s.schedule.release(hints)
			s.giveBack(jobs)
			return nil, fail("lease", err)
		}
		jobs = append(jobs, more...)
	}
	return jobs, nil
}

// giveBack ends the leases of jobs that are not handed out after all.
func (s *Spool) giveBack(jobs []store.Job) {
	var ch change
	for _, j := range jobs {
		r := j.Recipient
		ch.settled = append(ch.settled, r.ID)
		ch.due = append(ch.due, waits{domain: r.Domain, next: micros(r.Next), id: r.ID})
	}
	s.schedule.apply(&ch)
}

// jobs reads the recipients and messages of leased hints. Leases of those
// whose row says something else end here; after an error all are to be released.
func (s *Spool) jobs(ctx context.Context, hints []hint) (jobs []store.Job, err error) {
	var stale []int64
	var broken []store.Result
	handed := make(map[int64]*leased, len(hints))
	read := func(c *conn) error {
		messages := make(map[int64]*store.Message)
		for _, h := range hints {
			num, n := splitID(h.id)
			var r store.Recipient
			whole := true
			var t track
			found, err := c.one(selectLeaving, func(row row) {
				r, whole = recipientOf(row), unaltered(row)
				t = trackOf(row.blob(14), r.Address)
			}, num, n)
			if errors.Is(err, store.ErrDamaged) {
				// Its lease lasts: others must not wait for it.
				s.damaged(fmt.Errorf("recipient %d of message %d: %w", n, num, err))
				continue
			}
			if err != nil {
				return err
			}
			if !found || r.State != store.Queued || micros(r.Next) != h.next {
				stale = append(stale, h.id)
				continue
			}
			if !whole {
				s.damaged(fmt.Errorf("%w: recipient %d of message %d is not who it was", store.ErrMessage, n, num))
				broken = append(broken, parked(r))
				continue
			}
			m, err := s.messageIn(c, num, messages)
			if errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrNotFound) {
				s.damaged(fmt.Errorf("message %d: %w", num, err))
				broken = append(broken, parked(r))
				continue
			}
			if err != nil {
				return err
			}
			jobs = append(jobs, store.Job{Message: m, Recipient: r})
			handed[r.ID] = &leased{message: m, recipient: r, track: t}
		}
		return nil
	}
	if err := s.file.readers.snapshot(ctx, read); err != nil {
		return nil, err
	}
	s.schedule.unlease(stale)
	s.schedule.hand(handed)
	// One damaged message must not stop the others: it waits for the operator.
	if err := s.Settle(ctx, broken...); err != nil {
		return nil, err
	}
	return jobs, nil
}

// parked has a recipient wait for the operator, whose mail is damaged.
func parked(r store.Recipient) store.Result {
	return store.Result{Recipient: r.ID, Kind: store.Parked, Next: r.Next, Status: store.Status{Text: store.DamagedText}}
}

// messageIn returns a message, from those known or accepted last where it is
// there, and enters it into known.
func (s *Spool) messageIn(c *conn, num int64, known map[int64]*store.Message) (m *store.Message, err error) {
	if m = known[num]; m != nil {
		return m, nil
	}
	if m = s.recent.message(num); m == nil {
		if m, err = readMessage(c, num); err != nil {
			return nil, err
		}
	}
	known[num] = m
	return m, nil
}

func readMessage(c *conn, num int64) (m *store.Message, err error) {
	found, qerr := c.one(selectMessage, func(r row) { _, m, err = messageOf(r) }, num)
	switch {
	case qerr != nil:
		return nil, qerr
	case !found:
		return nil, store.ErrNotFound
	}
	return m, err
}

// Next returns the earliest Next of the queued recipients that are not leased.
func (s *Spool) Next(ctx context.Context, skip []string) (time.Time, bool, error) {
	if s.file.writer == nil {
		return time.Time{}, false, fail("next", errReadOnly)
	}
	skipped := skipSet(skip)
	for {
		h, ok := s.schedule.first(skipped)
		if !ok {
			return time.Time{}, false, nil
		}
		fresh := false
		num, n := splitID(h.id)
		err := s.file.readers.do(ctx, func(c *conn) error {
			_, err := c.one(selectRecipient, func(r row) {
				got := recipientOf(r)
				fresh = got.State == store.Queued && micros(got.Next) == h.next
			}, num, n)
			return err
		})
		if err != nil {
			return time.Time{}, false, fail("next", err)
		}
		if fresh {
			return unixMicro(h.next), true, nil
		}
		s.schedule.forget(h)
	}
}
