package queue

import (
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
}

// destination is the state of one destination. Only the runner's goroutine uses it.
type destination struct {
	key     string
	pending []*task
	proven  bool // it answered since it was last down; until then one task at a time finds out
	active  int  // tasks at work
	limit   int  // tasks that may be at work, as the destination bears it
	most    int  // by the settings
	streak  int  // attempts since the limit changed
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

// full says whether no more recipients of the destination are wanted in memory.
func (d *destination) full() bool { return len(d.pending)+d.active >= 2*d.most }

// idle says whether there is no work.
func (d *destination) idle() bool { return len(d.pending) == 0 && d.active == 0 }

// contact is what an attempt found out about its destination.
type contact struct {
	reached  bool          // a session could be had
	down     *store.Status // no session could be had, and none is open
	crowded  int           // no session could be had beside that many open ones
	returned bool          // recipients were given back for another attempt at once
	next     time.Time     // earliest time of another attempt; zero: none
}

// ended takes note of an attempt that ended.
func (d *destination) ended(c contact, now time.Time, pause time.Duration) {
	d.active--
	switch {
	case c.down != nil:
		d.until, d.why = now.Add(pause), *c.down
		d.limit, d.streak, d.proven = d.most, 0, false
	case c.crowded > 0:
		// The hop takes fewer connections at a time than we may open.
		d.limit, d.streak = min(d.limit, c.crowded), 0
	case c.reached:
		d.until, d.proven = time.Time{}, true
		if d.streak++; d.streak > 4*d.limit && d.limit < d.most {
			d.limit++
			d.streak = 0
		}
	}
}
