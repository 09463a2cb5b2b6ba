package queue

import (
	"context"
	"time"

	"offramp/store"
)

const (
	// perTransaction bounds the recipients of one transaction: what every
	// server must take (RFC 5321 section 4.5.3.1.8).
	perTransaction = 100
	// leaseEvery is the least time between two leases while deliveries run, so
	// that under load one query fetches several recipients.
	leaseEvery = 2 * time.Millisecond
	// troubleWait is the wait after the spool failed.
	troubleWait = time.Second
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
	// answers brings destinations that answer, while the attempt goes on.
	answers chan *destination

	destinations map[string]*destination
	turn         []*destination // those with pending tasks, in the order of their turn
	busy         int            // workers at work
	held         int            // recipients leased

	more    bool      // there may be more to lease
	known   bool      // due is known
	due     time.Time // when something in the spool is due; zero: nothing
	leased  time.Time // when the spool was last asked
	trial   time.Time // when it is asked again, after it failed
	checked time.Time // when it was last asked without any cause
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
		case d := <-r.answers:
			d.proven = true
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

// answered returns what a worker calls when d answers.
func (r *runner) answered(d *destination) func() {
	return func() {
		select {
		case r.answers <- d:
		default: // the end of the attempt tells it too
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
	if r.more && r.held < r.low() {
		if pauses := r.pauses(now); pauses > 0 {
			wait = min(wait, pauses)
		} else {
			r.lease(ctx, now)
		}
	}
	r.dispatch(now)
	if r.busy == 0 && r.more && len(r.turn) == 0 {
		wait = min(wait, max(r.pauses(now), leaseEvery))
	}
	if !r.due.IsZero() {
		wait = min(wait, max(r.due.Sub(now), time.Millisecond))
	}
	for key, d := range r.destinations {
		if d.down(now) {
			wait = min(wait, d.until.Sub(now))
		} else if d.idle() && r.q.Hops.Direct() {
			delete(r.destinations, key)
		}
	}
	if again := r.q.Hops.Sweep(now); again > 0 {
		wait = min(wait, again)
	}
	return wait
}

// low is how many recipients in memory are few.
func (r *runner) low() int { return 2 * r.q.Hops.Connections() }

// high is how many recipients may be in memory.
func (r *runner) high() int { return max(4*r.q.Hops.Connections(), perTransaction) }

// pauses is how long the spool must not be asked.
func (r *runner) pauses(now time.Time) time.Duration {
	wait := r.trial.Sub(now)
	if r.busy > 0 {
		wait = max(wait, r.leased.Add(leaseEvery).Sub(now))
	}
	if !r.q.Hops.Direct() {
		if d := r.destinations[""]; d != nil {
			wait = max(wait, d.until.Sub(now))
		}
	}
	return wait
}

// lease fetches recipients that are due.
func (r *runner) lease(ctx context.Context, now time.Time) {
	limit := r.high() - r.held
	skip := r.skip()
	jobs, err := r.q.Spool.Lease(ctx, now, limit, skip)
	r.leased = now
	if err != nil {
		if ctx.Err() == nil {
			r.q.Log.Error("cannot fetch due mail, deliveries are delayed", "error", err)
		}
		r.trial = now.Add(troubleWait)
		return
	}
	r.more = len(jobs) >= limit
	r.take(ctx, jobs)
	if r.more || r.known {
		return
	}
	next, ok, err := r.q.Spool.Next(ctx, skip)
	switch {
	case err != nil:
		r.more, r.trial = true, now.Add(troubleWait)
	case ok:
		r.due, r.known = next, true
	default:
		r.known = true // from now on only deferrals and Wake bring something
	}
}

// skip names the destinations of which no more recipients are wanted now.
func (r *runner) skip() []string {
	if !r.q.Hops.Direct() {
		return nil
	}
	var names []string
	for _, d := range r.destinations {
		if d.full() {
			names = append(names, d.key)
		}
	}
	return names
}

// take makes tasks of jobs. Those of one message share what is read of it.
func (r *runner) take(ctx context.Context, jobs []store.Job) {
	parcels := make(map[*store.Message]*parcel, len(jobs))
	open := make(map[*parcel]map[string]*task)
	var excess []store.Result
	for _, j := range jobs {
		d := r.destination(r.q.Hops.Destination(j.Recipient.Domain))
		if r.q.Hops.Direct() && d.full() {
			excess = append(excess, store.Result{Recipient: j.Recipient.ID, Kind: store.Returned})
			continue
		}
		p := parcels[j.Message]
		if p == nil {
			p = &parcel{m: j.Message}
			parcels[j.Message] = p
		}
		r.held++
		if t := open[p][d.key]; t != nil && len(t.jobs) < perTransaction {
			t.jobs = append(t.jobs, j)
			continue
		}
		t := &task{parcel: p, jobs: []store.Job{j}, dest: d}
		if j.Message.List == "" || j.Message.Untouched {
			if open[p] == nil {
				open[p] = make(map[string]*task)
			}
			open[p][d.key] = t
		}
		if len(d.pending) == 0 {
			r.turn = append(r.turn, d)
		}
		d.pending = append(d.pending, t)
	}
	if len(excess) > 0 {
		r.more = true // of other destinations
		r.q.persist(ctx, "release leases", func(ctx context.Context) error {
			return r.q.Spool.Settle(ctx, excess...)
		})
	}
}

func (r *runner) destination(key string) *destination {
	d := r.destinations[key]
	if d == nil {
		most := r.q.Hops.PerDestination()
		d = &destination{key: key, most: most, limit: most}
		r.destinations[key] = d
	}
	return d
}

// dispatch hands tasks to free workers, one of each destination in turn.
func (r *runner) dispatch(now time.Time) {
	for r.busy < cap(r.work) {
		i := 0
		for i < len(r.turn) && !r.turn[i].ready(now) {
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
			t.answer = r.answered(d)
		}
		d.active++
		r.busy++
		r.work <- t
	}
}

// settled takes note of a task that is done.
func (r *runner) settled(e ending) {
	now := r.q.Now()
	r.busy--
	r.held -= len(e.task.jobs)
	d := e.task.dest
	wasFull := d.full()
	d.ended(e.contact, now, r.q.config.Pause())
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

// giveBack ends the leases of what was not begun.
func (r *runner) giveBack(ctx context.Context) {
	var results []store.Result
	for _, d := range r.destinations {
		for _, t := range d.pending {
			for _, j := range t.jobs {
				results = append(results, store.Result{Recipient: j.Recipient.ID, Kind: store.Returned})
			}
		}
		d.pending = nil
	}
	if len(results) > 0 {
		r.q.persist(ctx, "release leases", func(ctx context.Context) error {
			return r.q.Spool.Settle(ctx, results...)
		})
	}
}
