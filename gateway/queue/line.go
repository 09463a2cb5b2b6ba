package queue

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// putOff defers all that is due of a destination that cannot be reached. What is
// more to it than another time, a bounce or a notice, stays due, to be settled one
// by one. It never panics.
func (q *Queue) putOff(ctx context.Context, t *task) (c contact) {
	defer func() {
		if cause := recover(); cause != nil {
			q.Stats.Panics.Add(1)
			q.Log.Error("panic while a line is put off", "domain", t.dest.key, "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
			c = contact{left: true}
		}
	}()
	now := q.Now()
	off, left, err := q.Spool.PutOff(ctx, store.Line{
		Domain: t.dest.key, Now: now, Status: *t.down,
		Next: func(m *store.Message, r store.Recipient) (time.Time, bool) { return q.later(m, r, now, t.until) },
	})
	if off > 0 {
		q.Stats.Deferred.Add(int64(off))
		q.Log.LogAttrs(ctx, slog.LevelInfo, "all mail to a destination deferred", slog.String("domain", t.dest.key), slog.Int("recipients", off),
			slog.String("relay", t.down.Host), slog.Int("code", t.down.Code), slog.String("dsn", t.down.Enhanced),
			slog.String("status", envelope.MaskAll(t.down.Text)), slog.Time("until", t.until))
	}
	if err != nil {
		q.Log.Error("cannot defer all mail to a destination, each message is deferred by itself", "domain", t.dest.key, "error", err)
	}
	return contact{left: left > 0 || err != nil}
}

// later is when a recipient in the line of a destination that is down until a time
// is tried again; ok is false for one that has expired, and where a notice is due.
// There is no jitter: what is due together is put off together.
func (q *Queue) later(m *store.Message, r store.Recipient, now, until time.Time) (next time.Time, ok bool) {
	if q.schedule.expired(m, r.Attempts+1, q.Sure()) {
		return time.Time{}, false
	}
	next = now.Add(q.schedule.wait(r.Attempts + 1))
	if next.Before(until) {
		next = until
	}
	if deadline := q.schedule.deadline(m); next.After(deadline) && deadline.After(now) {
		next = deadline
	}
	return next, !q.late(m, r, next)
}

// late says whether a notice is due that delivery is delayed, when a recipient is
// tried again at next. This attempt was due before the limit and the next one is
// due after it: so it is reported once.
func (q *Queue) late(m *store.Message, r store.Recipient, next time.Time) bool {
	limit := m.Received.Add(q.config.DelayNotice)
	return m.ReversePath != "" && wants(r.Notify, "DELAY") && !r.Next.After(limit) && next.After(limit)
}
