package queue

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"offramp/store"
	"offramp/store/failpoint"
)

const (
	failuresAtOnce = 50
	reportEvery    = 100 * time.Millisecond // so that failures of one message come together
	fullLimit      = 50 << 10               // bytes of a message that a bounce returns whole
)

// wants says whether NOTIFY asks for word (RFC 3461 section 4.1). Without
// NOTIFY a failure is reported.
func wants(notify, word string) bool {
	if notify == "" {
		return word == "FAILURE"
	}
	return slices.ContainsFunc(strings.Split(notify, ","), func(w string) bool {
		return strings.EqualFold(strings.TrimSpace(w), word)
	})
}

// notices composes what is due besides failures: that the message went on to a
// hop that tells no more (RFC 3461 section 5.2.2), or that it is late.
func (a *attempt) notices() []*store.Bounce {
	var bounces []*store.Bounce
	add := func(d action, o outcome) {
		r := o.job.Recipient
		r.Status = o.result.Status
		n := notice{action: d, message: o.job.Message, recipients: []store.Recipient{r}, hostname: a.q.Hostname, now: a.q.Now()}
		n.until = a.q.schedule.deadline(o.job.Message)
		if b, err := n.compose(); err != nil {
			a.q.Log.Warn("cannot compose a delivery status notification", "queue_id", o.job.Message.ID, "error", err)
		} else {
			bounces = append(bounces, b)
		}
	}
	for _, o := range a.outcomes {
		m, r := o.job.Message, o.job.Recipient
		if m.ReversePath == "" {
			continue
		}
		switch o.result.Kind {
		case store.Delivered:
			switch {
			case o.hop.DSN || !wants(r.Notify, "SUCCESS"):
			case o.hop.LMTP:
				add(delivered, o)
			default:
				add(relayed, o)
			}
		case store.Deferred:
			if a.q.late(m, r, o.result.Next) {
				add(delayed, o)
			}
		}
	}
	return bounces
}

// report sends bounces for recipients that failed, until ctx ends.
func (q *Queue) report(ctx, hard context.Context) {
	for {
		q.reportAll(ctx, hard)
		select {
		case <-ctx.Done():
			return
		case <-time.After(reportEvery):
		}
		select {
		case <-ctx.Done():
			return
		case <-q.failures:
		case <-time.After(checkEvery):
		}
	}
}

func (q *Queue) reportAll(ctx, hard context.Context) {
	defer q.survive("")
	for ctx.Err() == nil {
		failures, err := q.Spool.Failures(ctx, failuresAtOnce)
		if err != nil {
			if ctx.Err() == nil {
				q.Log.Error("cannot read failed recipients, their bounces are delayed", "error", err)
			}
			return
		}
		reported := 0
		for _, f := range failures {
			if q.reportOne(hard, f) {
				reported++
			}
		}
		if reported == 0 || len(failures) < failuresAtOnce {
			return // what could not be reported has its turn again later
		}
	}
}

// survive ends a panic. What it interrupted has its turn again later.
func (q *Queue) survive(queueID string) {
	if cause := recover(); cause != nil {
		q.Stats.Panics.Add(1)
		q.Log.Error("panic in a bounce", "queue_id", queueID, "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
	}
}

// reportOne reports all failed recipients of one message in one bounce, as far
// as a bounce is due, and removes them.
func (q *Queue) reportOne(ctx context.Context, f store.Failure) (ok bool) {
	defer q.survive(f.Message.ID)
	ids := make([]int64, len(f.Recipients))
	due := make([]store.Recipient, 0, len(f.Recipients))
	for i, r := range f.Recipients {
		ids[i] = r.ID
		if wants(r.Notify, "FAILURE") {
			due = append(due, r)
		}
	}
	log := q.Log.With("queue_id", f.Message.ID, "message_id", f.Message.MessageID)
	var bounce *store.Bounce
	switch {
	case f.Message.ReversePath == "":
		// No bounce of a bounce (RFC 5321 section 6.1).
		log.Warn("mail with the null reverse-path failed and was removed", "recipients", len(ids))
	case len(due) > 0:
		n := notice{action: failed, message: f.Message, recipients: due, hostname: q.Hostname, now: q.Now()}
		n.body = q.wholeBody(ctx, f.Message)
		var err error
		if bounce, err = n.compose(); err != nil {
			log.Warn("no bounce can be written, the failed recipients were removed", "recipients", len(ids), "error", err)
		}
	}
	failpoint.Hit("delivery.report")
	if !q.persist(ctx, "report failed recipients", func(ctx context.Context) error { return q.Spool.Report(ctx, bounce, ids) }) {
		return false
	}
	failpoint.Hit("delivery.reported")
	if q.unreported.Add(-int64(len(ids))) < 0 {
		q.unreported.Store(0) // they failed before the start
	}
	if bounce != nil {
		q.Stats.Bounces.Add(1)
		log.Info("bounce written", "bounce", bounce.Message.ID, "recipients", len(due))
		q.Wake()
	}
	return true
}

// wholeBody returns the body for a bounce that returns the message, or nil
// when only its header is due: that is the rule, also for what REQUIRETLS
// protects (RFC 8689 section 5) and what is too large.
func (q *Queue) wholeBody(ctx context.Context, m *store.Message) []byte {
	if m.Return != "FULL" || m.RequireTLS || m.Size+int64(len(m.Header)) > fullLimit {
		return nil
	}
	shared := message{stored: m}
	body, err := shared.small(ctx, q.Spool)
	if err != nil {
		q.Log.Warn("cannot return the message in its bounce", "queue_id", m.ID, "error", err)
		return nil
	}
	return body
}
