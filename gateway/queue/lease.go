package queue

import (
	"context"
	"time"

	"offramp/store"
)

// perTransaction bounds the recipients of one transaction: what every
// server must take (RFC 5321 section 4.5.3.1.8).
const perTransaction = 100

// low is how many recipients in memory are few.
func (r *runner) low() int { return 2 * cap(r.work) }

// high is how many recipients may be in memory.
func (r *runner) high() int { return max(4*cap(r.work), perTransaction) }

// wanted says whether more recipients are wanted in memory. Those that wait for a
// lane do not count: mail for others is not held up by them.
func (r *runner) wanted(now time.Time) bool {
	r.lanes.waiting = r.waiting(now)
	return r.held-r.lanes.waiting < r.low()
}

// pauses is how long the spool must not be asked.
func (r *runner) pauses(now time.Time) time.Duration {
	wait := r.trial.Sub(now)
	if r.running() > 0 {
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
	limit := r.high() - r.held + r.lanes.waiting
	if r.q.Hops.Direct() {
		limit = min(limit, perTransaction) // those of one destination go back but for a few
	}
	skip := r.skip(now)
	jobs, err := r.q.Spool.Lease(ctx, now, limit, skip)
	r.leased = now
	if err != nil {
		if ctx.Err() == nil {
			r.q.Log.Error("cannot fetch due mail, deliveries are delayed", "error", err)
		}
		r.trial = now.Add(spoolWait)
		return
	}
	r.more = len(jobs) >= limit
	r.take(ctx, jobs, now)
	if r.more || r.known {
		return
	}
	next, ok, err := r.q.Spool.Next(ctx, skip)
	switch {
	case err != nil:
		r.more, r.trial = true, now.Add(spoolWait)
	case ok:
		r.due, r.known = next, true
	default:
		r.known = true // from now on only deferrals and Wake bring something
	}
}

// skip names the destinations of which no more recipients are wanted now.
func (r *runner) skip(now time.Time) []string {
	if !r.q.Hops.Direct() {
		return nil
	}
	var names []string
	for _, d := range r.destinations {
		if d.putting || d.full(now) {
			names = append(names, d.key)
		}
	}
	return names
}

// take makes tasks of jobs. Those of one message share what is read of it.
func (r *runner) take(ctx context.Context, jobs []store.Job, now time.Time) {
	messages := make(map[*store.Message]*message, len(jobs))
	open := make(map[*message]map[string]*task)
	var excess []store.Result
	for _, j := range jobs {
		d := r.destination(r.q.Hops.Destination(j.Recipient.Domain))
		d.used = now
		if r.q.Hops.Direct() && d.full(now) {
			if d.down(now) {
				r.putOff(d)
			}
			excess = append(excess, store.Result{Recipient: j.Recipient.ID, Kind: store.Returned})
			continue
		}
		if !d.proven && r.lanes.most > 0 && !d.down(now) && r.lanes.waiting >= mostWaiting {
			excess = append(excess, r.crowded(j, now))
			continue
		}
		m := messages[j.Message]
		if m == nil {
			m = &message{stored: j.Message}
			messages[j.Message] = m
		}
		r.held++
		if !d.proven {
			r.lanes.waiting++
		}
		if t := open[m][d.key]; t != nil && len(t.jobs) < perTransaction {
			t.jobs = append(t.jobs, j)
			continue
		}
		t := &task{message: m, jobs: []store.Job{j}, dest: d}
		if j.Message.List == "" || j.Message.Untouched {
			if open[m] == nil {
				open[m] = make(map[string]*task)
			}
			open[m][d.key] = t
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

// returnLeases ends the leases of what was not started.
func (r *runner) returnLeases(ctx context.Context) {
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
