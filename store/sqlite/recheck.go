package sqlite

import (
	"context"
	"errors"
	"io"

	"offramp/store"
)

// Earlier releases held mail with a text of their own, also when it was the file
// of choices that was damaged.
const (
	selectDamaged = `SELECT r.message, r.n, r.domain, m.id FROM recipients r JOIN messages m ON m.num = r.message
		WHERE r.state = 'held' AND r.text IN (?, ?) ORDER BY r.message, r.n`
	earlierDamaged = "the queued message is damaged and held for the operator"
	releaseDamaged = "UPDATE recipients SET state = 'queued', next = ?, text = '', enhanced = '' WHERE message = ? AND n = ? AND state = 'held' AND text IN (?, ?)"
)

// Recheck queues recipients again whose message can be read again.
func (s *Spool) Recheck(ctx context.Context) (int, error) {
	if s.file.writer == nil {
		return 0, fail("recheck", errReadOnly)
	}
	held := make(map[string][]waits)
	if err := s.file.readers.do(ctx, func(c *conn) error {
		return c.query(selectDamaged, func(r row) error {
			id := r.text(3)
			held[id] = append(held[id], waits{domain: r.text(2), id: recipientID(r.int(0), r.int(1))})
			return nil
		}, store.DamagedText, earlierDamaged)
	}); err != nil {
		return 0, fail("recheck", err)
	}
	total := 0
	for id, recipients := range held {
		switch err := s.readThrough(ctx, id, recipients[0].id); {
		case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			return total, fail("recheck", err)
		}
		n, err := s.releaseDamaged(ctx, recipients)
		total += n
		if err != nil {
			return total, fail("recheck", err)
		}
	}
	return total, nil
}

// readThrough reads all of a message.
func (s *Spool) readThrough(ctx context.Context, id string, recipient int64) error {
	num, _ := splitID(recipient)
	if err := s.file.readers.do(ctx, func(c *conn) error {
		_, err := readMessage(c, num)
		return err
	}); err != nil {
		return err
	}
	body, err := s.Body(ctx, id)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, body)
	return errors.Join(err, body.Close())
}

func (s *Spool) releaseDamaged(ctx context.Context, recipients []waits) (released int, err error) {
	now := micros(s.now())
	var ch change
	err = s.file.write(ctx, &op{
		frees: true,
		run: func(c *conn) error {
			ch, released = change{}, 0
			for _, w := range recipients {
				num, n := splitID(w.id)
				whole := false
				if _, err := c.one(selectRecipient, func(r row) { whole = unaltered(r) }, num, n); err != nil {
					return err
				}
				if !whole {
					continue
				}
				changed, err := c.exec(releaseDamaged, now, num, n, store.DamagedText, earlierDamaged)
				if err != nil {
					return err
				}
				if changed == 0 {
					continue // the operator was faster
				}
				released++
				ch.counts.add(store.Held, -1)
				ch.counts.add(store.Queued, 1)
				ch.due = append(ch.due, waits{domain: w.domain, next: now, id: w.id})
			}
			return nil
		},
		committed: func() { s.apply(&ch) },
	})
	if err != nil {
		released = 0
	}
	return released, err
}
