package outbox

import (
	"context"
	"errors"
	"time"

	"offramp/store"
)

// save records how far the consumer came, and prolongs the lease. ok is false when
// it is no longer ours, or was changed.
func (f *flow) save(ctx context.Context, now time.Time) (ok bool) {
	p := f.progress(now)
	err := f.o.Consumers.RecordProgress(ctx, p)
	switch {
	case err == nil:
		f.o.Stats.reached(p)
		f.saved, f.held, f.dirty, f.missed, f.silent = now, p.Until, false, 0, false
		if p.State == store.ConsumerFailed {
			f.o.Log.Error("a consumer is paused, since an event was not taken for too long: see offramp webhook show",
				"consumer", p.Name, "event", p.Stuck, "since", p.Failing, "attempts", p.Attempts, "error", p.Error)
			f.o.Stats.pausedNow(p.Name)
		}
		return true
	case errors.Is(err, store.ErrHeld), errors.Is(err, store.ErrChanged), errors.Is(err, store.ErrNotFound):
		return false
	}
	f.broken(ctx, now, err)
	f.saved, f.dirty = now, true // again after saveEvery
	return true
}

func (f *flow) progress(now time.Time) store.Progress {
	p := store.Progress{
		Name: f.c.Name, Holder: f.o.holder, Version: f.c.Version, Now: now, Until: now.Add(f.kind.lease()),
		Cursor: f.w.cursor, Done: f.w.later(), State: f.c.State, Missed: f.missed,
	}
	if one := f.w.stuck(); one != nil {
		p.Failing, p.Stuck, p.Attempts, p.Error = one.first, one.id, one.tries, one.text
		p.Next = f.w.people[one.of].next
		if f.down.next.After(p.Next) {
			p.Next = f.down.next
		}
	} else if f.c.Stuck > f.w.read {
		// What held it up was not read again yet.
		p.Failing, p.Stuck, p.Attempts, p.Next, p.Error = f.c.Failing, f.c.Stuck, f.c.Attempts, f.c.Next, f.c.Error
	}
	return p
}

// drain waits for the calls that run, cuts them off when they take too long, and
// records what they did.
func (f *flow) drain(ctx context.Context, cut context.CancelFunc) {
	timer := time.AfterFunc(grace, cut)
	defer timer.Stop()
	for f.calls > 0 {
		f.settle(<-f.results)
	}
	if f.dirty {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		f.save(ctx, f.o.Now())
	}
}

// release lets another one send events to the consumer.
func (f *flow) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := f.o.Consumers.ReleaseConsumer(ctx, f.c.Name, f.o.holder); err != nil {
		f.o.Log.Warn("the lease of a consumer was not given back", "consumer", f.c.Name, "error", err)
	}
}

// giveUp pauses a consumer that nothing can be sent to as it is.
func (f *flow) giveUp(ctx context.Context, why string) {
	now := f.o.Now()
	p := store.Progress{
		Name: f.c.Name, Holder: f.o.holder, Version: f.c.Version, Now: now, Until: now.Add(leaseTime), Cursor: f.c.Cursor, Done: f.c.Done,
		State: store.ConsumerFailed, Failing: now, Error: why,
	}
	if err := f.o.Consumers.RecordProgress(ctx, p); err != nil {
		f.o.Log.Error("events cannot be sent", "consumer", f.c.Name, "error", err)
		return
	}
	f.o.Log.Error("a consumer is paused", "consumer", f.c.Name, "error", why)
	f.o.Stats.pausedNow(f.c.Name)
}
