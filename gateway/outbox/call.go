package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/store"
)

const (
	// refusalsInRow is after how many refusals without a success a receiver is taken for
	// one that has nothing, so that it is not called for each event in turn.
	refusalsInRow = 8
	// triesInLog is with which try in a row the log says that a receiver is down. A short
	// interruption is not worth a line.
	triesInLog = 3
)

// result is the end of one call.
type result struct {
	batch []*item
	began time.Time
	done  int
	err   error
}

// start begins as many calls as there may be. A receiver that takes nothing gets one
// at a time, to see whether it does again.
func (f *flow) start(ctx context.Context, now time.Time) {
	lanes := f.o.lanes(f.kind)
	if f.down.tries > 0 {
		lanes = 1
	}
	for f.calls < lanes && !f.down.next.After(now) && f.held.After(now.Add(grace)) {
		batch := f.w.take(now, max(f.kind.Batch, 1))
		if len(batch) == 0 {
			return
		}
		f.calls++
		ctx, cancel := context.WithTimeout(ctx, f.held.Sub(now)) // another one may send from then on
		go func() {
			defer cancel()
			r := result{batch: batch, began: now}
			r.done, r.err = f.call(ctx, batch)
			f.results <- r
		}()
	}
}

// What is wrong in a receiver's code.
var (
	errPanic   = errors.New("internal error")
	errNothing = fmt.Errorf("%w: nothing was sent", errPanic)
)

// call sends a batch, and returns how many of its events are done with.
func (f *flow) call(ctx context.Context, batch []*item) (done int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			done, err = 0, fmt.Errorf("%w: panic: %v", errPanic, cause)
		}
	}()
	var events []store.Event
	var at []int // where in the batch they are
	for i, one := range batch {
		found, err := f.o.Ledger.Events(ctx, store.EventFilter{After: one.id - 1, Before: one.id + 1, Limit: 1})
		if err != nil {
			return 0, err
		}
		if len(found) > 0 { // not emptied or retired meanwhile
			events, at = append(events, found[0]), append(at, i)
		}
	}
	if len(events) == 0 {
		return len(batch), nil
	}
	done, err = f.receiver.Send(ctx, events)
	if err == nil && done >= len(events) {
		return len(batch), nil
	}
	if err == nil && done <= 0 {
		err = errNothing // it would be called again at once, without end
	}
	return at[min(max(done, 0), len(events)-1)], err
}

// settle records the end of a call.
func (f *flow) settle(r result) {
	f.calls--
	f.dirty = true
	f.o.Stats.count(f.c.Name, r)
	if r.done > 0 {
		if f.down.tries >= triesInLog {
			f.o.Log.Info("a consumer takes events again", "consumer", f.c.Name)
		}
		f.down.tries, f.down.refused, f.down.next = 0, 0, time.Time{}
	}
	if r.err != nil {
		f.failed(r)
	}
	f.w.free(r.batch, r.done)
}

func (f *flow) failed(r result) {
	now, failure := f.o.Now(), failureOf(r.err)
	one := r.batch[r.done]
	if failure.Refused && r.done == 0 && len(r.batch) > 1 {
		for _, one := range r.batch {
			one.alone = true
		}
		return
	}
	if one.first.IsZero() {
		one.first = r.began
	}
	one.tries++
	one.text = failure.Text
	f.w.people[one.of].next = now.Add(f.after(one.tries, failure))
	if failure.Refused && !failure.Apart {
		f.down.refused++
	}
	if !failure.Refused || f.down.refused >= refusalsInRow {
		// Of calls that failed together one counts.
		if f.down.tries == 0 || !r.began.Before(f.down.last) {
			f.down.tries++
			if f.down.tries == triesInLog {
				f.o.Log.Warn("a consumer takes no events, and is tried again: see offramp webhook show", "consumer", f.c.Name, "since", one.first)
			}
			f.down.next = now.Add(f.after(f.down.tries, failure))
		}
		f.down.last = now
	}
	f.o.Log.Debug("events were not taken", "consumer", f.c.Name, "event", one.id, "attempt", one.tries, "error", failure.Text)
	if f.o.Sure().Sub(one.first) >= f.o.Config.GiveUp {
		f.c.State = store.ConsumerFailed
	}
}

// after is how long it is waited after a failure.
func (f *flow) after(tries int, failure Failure) time.Duration {
	return waitAfter(f.o.Waits, tries, failure.After, f.o.Random)
}
