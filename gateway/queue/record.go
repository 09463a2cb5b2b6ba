package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
	"offramp/store/failpoint"
)

// abandon defers, after a panic, what has no outcome yet, and records what has.
// When that panics too, the leases end with the process.
func (a *attempt) abandon() {
	defer func() {
		if cause := recover(); cause != nil {
			a.q.Log.Error("panic again, recipients stay leased until the next start", "queue_id", a.task.message.stored.ID, "error", fmt.Sprint(cause))
		}
	}()
	settled := make(map[int64]bool)
	for _, o := range a.outcomes {
		settled[o.job.Recipient.ID] = true
	}
	for _, j := range a.task.jobs {
		if !settled[j.Recipient.ID] {
			a.deferAll([]store.Job{j}, store.Status{Enhanced: "4.3.0", Text: "internal error, see the log"})
		}
	}
	a.record(context.Background())
}

// record makes the outcomes durable: slots, events and notices first, so that
// what leaves the spool has left its trace. Only then it logs and counts.
func (a *attempt) record(ctx context.Context) {
	q := a.q
	a.releaseSlots(ctx)
	if events := a.events(); len(events) > 0 &&
		!q.persistFor(ctx, eventTries, "add events", func(ctx context.Context) error { return q.Events.AddEvents(ctx, events...) }) {
		a.unrecorded()
	}
	for _, b := range a.notices() {
		if q.persist(ctx, "add a delivery status notification", func(ctx context.Context) error { return q.Spool.Report(ctx, b, nil) }) {
			q.Stats.Bounces.Add(1)
			q.Wake()
		}
	}
	results := make([]store.Result, len(a.outcomes))
	for i, o := range a.outcomes {
		results[i] = o.result
		results[i].Reason = o.reason
		if o.result.Kind == store.Bounced {
			q.unreported.Add(1)
		}
	}
	q.persist(ctx, "record deliveries", func(ctx context.Context) error { return q.Spool.Settle(ctx, results...) })
	failpoint.Hit("delivery.settled")
	a.reportRefusals(ctx)
	for _, o := range a.outcomes {
		a.log(o)
	}
	if q.unreported.Load() > 0 {
		poke(q.failures) // also a delivery can complete a message with failures
	}
}

// unrecorded keeps in the spool what may not leave it without a trace.
func (a *attempt) unrecorded() {
	for i := range a.outcomes {
		switch o := &a.outcomes[i]; o.result.Kind {
		case store.Dropped, store.Bounced:
			next := a.q.Now().Add(a.q.config.RetryMin)
			*o = outcome{job: o.job, result: store.Result{Recipient: o.job.Recipient.ID, Kind: store.Deferred, Next: next,
				Status: store.Status{Enhanced: "4.3.0", Text: "internal error: cannot record what became of it"}}}
			if a.contact.next.IsZero() || next.Before(a.contact.next) {
				a.contact.next = next
			}
		}
	}
}

// events are the traces of recipients that were not delivered. Once makes them
// the same event when an attempt is repeated after a crash. No text in them
// holds an address: only by their recipient they can be found to be erased.
func (a *attempt) events() []store.Event {
	var events []store.Event
	for _, o := range a.outcomes {
		m, r := o.job.Message, o.job.Recipient
		e := store.Event{Time: a.q.Now(), List: m.List, Way: store.Delivery, QueueID: m.ID, MessageID: m.MessageID, Recipient: key(r.Address)}
		switch o.result.Kind {
		case store.Dropped:
			e.Kind, e.Reason = store.EventDropped, o.reason
			e.IP, e.Who, e.Detail = m.Client, m.Login, store.DropDetail(m.ReversePath)
			e.Once = "dropped " + slotOwner(o.job)
		case store.Bounced:
			st := o.result.Status
			st.Text = withoutAddresses(st.Text, r.Address)
			e.Kind, e.Detail = store.EventFailed, diagnostic(st)
			e.Once = "failed " + slotOwner(o.job)
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
func (a *attempt) log(o outcome) {
	s, m, r := a.q.Stats, o.job.Message, o.job.Recipient
	level, text := slog.LevelInfo, ""
	switch o.result.Kind {
	case store.Delivered:
		s.Delivered.Add(1)
		s.Deliveries.Observe(a.q.Now().Sub(m.Received))
		text = "delivered"
	case store.Dropped:
		s.Dropped.Add(1)
		text = "dropped"
		if m.Unmarked && o.reason.OptOut() {
			level, text = slog.LevelWarn, "dropped, though the message has no mark of a list: see OFFRAMP_DEFAULT_STREAM"
			s.DroppedUnmarked.Add(1)
		}
		if a.q.Traffic != nil && o.reason.OptOut() {
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
	st, now := o.result.Status, a.q.Now()
	st.Text = withoutAddresses(st.Text, r.Address)
	attrs := append(make([]slog.Attr, 0, 14), slog.String("queue_id", m.ID), slog.String("message_id", m.MessageID),
		slog.String("list", m.List), slog.String("to", masked(r.Address)), slog.String("domain", r.Domain), slog.String("relay", st.Host),
		slog.Int("code", st.Code), slog.String("dsn", st.Enhanced), slog.String("status", st.Text),
		slog.Int("attempt", r.Attempts+1), slog.Int64("delay_ms", now.Sub(m.Received).Milliseconds()))
	switch o.result.Kind {
	case store.Delivered:
		attrs = a.odd(attrs)
	case store.Deferred:
		attrs = append(attrs, slog.Time("next", o.result.Next))
	case store.Dropped:
		attrs = append(attrs, slog.String("reason", string(o.reason)), slog.String("mark", m.Mark))
	}
	a.q.Log.LogAttrs(context.Background(), level, text, attrs...)
}

// odd adds what is to be known of a message as it was sent.
func (a *attempt) odd(attrs []slog.Attr) []slog.Attr {
	if a.prepared.Unsigned() {
		attrs = append(attrs, slog.Bool("unsigned", true))
	}
	if a.prepared.BreaksSignature() {
		attrs = append(attrs, slog.Bool("broken_signature", true))
	}
	if n := a.prepared.DroppedSignatures(); n > 0 {
		attrs = append(attrs, slog.Int("dropped_signatures", n))
	}
	if line, ok := a.prepared.Line(); ok {
		attrs = append(attrs, slog.String("footer", line.String()))
	}
	if lines := a.lines.String(); lines != "" {
		attrs = append(attrs, slog.String("long_lines", lines))
	}
	return attrs
}

// persist repeats write until it succeeds: a lease whose result is lost would
// hold its recipient until the next start. It gives up, and returns false, when
// ctx has ended or when an error is not of a kind that passes.
func (q *Queue) persist(ctx context.Context, what string, write func(context.Context) error) bool {
	return q.persistFor(ctx, resultTries, what, write)
}

// How often a write is tried whose error does not pass: without the events of
// an attempt it is made again later, without its results only by the next start.
const (
	eventTries  = 4
	resultTries = 10
)

func (q *Queue) persistFor(ctx context.Context, tries int, what string, write func(context.Context) error) bool {
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
		if !passing && try == tries {
			q.Log.Error("cannot "+what+", giving up", "error", err)
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
