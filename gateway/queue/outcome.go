package queue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/nexthop"
	"offramp/store"
)

// outcome is how an attempt ended for one recipient.
type outcome struct {
	job    store.Job
	result store.Result
	reason store.Reason // for Dropped
	// hop is for Delivered: what the one that took it can do.
	hop nexthop.Abilities
	// refused is for Bounced: what was said about the recipient.
	refused refused
}

func (a *attempt) settle(j store.Job, kind store.ResultKind, st store.Status) {
	a.outcomes = append(a.outcomes, outcome{job: j, result: store.Result{Recipient: j.Recipient.ID, Kind: kind, Status: st}})
}

// deliver settles a job that the hop of the session took.
func (a *attempt) deliver(j store.Job) {
	a.settle(j, store.Delivered, store.Status{Code: 250, Text: a.session.Reply(), Host: a.session.Name()})
	a.outcomes[len(a.outcomes)-1].hop = a.session.Abilities()
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
		next, ok := a.q.schedule.next(j.Message, j.Recipient.Attempts+1, a.q.Now(), a.q.Sure())
		if !ok {
			a.bounce(j, expired(st), byAddress)
			continue
		}
		a.deferUntil(j, next, st)
	}
}

func (a *attempt) deferUntil(j store.Job, next time.Time, st store.Status) {
	a.outcomes = append(a.outcomes, outcome{job: j, result: store.Result{Recipient: j.Recipient.ID, Kind: store.Deferred, Next: next, Status: st}})
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

// postpone defers for an error of our own, shortly. A message does not bounce for
// the store being down, however long; for anything else it expires like others,
// since what does not go away by then is about the message. A message that is
// damaged is held; where a file is, or records that stop mail are, the mail
// waits for the repair: the message is whole.
func (a *attempt) postpone(ctx context.Context, jobs []store.Job, what string, err error) {
	switch {
	case errors.Is(err, store.ErrUncertain):
		a.await(jobs)
		return
	case errors.Is(err, store.ErrMessage):
		a.hold(jobs, err, store.DamagedText)
		return
	case ctx.Err() != nil:
		a.returnAll(jobs)
		return
	}
	a.logger().Error("cannot "+what+", the delivery is deferred", "error", err)
	st := store.Status{Enhanced: "4.3.0", Text: "internal error: cannot " + what}
	damaged := errors.Is(err, store.ErrDamaged)
	down := damaged || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull)
	now, wait := a.q.Now(), min(a.q.config.RetryMin, 10*time.Second)
	if damaged {
		wait = a.q.config.RetryMin // it takes somebody to repair it
	}
	for _, j := range jobs {
		if !down && a.q.schedule.expired(j.Message, j.Recipient.Attempts+1, a.q.Sure()) {
			a.settle(j, store.Bounced, expired(st))
			continue
		}
		a.deferUntil(j, now.Add(wait), st)
	}
}

// repairWait is how long mail waits that needs damaged records, before they are
// asked for again.
const repairWait = 5 * time.Minute

// await defers for as long as it takes. The store has said what is damaged, so it
// is not said again for each message.
func (a *attempt) await(jobs []store.Job) {
	for _, j := range jobs {
		a.q.Stats.Uncertain.Add(1)
		a.deferUntil(j, a.q.Now().Add(repairWait), store.Status{Enhanced: "4.3.0", Text: "records that stop mail are damaged: waiting for `offramp repair`"})
	}
}

// hold leaves mail that cannot be sent as it is to the operator.
func (a *attempt) hold(jobs []store.Job, err error, why string) {
	a.logger().Error("a queued message is held", "why", why, "error", err)
	for _, j := range jobs {
		a.settle(j, store.Parked, store.Status{Enhanced: "5.6.0", Text: why})
	}
}

func (a *attempt) logger() *slog.Logger {
	return a.q.Log.With("queue_id", a.task.message.stored.ID, "list", a.task.message.stored.List)
}

// refuse settles a job by an error of the transaction.
func (a *attempt) refuse(ctx context.Context, j store.Job, err error) {
	failure := nexthop.Explain(err)
	if failure.InDoubt {
		a.note(j, store.MaybeSent)
	} else {
		a.note(j, store.NotSent)
	}
	if content, ok := errors.AsType[*contentError](err); ok {
		a.postpone(ctx, []store.Job{j}, "read the message", content)
		return
	}
	st := store.Status(failure.Status)
	switch failure.Class {
	case nexthop.Damaged:
		a.hold([]store.Job{j}, err, "the stored message has a line end that may not be sent, and is held for the operator")
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
		if a.worthAnother(failure) {
			a.refused = append(a.refused, deferral{j, failure})
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
