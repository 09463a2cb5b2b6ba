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
	selectSegment     = "SELECT id FROM fate_segments WHERE id = ?"
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
	for h.added.Load()-h.indexed.Load() >= h.every.Load() && ctx.Err() == nil {
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
		}, low, h.every.Load())
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
