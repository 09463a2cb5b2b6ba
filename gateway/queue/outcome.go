package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/nexthop"
	"offramp/store"
	"offramp/store/failpoint"
)

// fate is how an attempt ended for one recipient.
type fate struct {
	job    store.Job
	result store.Result
	reason store.Reason // for Dropped
	// refused is for Bounced: what was said about the recipient.
	refused refused
}

func (a *attempt) settle(j store.Job, kind store.ResultKind, st store.Status) {
	a.fates = append(a.fates, fate{job: j, result: store.Result{Recipient: j.Recipient.ID, Kind: kind, Status: st}})
}

func (a *attempt) returnAll(jobs []store.Job) {
	for _, j := range jobs {
		a.settle(j, store.Returned, store.Status{})
	}
	a.contact.returned = true
}

// deferAll schedules another attempt, or gives up on what is too old.
func (a *attempt) deferAll(jobs []store.Job, st store.Status) {
	for _, j := range jobs {
		next, ok := a.q.schedule.next(j.Message, j.Recipient.Attempts+1, a.q.Now())
		if !ok {
			a.bounce(j, expired(st), byAddress)
			continue
		}
		a.deferUntil(j, next, st)
	}
}

func (a *attempt) deferUntil(j store.Job, next time.Time, st store.Status) {
	a.fates = append(a.fates, fate{job: j, result: store.Result{Recipient: j.Recipient.ID, Kind: store.Deferred, Next: next, Status: st}})
	if a.contact.next.IsZero() || next.Before(a.contact.next) {
		a.contact.next = next
	}
}

// expired is the status of a message that was deferred for too long. The last
// reply stays in its text.
func expired(last store.Status) store.Status {
	text := "delivery time expired"
	if last.Text != "" {
		text += "; last: " + last.Text
	}
	return store.Status{Code: last.Code, Enhanced: "5.4.7", Text: nexthop.OneLine(text, nexthop.MaxText), Host: last.Host}
}

// postpone defers for an error of our own, shortly and without end: a message
// never bounces for it. What is damaged is held for the operator.
func (a *attempt) postpone(ctx context.Context, jobs []store.Job, what string, err error) {
	switch {
	case errors.Is(err, store.ErrDamaged):
		a.hold(jobs, err)
	case ctx.Err() != nil:
		a.returnAll(jobs)
	default:
		a.logger().Error("cannot "+what+", the delivery is deferred", "error", err)
		for _, j := range jobs {
			a.deferUntil(j, a.q.Now().Add(min(a.q.config.RetryMin, 10*time.Second)),
				store.Status{Enhanced: "4.3.0", Text: "internal error: cannot " + what})
		}
	}
}

// hold leaves damaged mail to the operator.
func (a *attempt) hold(jobs []store.Job, err error) {
	a.logger().Error("a queued message is damaged and held", "error", err)
	for _, j := range jobs {
		a.settle(j, store.Parked, store.Status{Enhanced: "5.6.0", Text: "the queued message is damaged and held for the operator"})
	}
}

func (a *attempt) logger() *slog.Logger {
	return a.q.Log.With("queue_id", a.task.parcel.m.ID, "list", a.task.parcel.m.List)
}

// refuse settles a job by an error of the transaction.
func (a *attempt) refuse(ctx context.Context, j store.Job, err error) {
	failure := nexthop.Explain(err)
	if failure.InDoubt {
		a.ended(j, store.MaybeSent)
	} else {
		a.ended(j, store.NotSent)
	}
	if content, ok := errors.AsType[*contentError](err); ok {
		a.postpone(ctx, []store.Job{j}, "read the message", content)
		return
	}
	st := store.Status(failure.Status)
	switch failure.Class {
	case nexthop.Damaged:
		a.hold([]store.Job{j}, err)
	case nexthop.Permanent:
		a.bounce(j, st, refusedAt(failure.Stage, len(a.task.jobs) == 1))
	case nexthop.Settings:
		a.q.Log.Error("next hop requires authentication or TLS; check OFFRAMP_NEXT_HOP", "relay", st.Host, "code", st.Code, "status", envelope.MaskAll(st.Text))
		a.deferAll([]store.Job{j}, st)
	default:
		if ctx.Err() != nil && !failure.Replied {
			a.returnAll([]store.Job{j})
			return
		}
		a.deferAll([]store.Job{j}, st)
	}
}

func (a *attempt) refuseAll(ctx context.Context, jobs []store.Job, err error) {
	for _, j := range jobs {
		a.refuse(ctx, j, err)
	}
}

// abandon defers, after a panic, what has no fate yet, and records what has.
// When that panics too, the leases end with the process.
func (a *attempt) abandon() {
	defer func() {
		if fault := recover(); fault != nil {
			a.q.Log.Error("panic again, recipients stay leased until the next start", "queue_id", a.task.parcel.m.ID, "error", fmt.Sprint(fault))
		}
	}()
	settled := make(map[int64]bool)
	for _, f := range a.fates {
		settled[f.job.Recipient.ID] = true
	}
	for _, j := range a.task.jobs {
		if !settled[j.Recipient.ID] {
			a.deferAll([]store.Job{j}, store.Status{Enhanced: "4.3.0", Text: "internal error, see the log"})
		}
	}
	a.record(context.Background())
}

