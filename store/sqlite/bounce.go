package sqlite

import (
	"context"
	"fmt"

	"offramp/store"
)

const (
	// Oldest first is by number, which grows with every message started.
	selectFailed = "SELECT DISTINCT message FROM recipients WHERE state = 'failed' ORDER BY message"
	deleteFailed = "DELETE FROM recipients WHERE message = ? AND n = ? AND state = 'failed'"
)

// Failures returns messages with failed recipients whose other recipients
// were all attempted.
func (s *Spool) Failures(ctx context.Context, limit int) (all []store.Failure, err error) {
	err = s.file.readers.snapshot(ctx, func(c *conn) error {
		all = nil
		var nums []int64
		if err := c.query(selectFailed, func(r row) error {
			nums = append(nums, r.int(0))
			return nil
		}); err != nil {
			return err
		}
		for _, num := range nums {
			if len(all) == limit {
				return nil
			}
			failed, err := s.failed(c, num)
			if err != nil {
				return err
			}
			if len(failed) == 0 {
				continue
			}
			m, err := readMessage(c, num)
			if m == nil {
				return err
			}
			// A bounce has no use for parts, damaged or not.
			all = append(all, store.Failure{Message: m, Recipients: failed})
		}
		return nil
	})
	return all, fail("failures", err)
}

// failed returns the failed recipients of a message, none while another one
// is attempted or waits for its first attempt.
func (s *Spool) failed(c *conn, num int64) (failed []store.Recipient, err error) {
	wait := false
	err = c.query(selectRecipients, func(row row) error {
		r := recipientOf(row)
		switch {
		case r.State == store.Failed:
			failed = append(failed, r)
		case r.State == store.Queued && r.Attempts == 0 || s.schedule.isLeased(r.ID):
			wait = true
		}
		return nil
	}, num)
	if wait {
		return nil, err
	}
	return failed, err
}

// Report adds a bounce and removes the failed recipients it reports. When one
// of them is gone meanwhile it returns store.ErrNotFound and changes nothing:
// a bounce that reports it was made already.
func (s *Spool) Report(ctx context.Context, bounce *store.Bounce, reported []int64) error {
	cost := 0
	if bounce != nil {
		if err := check(bounce.Recipients); err != nil {
			return fail("report", err)
		}
		cost = len(bounce.Body)
	}
	var ch change
	err := s.file.write(ctx, &op{
		cost:  cost,
		frees: true,
		before: func(c *conn) error {
			ch = change{}
			if bounce != nil {
				if err := s.insertWhole(c, bounce, &ch); err != nil {
					return err
				}
			}
			return s.bounced(c, bounce, reported)
		},
		run: func(c *conn) error {
			var emptied []int64
			for _, id := range reported {
				num, n := splitID(id)
				changed, err := c.exec(deleteFailed, num, n)
				if err != nil {
					return err
				}
				if changed == 0 {
					return fmt.Errorf("failed recipient %d: %w", id, store.ErrNotFound)
				}
				ch.counts.failed--
				if k := len(emptied); k == 0 || emptied[k-1] != num {
					emptied = append(emptied, num)
				}
			}
			return dropUnused(c, emptied, &ch)
		},
		committed: func() { s.apply(&ch) },
	})
	return fail("report", err)
}

// insertWhole adds a message whose body is in memory.
func (s *Spool) insertWhole(c *conn, b *store.Bounce, ch *change) error {
	num := s.last.Add(1)
	rest, n := b.Body, int64(0)
	for ; len(rest) > chunkSize; n++ {
		if _, err := c.exec(insertChunk, num, n, int64(s.sum(rest[:chunkSize])), rest[:chunkSize]); err != nil {
			return err
		}
		rest = rest[chunkSize:]
	}
	return s.insert(c, arrival{num: num, message: &b.Message, recipients: b.Recipients, size: int64(len(b.Body)), chunks: n, tail: rest}, ch)
}
