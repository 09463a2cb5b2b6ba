package sqlite

import (
	"context"
	"time"

	"offramp/store"
)

const (
	selectRequest    = "SELECT caller, digest, started, holder, until, answer FROM requests WHERE id = ?"
	insertRequest    = "INSERT INTO requests (id, caller, digest, started, holder, until) VALUES (?, ?, ?, ?, ?, ?)"
	takeRequest      = "UPDATE requests SET holder = ?, until = ? WHERE id = ?"
	answerRequest    = "UPDATE requests SET answer = ? WHERE id = ?"
	deleteRequest    = "DELETE FROM requests WHERE id = ?"
	selectOldRequest = "SELECT id, caller, length(answer) FROM requests WHERE started < ? ORDER BY started LIMIT ?"
	selectShare      = "SELECT count, bytes FROM request_shares WHERE caller = ?"
	addShare         = `INSERT INTO request_shares (caller, count, bytes) VALUES (?, ?, ?)
		ON CONFLICT (caller) DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes`
	deleteShare = "DELETE FROM request_shares WHERE caller = ? AND count <= 0"
)

// allCallers is the share of all of them together; no caller has that name.
const allCallers = ""

// Old requests that go with one new one, and with one call of RetireRequests.
const (
	oldAtOnce = 8
	oldMost   = 500
)

// BeginRequest records that a request runs, or returns what is kept of it.
func (s *Consent) BeginRequest(ctx context.Context, r store.Request, since time.Time, limits store.RequestLimits) (before store.Request, found bool, err error) {
	full := false
	err = s.file.write(ctx, &op{run: func(c *conn) (err error) {
		full = false
		if before, found, err = request(c, r.ID); err != nil {
			return err
		}
		switch {
		case found && before.Started.Before(since):
			if err := dropRequest(c, before); err != nil {
				return err
			}
			found = false
		case found && before.Answer == nil && before.Digest == r.Digest && before.Until.Before(r.Started):
			found = false
			_, err := c.exec(takeRequest, r.Holder[:], micros(r.Until), r.ID[:])
			return err
		case found:
			return nil
		}
		if _, err := retireRequests(c, since, oldAtOnce); err != nil {
			return err
		}
		if full, err = crowded(c, r.Caller, 0, limits); err != nil || full {
			return err
		}
		if _, err := c.exec(insertRequest, r.ID[:], r.Caller, r.Digest[:], micros(r.Started), r.Holder[:], micros(r.Until)); err != nil {
			return err
		}
		return inShare(c, r.Caller, 1, 0)
	}})
	if err == nil && full {
		err = store.ErrFull
	}
	return before, found && err == nil, fail("begin request", err)
}

// EndRequest keeps the answer of a request that r.Holder runs.
func (s *Consent) EndRequest(ctx context.Context, r store.Request, limits store.RequestLimits) error {
	err := s.file.write(ctx, &op{cost: len(r.Answer), run: func(c *conn) error {
		if err := runs(c, r); err != nil {
			return err
		}
		full, err := crowded(c, r.Caller, int64(len(r.Answer)), limits)
		if err != nil {
			return err
		}
		if full {
			return store.ErrFull
		}
		if _, err := c.exec(answerRequest, r.Answer, r.ID[:]); err != nil {
			return err
		}
		return inShare(c, r.Caller, 0, int64(len(r.Answer)))
	}})
	return fail("end request", err)
}

// DropRequest forgets a request that r.Holder runs.
func (s *Consent) DropRequest(ctx context.Context, r store.Request) error {
	err := s.file.write(ctx, &op{frees: true, run: func(c *conn) error {
		if err := runs(c, r); err != nil {
			return err
		}
		return dropRequest(c, store.Request{ID: r.ID, Caller: r.Caller})
	}})
	return fail("drop request", err)
}

// RetireRequests removes old requests.
func (s *Consent) RetireRequests(ctx context.Context, before time.Time) (n int64, err error) {
	err = s.file.write(ctx, &op{frees: true, run: func(c *conn) (err error) {
		n, err = retireRequests(c, before, oldMost)
		return err
	}})
	return n, fail("retire requests", err)
}

// runs returns store.ErrChanged unless r.Holder runs r.
func runs(c *conn, r store.Request) error {
	now, found, err := request(c, r.ID)
	if err == nil && (!found || now.Holder != r.Holder || now.Answer != nil || now.Caller != r.Caller) {
		return store.ErrChanged
	}
	return err
}

func request(c *conn, id [32]byte) (q store.Request, found bool, err error) {
	q.ID = id
	found, err = c.one(selectRequest, func(r row) {
		q.Caller, q.Started, q.Until, q.Answer = r.text(0), r.time(2), r.time(4), r.blob(5)
		copy(q.Digest[:], r.blob(1))
		copy(q.Holder[:], r.blob(3))
	}, id[:])
	return q, found, err
}

func retireRequests(c *conn, before time.Time, limit int) (int64, error) {
	var old []store.Request
	bytes := map[string]int64{}
	if err := c.query(selectOldRequest, func(r row) error {
		q := store.Request{Caller: r.text(1)}
		copy(q.ID[:], r.blob(0))
		old = append(old, q)
		bytes[q.Caller] += r.int(2)
		return nil
	}, micros(before), limit); err != nil {
		return 0, err
	}
	for _, q := range old {
		if _, err := c.exec(deleteRequest, q.ID[:]); err != nil {
			return 0, err
		}
		if err := inShare(c, q.Caller, -1, -bytes[q.Caller]); err != nil {
			return 0, err
		}
		delete(bytes, q.Caller)
	}
	return int64(len(old)), nil
}

func dropRequest(c *conn, q store.Request) error {
	if _, err := c.exec(deleteRequest, q.ID[:]); err != nil {
		return err
	}
	return inShare(c, q.Caller, -1, -int64(len(q.Answer)))
}

// crowded says whether a caller has no room for one more request, or for bytes
// more.
func crowded(c *conn, caller string, bytes int64, limits store.RequestLimits) (full bool, err error) {
	_, err = c.one(selectShare, func(r row) {
		full = bytes == 0 && r.int(0) >= limits.Count || r.int(1)+bytes > limits.Bytes
	}, caller)
	if err != nil || full {
		return full, err
	}
	_, err = c.one(selectShare, func(r row) { full = r.int(1)+bytes > limits.All }, allCallers)
	return full, err
}

func inShare(c *conn, caller string, n, bytes int64) error {
	for _, who := range []string{caller, allCallers} {
		if _, err := c.exec(addShare, who, n, bytes); err != nil {
			return err
		}
		if n < 0 {
			if _, err := c.exec(deleteShare, who); err != nil {
				return err
			}
		}
	}
	return nil
}
