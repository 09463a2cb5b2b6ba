package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/store"
)

const (
	leaseTime  = 30 * time.Second
	renewEvery = 10 * time.Second
	// saveEvery bounds how much is sent again after a crash.
	saveEvery = 250 * time.Millisecond
	// grace is how long a stop waits for calls that run.
	grace = 5 * time.Second
	// pageIDs and pageEvents bound one reading of the ledger.
	pageIDs    = 5000
	pageEvents = 500
	// triesInLog is with which try in a row the log says that a receiver is down. A short
	// interruption is not worth a line.
	triesInLog = 3
	// refusalsInRow is after how many refusals without a success a receiver is taken
	// for one that has nothing, so that it is not called for each event in turn.
	refusalsInRow = 8
)

// flow sends events to one consumer. It belongs to one goroutine; calls are goroutines
// of their own, which report to it.
type flow struct {
	o        *Outbox
	c        store.Consumer
	kind     Kind
	receiver Receiver
	w        *window
	results  chan result
	calls    int

	down struct { // of a receiver that takes nothing
		tries   int
		next    time.Time
		last    time.Time // of the last failure
		refused int       // refusals since the last success
	}
	missed int64 // not recorded yet
	held   time.Time
	saved  time.Time
	dirty  bool
	full   bool      // the ledger was read to its end
	fault  time.Time // the store does not answer: not again before then
	silent bool      // which was logged
}

// result is the end of one call.
type result struct {
	batch []*item
	began time.Time
	done  int
	err   error
}

// follow sends events to a consumer until ctx ends or another one has the lease.
func (o *Outbox) follow(ctx context.Context, name string, wake <-chan struct{}) {
	now := o.Now()
	c, held, err := o.take(ctx, name, now)
	switch {
	case errors.Is(err, store.ErrHeld), errors.Is(err, store.ErrNotFound), ctx.Err() != nil:
		return
	case err != nil:
		o.Log.Error("events cannot be sent", "consumer", name, "error", err)
		return
	}
	c = o.withOwn(c)
	f := &flow{o: o, c: c, kind: o.Kinds[c.Kind], w: newWindow(c.Cursor), results: make(chan result), held: held, saved: now}
	defer f.release(ctx)
	if c.State != store.ConsumerActive || c.Damaged {
		return
	}
	if f.receiver, err = f.kind.Open(c); err != nil {
		f.giveUp(ctx, fmt.Sprint("its settings cannot be used: ", errorText(err)))
		return
	}
	f.run(ctx, wake)
}

// take leases a consumer for as long as its kind needs.
func (o *Outbox) take(ctx context.Context, name string, now time.Time) (store.Consumer, time.Time, error) {
	held := now.Add(leaseTime)
	c, err := o.Consumers.LeaseConsumer(ctx, name, o.holder, now, held)
	if longer := now.Add(o.Kinds[c.Kind].lease()); err == nil && longer.After(held) {
		held = longer
		c, err = o.Consumers.LeaseConsumer(ctx, name, o.holder, now, held)
	}
	return c, held, err
}

func (f *flow) run(ctx context.Context, wake <-chan struct{}) {
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer f.drain(ctx, cut)
	for {
		now := f.o.Now()
		f.read(ctx, now)
		if f.dirty && now.Sub(f.saved) >= saveEvery || now.Sub(f.saved) >= renewEvery {
			if !f.save(ctx, now) {
				return
			}
		}
		if f.c.State != store.ConsumerActive {
			return
		}
		f.start(calls, now)
		timer := time.NewTimer(f.wait(f.o.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case r := <-f.results:
			f.settle(r)
		case <-wake:
			f.full = false
		case <-timer.C:
		}
		timer.Stop()
	}
}

// wait is how long there is nothing to do unless something comes.
func (f *flow) wait(now time.Time) time.Duration {
	next := f.saved.Add(renewEvery)
	earlier := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	if f.dirty {
		earlier(f.saved.Add(saveEvery))
	}
	if f.calls == 0 || f.down.tries == 0 {
		if f.down.next.After(now) {
			earlier(f.down.next)
		} else {
			earlier(f.w.next(now))
		}
	}
	if f.fault.After(now) && next.Before(f.fault) {
		next = f.fault
	}
	if !f.full && f.w.room() > 0 && !f.fault.After(now) {
		return 0
	}
	return max(next.Sub(now), time.Millisecond)
}

// read fills the window, one page at a time.
func (f *flow) read(ctx context.Context, now time.Time) {
	if f.full || f.w.room() == 0 || f.fault.After(now) {
		return
	}
	head, err := f.o.Ledger.Head(ctx)
	if err != nil {
		f.broken(ctx, now, err)
		return
	}
	if head.First > f.w.read {
		f.missed += head.First - f.w.read
		f.dirty = true
		f.o.Log.Error("events left the ledger by age before a consumer was sent them", "consumer", f.c.Name, "events", head.First-f.w.read)
		f.w.reach(head.First)
	}
	if f.w.read >= head.ID {
		f.full = true
		return
	}
	most := min(pageEvents, f.w.room())
	kinds := f.c.Kinds
	if len(kinds) == 0 {
		kinds = f.kind.Events
	}
	before := min(f.w.read+pageIDs, head.ID) + 1
	events, err := f.o.Ledger.Events(ctx, store.EventFilter{After: f.w.read, Before: before, Kinds: kinds, Limit: most})
	if err != nil {
		f.broken(ctx, now, err)
		return
	}
	f.silent = false
	for _, e := range events {
		f.add(e)
	}
	end := before - 1
	if len(events) == most {
		end = events[most-1].ID
	}
	was := f.w.cursor
	f.w.reach(end)
	f.dirty = f.dirty || f.w.cursor != was
}

// add puts an event into the window.
func (f *flow) add(e store.Event) {
	if !wants(f.c, e) {
		return
	}
	done := e.ID == f.c.Skip
	for _, id := range f.c.Done {
		done = done || id == e.ID
	}
	one := f.w.add(e, done)
	if e.ID == f.c.Stuck && !done {
		one.first, one.tries, one.text = f.c.Failing, f.c.Attempts, f.c.Error
		f.w.people[e.Recipient].next = f.c.Next
	}
}

// broken has the store left alone for a moment.
func (f *flow) broken(ctx context.Context, now time.Time, err error) {
	f.fault = now.Add(headEvery)
	if !f.silent && ctx.Err() == nil {
		f.o.Log.Error("events for a consumer cannot be read or recorded", "consumer", f.c.Name, "error", err)
	}
	f.silent = true
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

// errPanic is a fault in a receiver's code.
var errPanic = errors.New("internal error")

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
	if err == nil {
		return len(batch), nil
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
