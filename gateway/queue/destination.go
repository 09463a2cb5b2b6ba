package queue

import (
	"context"
	"sync"
	"time"

	"offramp/store"
)

// task is what one attempt works on: one recipient, or several of an exempt
// message, which need no fields of their own.
type task struct {
	message *message
	jobs    []store.Job
	dest    *destination
	down    *store.Status // set: defer without an attempt, for this reason
	answer  func()        // nil, or to be called when the destination answers
	trial   *trial        // of a destination that has not answered yet; nil: it has
	line    bool          // nothing but the line of the destination is put off
	until   time.Time     // of a line: not tried before
}

// trial is the wait for the first answer of a destination. It is cut short when
// others wait for a worker. Its methods are for any goroutine.
type trial struct {
	began   time.Time
	suspect bool // the destination did not answer the last time either

	mu    sync.Mutex
	stops []func() // what ends the wait
	cut   bool     // it was cut short
	over  bool     // the destination answered
}

// waits has stop called when the wait is cut short, or at once when it was.
func (t *trial) waits(stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stops = append(t.stops, stop)
	if t.cut {
		stop()
	}
}

// end cuts the wait short.
func (t *trial) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut || t.over {
		return
	}
	t.cut = true
	for _, stop := range t.stops {
		stop()
	}
}

// answered says that there is nothing to wait for any more.
func (t *trial) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}

// wasCut says whether the wait was cut short.
func (t *trial) wasCut() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cut && !t.over
}

// opening returns the context to open a connection in.
func (t *task) opening(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if t.trial != nil {
		t.trial.waits(cancel)
	}
	return ctx, cancel
}

// destination is the state of one destination. Only the runner's goroutine uses it.
type destination struct {
	key     string
	pending []*task
	proven  bool      // it answered since it was last down; until then one task at a time finds out
	fails   int       // attempts since it last answered
	cuts    int       // of them, those that were cut short
	putting bool      // its line is being put off
	singly  bool      // recipients stayed in its line, to be settled one by one
	active  int       // tasks at work
	limit   int       // tasks that may be at work, as the destination bears it
	most    int       // by the settings
	streak  int       // attempts since the limit changed
	used    time.Time // when it last had work
	until   time.Time
	why     store.Status // while it is down: until is ahead
}

func (d *destination) down(now time.Time) bool { return now.Before(d.until) }

func (d *destination) ready(now time.Time) bool {
	limit := d.limit
	if !d.proven {
		limit = 1
	}
	return len(d.pending) > 0 && (d.active < limit || d.down(now))
}

// full says whether no more recipients of the destination are wanted in memory. Of
// one that has not answered few are: they might stay for long.
func (d *destination) full(now time.Time) bool {
	most := 2 * d.most
	if !d.proven && !d.down(now) {
		most = min(most, 2)
	}
	return len(d.pending)+d.active >= most
}

// idle says whether there is no work.
func (d *destination) idle() bool { return len(d.pending) == 0 && d.active == 0 && !d.putting }

// patience is how long a destination may take for its first answer while others
// wait for theirs: longer each time, so that one that is slow is reached as well.
func (d *destination) patience() time.Duration { return firstPatience << min(2*d.cuts, 8) }

const firstPatience = 3 * time.Second

// contact is what an attempt found out about its destination.
type contact struct {
	reached  bool          // a session could be had
	down     *store.Status // no session could be had, and none is open
	crowded  int           // no session could be had beside that many open ones
	returned bool          // recipients were given back for another attempt at once
	next     time.Time     // earliest time of another attempt; zero: none
	cut      bool          // down, as far as was waited for it
	left     bool          // of a line: recipients are still due
}

// ended takes note of an attempt that ended.
func (d *destination) ended(c contact, now time.Time, pause time.Duration) {
	d.active--
	switch {
	case c.down != nil:
		d.until, d.why = now.Add(pause), *c.down
		d.limit, d.streak, d.proven, d.singly = d.most, 0, false, false
		if d.fails++; c.cut {
			d.cuts++
		}
	case c.crowded > 0:
		// The hop takes fewer connections at a time than we may open.
		d.limit, d.streak = min(d.limit, c.crowded), 0
	case c.reached:
		d.until, d.proven, d.fails, d.cuts = time.Time{}, true, 0, 0
		if d.streak++; d.streak > 4*d.limit && d.limit < d.most {
			d.limit++
			d.streak = 0
		}
	}
}
