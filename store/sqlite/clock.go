package sqlite

import (
	"context"
	"encoding/binary"
	"time"
)

const (
	metaClock = "clock"
	// Each is the end of an index.
	selectNewest = `SELECT max(coalesce((SELECT max(time) FROM events), 0), coalesce((SELECT max(last) FROM contacts), 0),
		coalesce((SELECT max(last) FROM bounces), 0), coalesce((SELECT max(last) FROM traffic), 0))`
)

// ClockSeen returns the newest time that was believed of the machine's clock.
func (s *Consent) ClockSeen(ctx context.Context) (seen time.Time, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		found, err := c.one(selectMeta, func(r row) {
			if v := r.blob(0); len(v) == 8 {
				seen = time.UnixMicro(int64(binary.BigEndian.Uint64(v))).UTC()
			}
		}, metaClock)
		if err != nil || found {
			return err
		}
		_, err = c.one(selectNewest, func(r row) { seen = r.optional(0) })
		return err
	})
	return seen, fail("clock", err)
}

// SeeClock records a time that was believed.
func (s *Consent) SeeClock(ctx context.Context, t time.Time) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec(putMeta, metaClock, binary.BigEndian.AppendUint64(nil, uint64(micros(t))))
		return err
	}})
	return fail("clock", err)
}
