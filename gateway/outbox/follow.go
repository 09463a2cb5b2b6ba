package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	_, done := slices.BinarySearch(f.c.Done, e.ID)
	done = done || e.ID == f.c.Skip
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
