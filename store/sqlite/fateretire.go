package sqlite

import (
	"context"
	"errors"
	"time"
)

const (
	selectOldFates = "SELECT id, total, data FROM fates ORDER BY id LIMIT ?"
	retireAtOnce   = 500
)

// RetireFates removes what ended before a time, and the oldest beyond a size.
func (s *Spool) RetireFates(ctx context.Context, before time.Time, most int64) (gone int64, err error) {
	if s.file.writer == nil {
		return 0, fail("retire fates", errReadOnly)
	}
	if err := s.file.write(ctx, &op{frees: true, run: func(c *conn) error {
		gone, err = s.retireStep(c, before, most)
		return err
	}}); err != nil {
		return 0, fail("retire fates", err)
	}
	if gone > 0 {
		err = s.dropSegments(ctx)
	}
	return gone, fail("retire fates", err)
}

// retireStep removes some rows from the beginning.
func (s *Spool) retireStep(c *conn, before time.Time, most int64) (int64, error) {
	var ids []int64
	var last time.Time
	if err := c.query(selectOldFates, func(r row) error {
		_, f, err := fateOf(r.blob(2), s.crc)
		over := most > 0 && s.history.total-r.int(1) > most
		if err == nil && !over && !f.Ended.Before(before) {
			return errStop
		}
		if ids = append(ids, r.int(0)); f.Ended.After(last) {
			last = f.Ended
		}
		return nil
	}, retireAtOnce); err != nil && !errors.Is(err, errStop) {
		return 0, err
	}
	for _, id := range ids {
		if _, err := c.exec(deleteFate, id); err != nil {
			return 0, err
		}
	}
	if last.IsZero() {
		return int64(len(ids)), nil
	}
	return int64(len(ids)), putFrom(c, micros(last))
}

// dropSegments removes what the index has of rows that have all gone.
func (s *Spool) dropSegments(ctx context.Context) error {
	s.history.changing.Lock()
	defer s.history.changing.Unlock()
	var old []segment
	if err := s.file.write(ctx, &op{frees: true, run: func(c *conn) error {
		old = nil
		oldest := s.history.id + 1
		if _, err := c.one(selectFirstFate, func(r row) { oldest = r.int(0) }); err != nil {
			return err
		}
		all, err := segmentsOf(c)
		if err != nil {
			return err
		}
		for _, g := range all {
			// The last one says how far the index reaches.
			if g.high >= oldest || g.high == s.history.indexed.Load() {
				continue
			}
			old = append(old, g)
			if _, err := c.exec(deleteSegment, g.id); err != nil {
				return err
			}
		}
		return nil
	}}); err != nil {
		return err
	}
	for _, g := range old {
		if err := s.dropBlocks(ctx, g.id); err != nil {
			return err
		}
	}
	return nil
}
