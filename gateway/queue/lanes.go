package queue

import (
	"time"

	"offramp/store"
)

// With direct delivery a destination that does not answer holds a worker for
// minutes, and many of them would hold all. So those that have not answered of
// late are tried in lanes of their own, beside the workers for those that have;
// and those that did not answer the last time have no more than half of the lanes.
// Where more wait than there are lanes, a wait for an answer is cut short.

const (
	// LanesEach is how many lanes there are for each connection of the settings:
	// as many connections more may be open.
	LanesEach = 3
	// mostWaiting is how many recipients wait for a lane in memory.
	mostWaiting = 2000
	// provenFor is how long a destination without mail is remembered.
	provenFor = time.Hour
	// remembered bounds the destinations without mail that are remembered.
	remembered = 8192
	// sweepEvery is how often they are looked at.
	sweepEvery = 10 * time.Second
)

// lanes are the attempts at destinations that have not answered yet.
type lanes struct {
	most    int // 0: there are none, every destination has workers
	trials  map[*task]*trial
	suspect int // of trials
	// Tasks that wait for a lane: of destinations that nothing is known of, and of
	// those that did not answer.
	fresh, again int
	waiting      int // recipients of tasks that wait, about
}

// admits says whether a task of d may be handed out.
func (r *runner) admits(d *destination, now time.Time) bool {
	l := &r.lanes
	room := r.running() < cap(r.work)
	switch {
	case l.most == 0 || d.proven || d.down(now):
		return room && r.busy < cap(r.work)-l.most
	case d.fails > 0:
		if room && len(l.trials) < l.most && l.suspect < (l.most+1)/2 {
			return true
		}
		l.again++
	default:
		if room && len(l.trials) < l.most {
			return true
		}
		l.fresh++
	}
	return false
}

// running is how many tasks are handed out.
func (r *runner) running() int { return r.busy + r.putting + len(r.lanes.trials) }

// waiting is how many recipients wait for a lane.
func (r *runner) waiting(now time.Time) (n int) {
	if r.lanes.most == 0 {
		return 0
	}
	for _, d := range r.turn {
		if d.proven || d.down(now) {
			continue
		}
		for _, t := range d.pending {
			n += len(t.jobs)
		}
	}
	return n
}

// crowded is the result of a recipient whose destination is not tried now, since
// very many wait for that.
func (r *runner) crowded(j store.Job, now time.Time) store.Result {
	r.q.Stats.Deferred.Add(1)
	return store.Result{Recipient: j.Recipient.ID, Kind: store.Deferred, Next: now.Add(r.q.schedule.backoff(1)),
		Status: store.Status{Enhanced: "4.3.2", Text: "very many destinations wait for their first connection"}}
}

// begin takes note of a task that is handed out.
func (r *runner) begin(t *task, now time.Time) {
	d := t.dest
	d.active++
	if r.lanes.most == 0 || d.proven || t.down != nil {
		r.busy++
		return
	}
	t.trial = &trial{began: now, suspect: d.fails > 0}
	r.lanes.trials[t] = t.trial
	if t.trial.suspect {
		r.lanes.suspect++
	}
}

// leaves takes a task out of its lane and says whether it was in one.
func (l *lanes) leaves(t *task) bool {
	if _, ok := l.trials[t]; !ok {
		return false
	}
	delete(l.trials, t)
	if t.trial.suspect {
		l.suspect--
	}
	return true
}

// makeRoom cuts short as many waits as there are tasks that wait for a lane, of
// those that have had their time, and returns after what time it is to be called
// again; 0: nothing waits.
func (r *runner) makeRoom(now time.Time) (again time.Duration) {
	l := &r.lanes
	want := l.fresh + l.again
	for t, wait := range l.trials {
		if want == 0 {
			return again
		}
		if l.fresh == 0 && !wait.suspect {
			continue // its lane is not for those that wait
		}
		left := wait.began.Add(t.dest.patience()).Sub(now)
		if left <= 0 {
			wait.end()
			want--
			left = time.Second
		}
		if again == 0 || left < again {
			again = left
		}
	}
	return again
}

// sweep forgets destinations without mail.
func (r *runner) sweep(now time.Time) {
	if now.Sub(r.swept) < sweepEvery {
		return
	}
	r.swept = now
	for key, d := range r.destinations {
		if d.idle() && !d.down(now) && (now.Sub(d.used) >= provenFor || len(r.destinations) > remembered) {
			delete(r.destinations, key)
		}
	}
	for key, d := range r.destinations {
		if len(r.destinations) <= remembered {
			return
		}
		if d.idle() {
			delete(r.destinations, key)
		}
	}
}

// putOff has the line of a destination that is down put off.
func (r *runner) putOff(d *destination) {
	if r.lanes.most == 0 || d.putting || d.singly {
		return
	}
	d.putting = true
	r.lines = append(r.lines, d)
}

// linesAtOnce is how many lines are put off at once: all are for the one writer of
// the spool.
const linesAtOnce = 2

// dispatchLines hands out lines.
func (r *runner) dispatchLines() {
	for len(r.lines) > 0 && r.putting < linesAtOnce && r.running() < cap(r.work) {
		d := r.lines[0]
		r.lines = r.lines[1:]
		why := d.why
		r.putting++
		r.work <- &task{dest: d, line: true, down: &why, until: d.until}
	}
}

// maxPause is the longest time for which a destination that does not answer is
// left alone.
const maxPause = 10 * time.Minute

// pause is how long a destination is left alone that does not answer. With direct
// delivery it doubles each time; smarthosts are what all mail waits for.
func (r *runner) pause(d *destination) time.Duration {
	pause := r.q.config.Pause()
	if r.lanes.most == 0 {
		return pause
	}
	return max(pause, min(pause<<min(d.fails, 10), maxPause, r.q.config.RetryMax))
}