// record makes the fates durable: turns, events and notices first, so that
// what leaves the spool has left its trace. Only then it logs and counts.
func (a *attempt) record(ctx context.Context) {
	q := a.q
	a.handBack(ctx)
	if events := a.events(); len(events) > 0 {
		q.persist(ctx, "add events", func(ctx context.Context) error { return q.Events.AddEvents(ctx, events...) })
	}
	for _, b := range a.notices() {
		if q.persist(ctx, "add a delivery status notification", func(ctx context.Context) error { return q.Spool.Report(ctx, b, nil) }) {
			q.Stats.Bounces.Add(1)
			q.Wake()
		}
	}
	results := make([]store.Result, len(a.fates))
	for i, f := range a.fates {
		results[i] = f.result
		if f.result.Kind == store.Bounced {
			q.unreported.Add(1)
		}
	}
	q.persist(ctx, "record deliveries", func(ctx context.Context) error { return q.Spool.Settle(ctx, results...) })
	failpoint.Hit("delivery.settled")
	a.tellRefusals(ctx)
	for _, f := range a.fates {
		a.log(f)
	}
	if q.unreported.Load() > 0 {
		poke(q.failures) // also a delivery can complete a message with failures
	}
}

// events are the traces of recipients that were not delivered. Once makes them
// the same event when an attempt is repeated after a crash. No text in them
// holds an address: only by their recipient they can be found to be erased.
func (a *attempt) events() []store.Event {
	var events []store.Event
	for _, f := range a.fates {
		m, r := f.job.Message, f.job.Recipient
		e := store.Event{Time: a.q.Now(), List: m.List, Way: store.Delivery, QueueID: m.ID, MessageID: m.MessageID, Recipient: key(r.Address)}
		switch f.result.Kind {
		case store.Dropped:
			e.Kind, e.Reason = store.EventDropped, f.reason
			e.Once = "dropped " + holder(f.job)
		case store.Bounced:
			st := f.result.Status
			st.Text = withoutAddresses(st.Text, r.Address)
			e.Kind, e.Detail = store.EventFailed, diagnostic(st)
			e.Once = "failed " + holder(f.job)
		default:
			continue
		}
		events = append(events, e)
	}
	return events
}

// key is the lookup key of an address in the spool.
func key(address string) string {
	a, err := envelope.Parse(address)
	if err != nil {
		return address
	}
	return a.Key()
}

// masked is an address of the spool for the log.
func masked(address string) string {
	a, err := envelope.Parse(address)
	if err != nil {
		return "?"
	}
	return a.Masked()
}

// withoutAddresses masks the recipient in the text of a hop, which likes to
// repeat it, and every other address.
func withoutAddresses(text, recipient string) string {
	return envelope.MaskAll(strings.ReplaceAll(text, recipient, masked(recipient)))
}

// log writes one line for a recipient, and counts it.
func (a *attempt) log(f fate) {
	s, m, r := a.q.Stats, f.job.Message, f.job.Recipient
	level, text := slog.LevelInfo, ""
	switch f.result.Kind {
	case store.Delivered:
		s.Delivered.Add(1)
		text = "delivered"
	case store.Dropped:
		s.Dropped.Add(1)
		text = "dropped"
		if m.Unmarked && f.reason.OptOut() {
			level, text = slog.LevelWarn, "dropped, though the message has no mark of a list: see OFFRAMP_DEFAULT_STREAM"
			s.DroppedUnmarked.Add(1)
		}
		if a.q.Traffic != nil && f.reason.OptOut() {
			a.q.Traffic.Drop(m)
		}
	case store.Deferred:
		s.Deferred.Add(1)
		text = "deferred"
	case store.Bounced:
		s.Failed.Add(1)
		level, text = slog.LevelWarn, "failed"
	case store.Parked:
		s.Parked.Add(1)
		level, text = slog.LevelError, "held"
	default:
		return
	}
	if !a.q.Log.Enabled(context.Background(), level) {
		return
	}
	st, now := f.result.Status, a.q.Now()
	st.Text = withoutAddresses(st.Text, r.Address)
	attrs := append(make([]slog.Attr, 0, 14), slog.String("queue_id", m.ID), slog.String("message_id", m.MessageID),
		slog.String("list", m.List), slog.String("to", masked(r.Address)), slog.String("domain", r.Domain), slog.String("relay", st.Host),
		slog.Int("code", st.Code), slog.String("dsn", st.Enhanced), slog.String("status", st.Text),
		slog.Int("attempt", r.Attempts+1), slog.Int64("delay_ms", now.Sub(m.Received).Milliseconds()))
	if f.result.Kind == store.Deferred {
		attrs = append(attrs, slog.Time("next", f.result.Next))
	}
	a.q.Log.LogAttrs(context.Background(), level, text, attrs...)
}

// persist repeats write until it succeeds: a lease whose result is lost would
// hold its recipient until the next start. It gives up, and returns false, when
// ctx has ended or when an error is not of a kind that passes.
func (q *Queue) persist(ctx context.Context, what string, write func(context.Context) error) bool {
	wait := 50 * time.Millisecond
	for try := 1; ; try++ {
		err := write(context.WithoutCancel(ctx))
		if err == nil {
			return true
		}
		passing := errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull)
		if try == 1 {
			q.Log.Error("cannot "+what+", trying again", "error", err)
		}
		if !passing && try == 10 {
			q.Log.Error("cannot "+what+", giving up until the next start", "error", err)
			return false
		}
		select {
		case <-ctx.Done():
			q.Log.Error(fmt.Sprintf("cannot %s before the shutdown", what), "error", err)
			return false
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}
