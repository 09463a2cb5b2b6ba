package sqlite

import (
	"context"
	"slices"
)

const selectListMail = `SELECT r.message, r.n, r.address FROM recipients r JOIN messages m ON m.num = r.message
	WHERE m.list <> '' ORDER BY r.message, r.n`

// Forget removes the recipients of list mail whose address match picks. Those
// that are leased are counted, and leave with their result.
func (s *Spool) Forget(ctx context.Context, match func(address string) bool) (int, error) {
	if s.file.writer == nil {
		return 0, fail("forget", errReadOnly)
	}
	var ids []int64
	if err := s.file.readers.do(ctx, func(c *conn) error {
		return c.query(selectListMail, func(r row) error {
			if match(r.text(2)) {
				ids = append(ids, recipientID(r.int(0), r.int(1)))
			}
			return nil
		})
	}); err != nil {
		return 0, fail("forget", err)
	}
	for step := range slices.Chunk(ids, actStep) {
		if err := s.forgetStep(ctx, step); err != nil {
			return 0, fail("forget", err)
		}
	}
	return len(ids), nil
}

// forgetStep removes those recipients that are not leased.
func (s *Spool) forgetStep(ctx context.Context, ids []int64) error {
	var free []int64
	for _, id := range ids {
		if s.schedule.reserve(id) { // no Lease may take it meanwhile
			free = append(free, id)
		}
	}
	var ch change
	err := s.file.write(ctx, &op{
		frees: true,
		run: func(c *conn) error {
			ch = change{}
			var emptied []int64
			for _, id := range free {
				ch.settled = append(ch.settled, id)
				if _, err := leave(c, id, &ch); err != nil {
					return err
				}
				if num, _ := splitID(id); !slices.Contains(emptied, num) {
					emptied = append(emptied, num)
				}
			}
			return dropUnused(c, emptied, &ch)
		},
		committed: func() { s.apply(&ch) },
	})
	if err != nil {
		s.schedule.unlease(free)
	}
	return err
}
