package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

const (
	day         = 24 * time.Hour
	countEvents = "SELECT time / 86400000000, kind, count(*) FROM events WHERE time >= ? AND time < ? AND kind IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
)

// CountEvents returns how many events of each kind happened on each day.
func (s *Consent) CountEvents(ctx context.Context, since, until time.Time) (all []store.DayCount, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		return c.query(countEvents, func(r row) error {
			all = append(all, store.DayCount{
				Day: time.Unix(0, 0).UTC().Add(time.Duration(r.int(0)) * day), Kind: store.EventKind(r.text(1)), Count: r.int(2),
			})
			return nil
		}, micros(since), micros(until))
	})
	return all, fail("count events", err)
}
