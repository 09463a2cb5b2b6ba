package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/nexthop"
	"offramp/gateway/render"
	"offramp/store"
	"offramp/store/failpoint"
)

// gateHold is how long the gate is held for a next hop that does not answer MAIL.
const gateHold = time.Second

// process makes one attempt and records how it ended. It never panics.
func (q *Queue) process(ctx context.Context, t *task, buf *[]byte) (c contact) {
	if t.line {
		return q.putOff(ctx, t)
	}
	a := &attempt{q: q, task: t, buf: buf}
	began := time.Now()
	defer func() {
		q.Stats.Attempts.Since(began)
		if cause := recover(); cause != nil {
			q.Stats.Panics.Add(1)
			q.Log.Error("panic in a delivery", "queue_id", t.message.stored.ID, "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
			a.abandon()
			c = a.contact
		}
	}()
	a.run(ctx)
	a.cutShort()
	a.record(ctx)
	return a.contact
}

// attempt is the work on one task.
type attempt struct {
	q        *Queue
	task     *task
	buf      *[]byte
	prepared *render.Message // for the next hop of session, or before there is one for the first
	session  *nexthop.Session
	kept     bool        // session had been kept from an earlier transaction
	jobs     []store.Job // of the task, those that are tried now
	refused  []deferral  // of jobs, those that a fresh connection may take
	outcomes []outcome   // one for every job, in the order they were settled
	slots    map[int64]*slot
	lines    render.Lines // of what was sent
	contact  contact
}

func (a *attempt) run(ctx context.Context) {
	t := a.task
	if t.down != nil {
		a.deferAll(t.jobs, *t.down)
		return
	}
	// What the message is counts also where no next hop is reached.
	var err error
	if a.prepared, err = a.q.prepare(ctx, t.message, a.q.Hops.Profile()); err != nil {
		a.postpone(ctx, t.jobs, "prepare the message", err)
		return
	}
	a.jobs = t.jobs
	if waiting := a.q.Hops.Take(t.dest.key); waiting != nil {
		a.session = waiting
		a.heeds(waiting)
		if a.transact(ctx, true) {
			a.again(ctx)
			return
		}
	}
	if !a.connect(ctx) {
		return
	}
	a.transact(ctx, false)
}

// connect opens a session, or settles all jobs.
func (a *attempt) connect(ctx context.Context) bool {
	q, key := a.q, a.task.dest.key
	opening, cancel := a.task.opening(ctx)
	s, err := q.Hops.Open(opening, key)
	cancel()
	if err == nil {
		a.session, a.contact.reached = s, true
		if a.task.trial == nil {
			a.answered()
		}
		a.heeds(s)
		return true
	}
	failure := nexthop.Explain(err)
	status := store.Status(failure.Status)
	if failure.Class == nexthop.BadDomain {
		for _, j := range a.task.jobs {
			a.bounce(j, status, byAddress)
		}
		return false
	}
	if ctx.Err() != nil {
		a.returnAll(a.task.jobs)
		return false
	}
	if t := a.task.trial; t != nil && t.wasCut() {
		status = store.Status{Enhanced: "4.4.1", Text: textCut, Host: status.Host}
	}
	if there := q.Hops.OpenTo(key); there > 0 {
		// It serves others of us at this moment: it has enough, or hiccups.
		q.Log.Info("next hop accepts no further connection", "relay", status.Host, "open", there, "error", err)
		a.contact.crowded = there
		a.returnAll(a.task.jobs)
		return false
	}
	if failure.Class == nexthop.Settings && !q.Hops.Direct() {
		q.Log.Error("next hop rejects the session before any message; check OFFRAMP_NEXT_HOP and the hop's settings", "relay", status.Host, "domain", key, "error", err)
	} else {
		q.Log.Warn("next hop cannot be reached", "relay", status.Host, "domain", key, "error", err)
	}
	a.contact.down = &status
	a.deferAll(a.task.jobs, status)
	return false
}

// heeds lets the wait for the reply to MAIL be cut short: a hop that says nothing
// more is as good as none.
func (a *attempt) heeds(s *nexthop.Session) {
	if a.task.trial != nil {
		a.task.trial.waits(s.Cut)
	}
}

// textCut is the status of what was cut short.
const textCut = "no answer in the time there was, while other destinations waited"

// cutShort makes a destination that was not waited for one that is down.
func (a *attempt) cutShort() {
	if t := a.task.trial; t == nil || !t.wasCut() {
		return
	}
	a.contact.cut, a.contact.reached = true, false
	if a.contact.down == nil {
		a.contact.down = &store.Status{Enhanced: "4.4.1", Text: textCut}
	}
}

func (a *attempt) answered() {
	if a.task.answer != nil {
		if a.task.trial != nil {
			a.task.trial.answered()
		}
		a.task.answer()
		a.task.answer = nil
	}
}

// transact runs the transaction on a.session and settles all jobs. It returns
// false, with nothing settled, when the session had been kept and turned out
// to be dead.
func (a *attempt) transact(ctx context.Context, kept bool) bool {
	s, q := a.session, a.q
	a.kept = kept
	returned := false
	// Also when something panics the session must not stay open unnoticed.
	defer func() {
		if !returned {
			q.Hops.Drop(s)
		}
	}()
	alive := a.offer(ctx)
	returned = true
	if !alive {
		q.Hops.Drop(s)
		return false
	}
	a.contact.reached = true
	if len(a.refused) > 0 {
		s.Spend()
	}
	q.Hops.Give(s)
	return true
}

// offer renders, asks, and sends. It returns false as transact does.
func (a *attempt) offer(ctx context.Context) bool {
	jobs, open := a.jobs, a.task.message.open(ctx, a.q.Spool)
	var err error
	// What is right for one next hop may be broken by another.
	if a.prepared, err = a.q.prepare(ctx, a.task.message, a.session.Profile()); err != nil {
		a.postpone(ctx, jobs, "prepare the message", err)
		return true
	}
	target, err := a.target(ctx, jobs[0])
	if err != nil {
		a.postpone(ctx, jobs, "ask for earlier mail", err)
		return true
	}
	rendering, err := a.render(ctx, target, open)
	unfit := errors.Is(err, render.ErrEightBit)
	if err != nil && !unfit {
		a.postpone(ctx, jobs, "render the message", err)
		return true
	}
	if status, ok := a.fits(rendering, unfit); !ok {
		for _, j := range jobs {
			a.settle(j, store.Bounced, status)
		}
		return true
	}
	jobs, release := a.admit(ctx, a.within(a.addressable(jobs)))
	defer release()
	if len(jobs) == 0 {
		return true
	}
	if err := a.mail(jobs, rendering, release); err != nil {
		if a.kept && !nexthop.Explain(err).Replied && ctx.Err() == nil {
			a.unsent(jobs)
			a.releaseSlots(ctx)
			a.outcomes = a.outcomes[:0] // all are asked about again
			return false
		}
		a.refuseAll(ctx, jobs, err)
		return true
	}
	a.answered()
	accepted := a.addRecipients(ctx, jobs)
	if len(accepted) == 0 {
		a.session.Reset()
		return true
	}
	a.send(ctx, accepted, rendering, open)
	return true
}

// mail sends MAIL and gives the gate back.
func (a *attempt) mail(jobs []store.Job, r render.Rendering, release func()) error {
	failpoint.Hit("delivery.mail")
	bar := a.session.Bar()
	// No clock says when a goroutine that was held up writes MAIL: it is made
	// impossible before the gate is given back.
	hold := time.AfterFunc(gateHold, func() {
		bar()
		release()
	})
	defer release()
	defer hold.Stop()
	m := a.task.message.stored
	return a.session.Mail(nexthop.Envelope{
		ReversePath: r.ReversePath, Size: r.Size, UTF8: a.needsUTF8(r.ReversePath, jobs),
		RequireTLS: m.RequireTLS, Return: m.Return, EnvelopeID: m.EnvelopeID,
	})
}

// admit takes the gate and asks for the verdict on every recipient, directly
// before MAIL. What it returns gives the gate back; it may be called any number
// of times.
func (a *attempt) admit(ctx context.Context, jobs []store.Job) (admitted []store.Job, release func()) {
	list := a.task.message.stored.List
	if !a.prepared.Enforced() {
		list = "" // it is transactional by now
	}
	var gates []func()
	release = sync.OnceFunc(func() {
		for _, done := range gates {
			done()
		}
	})
	whole := false
	defer func() {
		if !whole {
			release() // something panicked
		}
	}()
	for _, j := range jobs {
		address, err := envelope.Parse(j.Recipient.Address)
		if err != nil {
			a.settle(j, store.Parked, store.Status{Enhanced: "5.1.3", Text: "invalid address in the queue"})
			continue
		}
		gates = append(gates, a.q.Verdicts.Start(address))
		verdict, ended, err := a.q.Verdicts.Admit(ctx, address, list, slotOwner(j))
		switch {
		case err != nil:
			a.postpone(ctx, []store.Job{j}, "ask for the verdict", err)
		case verdict.Drop:
			a.outcomes = append(a.outcomes, outcome{job: j, reason: verdict.Reason, result: store.Result{Recipient: j.Recipient.ID, Kind: store.Dropped,
				Status: store.Status{Text: "dropped: " + string(verdict.Reason)}}})
		default:
			a.reserve(j, ended)
			admitted = append(admitted, j)
		}
	}
	whole = true
	return admitted, release
}
