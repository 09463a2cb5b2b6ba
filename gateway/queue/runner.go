package queue

import (
	"context"
	"time"
)

const (
	// leaseEvery is the least time between two leases while deliveries run, so
	// that under load one query fetches several recipients.
	leaseEvery = 2 * time.Millisecond
	// spoolWait is the wait after the spool failed.
	spoolWait = time.Second
	// checkEvery is how often the spool is looked at without any cause.
	checkEvery = time.Minute
)

// ending is a task that is done.
type ending struct {
	task    *task
	contact contact
}

// runner is the one goroutine that leases recipients and hands them to the
// workers, and all of its state.
type runner struct {
	q     *Queue
	work  chan *task
	ended chan ending
	// answers brings tasks whose destination answers, while the attempt goes on.
	answers chan *task

	destinations map[string]*destination
	turn         []*destination // those with pending tasks, in the order of their turn
	lines        []*destination // those whose line is to be put off
	lanes        lanes
	putting      int // of them, those that are being put off
	busy         int // workers at work on messages, but for those in lanes
	held         int // recipients leased

	more    bool      // there may be more to lease
	known   bool      // due is known
	due     time.Time // when something in the spool is due; zero: nothing
	leased  time.Time // when the spool was last asked
	trial   time.Time // when it is asked again, after it failed
	checked time.Time // when it was last asked without any cause
	swept   time.Time // when destinations were last forgotten
}

func (r *runner) run(ctx context.Context) {
	r.more = true
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		wait := r.step(ctx)
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-r.q.woken:
			r.more = true
		case <-r.q.flushed:
			r.flush()
		case e := <-r.ended:
			r.settled(e)
			r.collect()
		case t := <-r.answers:
			r.proven(t)
		case <-timer.C:
		}
	}
}

// flush ends every pause. A destination still has to answer one task before it
// gets the others.
func (r *runner) flush() {
	for _, d := range r.destinations {
		d.until = time.Time{}
	}
	r.trial, r.more = time.Time{}, true
}

// proven takes note of a destination that answers.
func (r *runner) proven(t *task) {
	if r.lanes.leaves(t) {
		r.busy++
		r.more, r.known = true, false // few were wanted of it until now
	}
	t.dest.proven = true
}

// answered returns what a worker calls when the destination of t answers.
func (r *runner) answered(t *task) func() {
	return func() {
		select {
		case r.answers <- t:
		default: // the end of the attempt says it too
		}
	}
}

// collect takes all endings that are there, so that what they make room for is
// leased together.
func (r *runner) collect() {
	for {
		select {
		case e := <-r.ended:
			r.settled(e)
		default:
			return
		}
	}
}

// step does all that can be done now and returns how long there is nothing to do.
func (r *runner) step(ctx context.Context) time.Duration {
	now := r.q.Now()
	if !r.due.IsZero() && !now.Before(r.due) || now.Sub(r.checked) >= checkEvery {
		r.more, r.known, r.due, r.checked = true, false, time.Time{}, now
	}
	wait := checkEvery
	if r.more && r.wanted(now) {
		if pauses := r.pauses(now); pauses > 0 {
			wait = min(wait, pauses)
		} else {
			r.lease(ctx, now)
		}
	}
	r.dispatch(now)
	if again := r.makeRoom(now); again > 0 {
		wait = min(wait, again)
	}
	if r.more && (r.running() == 0 && len(r.turn) == 0 || r.lanes.most > 0 && r.wanted(now)) {
		wait = min(wait, max(r.pauses(now), leaseEvery))
	}
	if !r.due.IsZero() {
		wait = min(wait, max(r.due.Sub(now), time.Millisecond))
	}
	if r.q.Hops.Direct() {
		r.sweep(now)
	} else if d := r.destinations[""]; d != nil && d.down(now) {
		wait = min(wait, d.until.Sub(now))
	}
	if again := r.q.Hops.Sweep(now); again > 0 {
		wait = min(wait, again)
	}
	return wait
}

// dispatch hands tasks to free workers, one of each destination in turn.
func (r *runner) dispatch(now time.Time) {
	r.dispatchLines()
	for {
		r.lanes.fresh, r.lanes.again = 0, 0
		i := 0
		for i < len(r.turn) && !(r.turn[i].ready(now) && r.admits(r.turn[i], now)) {
			i++
		}
		if i == len(r.turn) {
			return
		}
		d := r.turn[i]
		t := d.pending[0]
		d.pending[0] = nil
		d.pending = d.pending[1:]
		r.turn = append(r.turn[:i], r.turn[i+1:]...)
		if len(d.pending) > 0 {
			r.turn = append(r.turn, d)
		}
		if d.down(now) {
			why := d.why
			t.down = &why
		}
		if !d.proven {
			t.answer = r.answered(t)
		}
		r.begin(t, now)
		r.work <- t
	}
}

// settled takes note of a task that is done.
func (r *runner) settled(e ending) {
	now := r.q.Now()
	d := e.task.dest
	d.used = now
	if e.task.line {
		r.putting--
		d.putting, d.singly = false, e.contact.left
		r.more, r.known = true, false
		return
	}
	if !r.lanes.leaves(e.task) {
		r.busy--
	}
	r.held -= len(e.task.jobs)
	wasFull := d.full(now)
	d.ended(e.contact, now, r.pause(d))
	if e.contact.returned {
		r.more = true
	}
	if wasFull {
		r.more, r.known = true, false // it was left out until now
	}
	if !e.contact.next.IsZero() && (r.due.IsZero() || e.contact.next.Before(r.due)) {
		r.due = e.contact.next
	}
}
