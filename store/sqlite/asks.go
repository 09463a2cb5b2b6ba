package sqlite

import (
	"context"
	"encoding/binary"
	"time"
)

// asks is how often the overwriting of what was erased was asked for, ever, how
// many of these are through, and when the oldest that is not was asked for.
type asks struct{ asked, done, since int64 }

func (a asks) due() bool { return a.done < a.asked }

func readAsks(c *conn) (a asks, err error) {
	_, err = c.one(selectMeta, func(r row) {
		v := r.blob(0)
		if len(v) < 24 {
			a.asked = 1 // an earlier release was to do it, and did not say since when
			return
		}
		a.asked, a.done, a.since = int64(binary.BigEndian.Uint64(v)), int64(binary.BigEndian.Uint64(v[8:])), int64(binary.BigEndian.Uint64(v[16:]))
	}, metaScrub)
	return a, err
}

func (a asks) put(c *conn) error {
	v := binary.BigEndian.AppendUint64(nil, uint64(a.asked))
	v = binary.BigEndian.AppendUint64(v, uint64(a.done))
	_, err := c.exec(putMeta, metaScrub, binary.BigEndian.AppendUint64(v, uint64(a.since)))
	return err
}

// askScrub asks in the transaction that erases.
func askScrub(c *conn, now int64) error {
	a, err := readAsks(c)
	if err != nil {
		return err
	}
	if !a.due() {
		a.since = now
	}
	a.asked++
	return a.put(c)
}

// Scrub asks for what was erased to be overwritten.
func (s *Consent) Scrub(ctx context.Context) error {
	now := micros(s.now())
	if err := s.file.write(ctx, &op{run: func(c *conn) error { return askScrub(c, now) }, committed: s.asked}); err != nil {
		return fail("scrub", err)
	}
	return nil
}

// asks reads what was asked for.
func (s *Consent) asks(ctx context.Context) (a asks, err error) {
	err = s.file.readers.do(ctx, func(c *conn) (err error) {
		a, err = readAsks(c)
		return err
	})
	return a, err
}

// scrubbed records that all are through that were asked for until there were
// done of them. What came later came after the time began.
func (s *Consent) scrubbed(ctx context.Context, done int64, began time.Time) (a asks, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) (err error) {
		if a, err = readAsks(c); err != nil {
			return err
		}
		a.done, a.since = done, micros(began)
		return a.put(c)
	}})
	return a, err
}
