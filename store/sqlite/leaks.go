package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

const (
	// Of the reasons those that the person gave, and not for a time. Mail without a
	// login is known by where it came from.
	selectDrops = `SELECT who, CASE who WHEN '' THEN ip ELSE '' END AS client, detail, list, count(*) AS n, count(DISTINCT recipient), min(time), max(time), max(id)
		FROM events WHERE kind = 'dropped' AND id > ? AND +time >= ?
		AND reason IN ('unsubscribed', 'unsubscribed-all', 'complained', 'sharing-refused', 'erased')
		GROUP BY who, client, detail, list ORDER BY n DESC, who, client, detail, list LIMIT ?`
	selectDropBefore = "SELECT id FROM events WHERE kind = 'dropped' AND id > ? ORDER BY id DESC LIMIT 1 OFFSET ?"
	selectNotified   = "SELECT reader, min(since) FROM notified WHERE reader = ? AND through >= ?"
)

// Drops counts mail to people who had left, by application and list.
func (s *Consent) Drops(ctx context.Context, since time.Time, limit int) (all []store.Drops, partial bool, err error) {
	return s.newestDrops(ctx, since, limit, store.MaxDrops)
}

// newestDrops counts so many drops at most.
func (s *Consent) newestDrops(ctx context.Context, since time.Time, limit, most int) (all []store.Drops, partial bool, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		after := int64(0)
		if !since.IsZero() {
			first, err := firstSince(c, since)
			if err != nil || first == 0 {
				return err
			}
			after = first - 1
		}
		if partial, err = c.one(selectDropBefore, func(r row) { after = r.int(0) }, after, most); err != nil {
			return err
		}
		return c.query(selectDrops, func(r row) error {
			all = append(all, store.Drops{
				Login: r.text(0), Client: r.text(1), Sender: store.DropSender(r.text(2)), List: r.text(3), Count: r.int(4), People: r.int(5),
				First: r.time(6), Last: r.time(7), Newest: r.int(8),
			})
			return nil
		}, after, sinceMicros(since), limitOf(limit))
	})
	return all, partial, fail("drops", err)
}

// Notified returns the readers that have taken over an event.
func (s *Consent) Notified(ctx context.Context, event int64) (all []store.Notified, err error) {
	readers, err := s.Readers(ctx)
	if err != nil {
		return nil, err
	}
	err = s.file.readers.do(ctx, func(c *conn) error {
		for _, one := range readers {
			if err := c.query(selectNotified, func(r row) error {
				if at := r.optional(1); !at.IsZero() {
					all = append(all, store.Notified{Reader: one.Name, At: at})
				}
				return nil
			}, one.Name, event); err != nil {
				return err
			}
		}
		return nil
	})
	return all, fail("notified", err)
}
