package sqlite

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"
)

const (
	// segmentRows is how many rows a new segment is about, and so how many a
	// look-up may have to read one by one.
	segmentRows = 4096
	// mergeAtOnce segments of a level become one of the next.
	mergeAtOnce = 8
	// mostLevel bounds a segment to segmentRows times 8, to the power of 3: two million
	// rows. A larger one would keep entries of what has gone for too long.
	mostLevel = 3
	// blockEntries fill a page.
	blockEntries = 500
	entrySize    = 16
	// blocksAtOnce bounds one transaction: half a megabyte.
	blocksAtOnce = 64
)

const (
	selectSegments    = "SELECT id, level, low, high FROM fate_segments ORDER BY id"
	selectLastSegment = "SELECT max((SELECT coalesce(max(id), 0) FROM fate_segments), (SELECT coalesce(max(segment), 0) FROM fate_blocks))"
	insertSegment     = "INSERT INTO fate_segments (id, level, low, high) VALUES (?, ?, ?, ?)"
	deleteSegment     = "DELETE FROM fate_segments WHERE id = ?"
	insertBlock       = "INSERT INTO fate_blocks (segment, first, data) VALUES (?, ?, ?)"
	deleteBlock       = "DELETE FROM fate_blocks WHERE id = ?"
	selectBlockIDs    = "SELECT id FROM fate_blocks WHERE segment = ? LIMIT ?"
	selectNextBlock   = "SELECT id, data, first FROM fate_blocks WHERE segment = ? AND (first, id) > (?, ?) ORDER BY first, id LIMIT 1"
	selectFatesAfter  = "SELECT id, data FROM fates WHERE id > ? ORDER BY id LIMIT ?"
	selectFirstFate   = "SELECT id FROM fates ORDER BY id LIMIT 1"
)

// segment is a part of the index.
type segment struct{ id, level, low, high int64 }

func segmentsOf(c *conn) (all []segment, err error) {
	err = c.query(selectSegments, func(r row) error {
		all = append(all, segment{r.int(0), r.int(1), r.int(2), r.int(3)})
		return nil
	})
	return all, err
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.id, b.id))
}

func appendEntry(b []byte, e entry) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, uint64(e.hash)), uint64(e.id))
}

// entriesIn reads a block. What is behind its last whole entry is left out.
func entriesIn(b []byte) []entry {
	all := make([]entry, len(b)/entrySize)
	for i := range all {
		at := b[i*entrySize:]
		all[i] = entry{int64(binary.LittleEndian.Uint64(at)), int64(binary.LittleEndian.Uint64(at[8:]))}
	}
	return all
}

func blockOf(entries []entry) []byte {
	b := make([]byte, 0, len(entries)*entrySize)
	for _, e := range entries {
		b = appendEntry(b, e)
	}
	return b
}

// indexAlways has rows indexed until close.
func (s *Spool) indexAlways() {
	s.history.stop = background(s.inspection.alarm.log, "the history of mail was indexed", s.indexing)
}

// indexAgain is the wait after an index that failed, and between two looks at
// what has left the queue.
const indexAgain = 10 * time.Second

func (s *Spool) indexing(ctx context.Context) {
	log, failing := s.inspection.alarm.log, false
	for ctx.Err() == nil {
		err := s.index(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			log.Warn("the history of mail cannot be indexed, look-ups take longer", "file", spoolFile, "error", err)
		}
		if failing = err != nil; failing {
			pause(ctx, indexAgain, nil)
			continue
		}
		pause(ctx, indexAgain, s.history.wake)
	}
}

// index makes segments of all rows but the last few, and merges segments.
func (s *Spool) index(ctx context.Context) error {
	if err := s.tidy(func(read func(*conn) error) error { return s.file.readers.do(ctx, read) }); err != nil {
		return err
	}
	h := &s.history
	h.changing.Lock()
	defer h.changing.Unlock()
	for h.added.Load()-h.indexed.Load() >= h.every && ctx.Err() == nil {
		if err := s.newSegment(ctx); err != nil {
			return err
		}
		if err := s.mergeAll(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// newSegment makes a segment of the next rows. The caller holds changing.
func (s *Spool) newSegment(ctx context.Context) error {
	h := &s.history
	low := h.indexed.Load()
	high, entries := low, []entry(nil)
	if err := s.file.readers.do(ctx, func(c *conn) error {
		high, entries = low, entries[:0]
		return c.query(selectFatesAfter, func(r row) error {
			high = r.int(0)
			entries = h.fateEntries(entries, high, r.blob(1), s)
			return nil
		}, low, h.every)
	}); err != nil {
		return err
	}
	if high == low { // the rows that were added are gone again
		h.indexed.Store(h.added.Load())
		return nil
	}
	slices.SortFunc(entries, compareEntries)
	to := segment{low: low + 1, high: high}
	if err := s.file.write(ctx, &op{cost: len(entries) * entrySize, run: func(c *conn) error {
		if _, err := c.one(selectLastSegment, func(r row) { to.id = r.int(0) + 1 }); err != nil {
			return err
		}
		for block := range slices.Chunk(entries, blockEntries) {
			if _, err := c.exec(insertBlock, to.id, block[0].hash, blockOf(block)); err != nil {
				return err
			}
		}
		_, err := c.exec(insertSegment, to.id, to.level, to.low, to.high)
		return err
	}}); err != nil {
		return err
	}
	h.indexed.Store(high)
	return nil
}

// fateEntries adds the entries of a row; none, when it cannot be read.
func (h *history) fateEntries(all []entry, id int64, data []byte, s *Spool) []entry {
	key, ok := keysOf(data, s.crc)
	if !ok {
		return all
	}
	all = append(all, entry{h.hash(byPerson, key.person), id}, entry{h.hash(byQueueID, key.queueID), id})
	if key.messageID != "" {
		all = append(all, entry{h.hash(byMessageID, key.messageID), id})
	}
	return all
}

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
			return err
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
		return err
	}
	for _, g := range from {
		if err := s.dropBlocks(ctx, g.id); err != nil {
			return err
		}
	}
	return nil
}

// dropBlocks removes the blocks of a segment that is gone, some at a time.
func (s *Spool) dropBlocks(ctx context.Context, segment int64) error {
	for more := true; more; {
		if err := s.file.write(ctx, &op{frees: true, run: func(c *conn) error {
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
