package sqlite

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// mergeAll merges while there are enough segments of one level. The caller holds
// changing.
func (s *Spool) mergeAll(ctx context.Context) error {
	for ctx.Err() == nil {
		var all []segment
		if err := s.file.readers.do(ctx, func(c *conn) (err error) {
			all, err = segmentsOf(c)
			return err
		}); err != nil {
			return err
		}
		some := mergeable(all)
		if some == nil {
			return nil
		}
		if err := s.merge(ctx, some); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// mergeable returns the oldest segments of a level that has enough of them.
func mergeable(all []segment) []segment {
	for level := int64(0); level < mostLevel; level++ {
		var some []segment
		for _, g := range all {
			if g.level == level {
				some = append(some, g)
			}
		}
		if len(some) >= mergeAtOnce {
			slices.SortFunc(some, func(a, b segment) int { return cmp.Compare(a.low, b.low) })
			return some[:mergeAtOnce]
		}
	}
	return nil
}

// merge makes one segment of several: first its blocks, some at a time, which
// nobody reads until the segment is there in the place of the others. Entries of
// rows that have gone are left out. The caller holds changing.
func (s *Spool) merge(ctx context.Context, from []segment) error {
	m := &merge{s: s, from: make([]source, len(from))}
	to := segment{level: from[0].level + 1, low: from[0].low, high: from[len(from)-1].high}
	for i, g := range from {
		m.from[i] = source{segment: g.id, first: -1 << 63}
	}
	if err := s.file.readers.do(ctx, func(c *conn) error {
		_, err := c.one(selectLastSegment, func(r row) { to.id = r.int(0) + 1 })
		if err != nil {
			return err
		}
		_, err = c.one(selectFirstFate, func(r row) { m.oldest = r.int(0) })
		return err
	}); err != nil {
		return err
	}
	for !m.ended {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.step(ctx, to.id); err != nil {
			return errors.Join(err, s.dropBlocks(ctx, to.id)) // or each attempt would leave as many
		}
	}
	if err := s.file.write(ctx, &op{frees: true, run: func(c *conn) error {
		for _, g := range from {
			if _, err := c.exec(deleteSegment, g.id); err != nil {
				return err
			}
		}
		_, err := c.exec(insertSegment, to.id, to.level, to.low, to.high)
		return err
	}}); err != nil {
		return errors.Join(err, s.dropBlocks(ctx, to.id))
	}
	for _, g := range from {
		if err := s.dropBlocks(ctx, g.id); err != nil {
			return err
		}
	}
	return nil
}

// dropBlocks removes the blocks of a segment that is gone, or was never there, some
// at a time. Of one that is there it removes none: a write that was given up may
// still have been done.
func (s *Spool) dropBlocks(ctx context.Context, segment int64) error {
	for more := true; more; {
		if err := s.file.write(ctx, &op{frees: true, run: func(c *conn) error {
			more = false
			if there, err := c.one(selectSegment, func(row) {}, segment); err != nil || there {
				return err
			}
			var ids []int64
			if err := c.query(selectBlockIDs, func(r row) error {
				ids = append(ids, r.int(0))
				return nil
			}, segment, blocksAtOnce); err != nil {
				return err
			}
			more = len(ids) == blocksAtOnce
			for _, id := range ids {
				if _, err := c.exec(deleteBlock, id); err != nil {
					return err
				}
			}
			return nil
		}}); err != nil {
			return err
		}
	}
	return nil
}

// merge is a merge that goes on.
type merge struct {
	s      *Spool
	from   []source
	oldest int64 // fate that is kept
	out    []entry
	ended  bool
}

// source is a segment that is read from its first entry to its last.
type source struct {
	segment   int64
	first, id int64 // of the block that was read last
	entries   []entry
	ended     bool
}

// step fills some blocks and writes them.
func (m *merge) step(ctx context.Context, to int64) error {
	if err := m.s.file.readers.do(ctx, func(c *conn) error {
		for len(m.out) < blocksAtOnce*blockEntries && !m.ended {
			if err := m.next(c); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	err := m.s.file.write(ctx, &op{cost: len(m.out) * entrySize, run: func(c *conn) error {
		for block := range slices.Chunk(m.out, blockEntries) {
			if _, err := c.exec(insertBlock, to, block[0].hash, blockOf(block)); err != nil {
				return err
			}
		}
		return nil
	}})
	m.out = m.out[:0]
	return err
}

// next moves the least entry to the output.
func (m *merge) next(c *conn) error {
	least := -1
	for i := range m.from {
		src := &m.from[i]
		if err := src.fill(c); err != nil {
			return err
		}
		if !src.ended && (least < 0 || compareEntries(src.entries[0], m.from[least].entries[0]) < 0) {
			least = i
		}
	}
	if least < 0 {
		m.ended = true
		return nil
	}
	src := &m.from[least]
	if src.entries[0].id >= m.oldest {
		m.out = append(m.out, src.entries[0])
	}
	src.entries = src.entries[1:]
	return nil
}

// fill reads the next block when there is nothing left of the last.
func (s *source) fill(c *conn) error {
	for len(s.entries) == 0 && !s.ended {
		found, err := c.one(selectNextBlock, func(r row) {
			s.id, s.first = r.int(0), r.int(2)
			s.entries = entriesIn(r.blob(1))
		}, s.segment, s.first, s.id)
		if err != nil {
			return err
		}
		s.ended = !found
	}
	return nil
}
