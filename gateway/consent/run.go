package consent

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"offramp/store"
)

const (
	flushEvery  = time.Second
	lastFlush   = 5 * time.Second // at the end
	firstRetire = time.Minute     // after the start, which has enough to do
	retireEvery = time.Hour
)

// Run records deliveries with their people, every second or 500 of them, and
// has what is older than Config.Retention leave the store, every hour. It
// returns when ctx has ended and the last deliveries are recorded, so ctx must
// end after all attempts have. The error is nil: what goes wrong is logged and
// tried again.
func (c *Consent) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { c.flushAll(ctx) })
	if c.Config.Retention > 0 {
		loops.Go(func() { c.retireAll(ctx) })
	}
	loops.Wait()
	return nil
}

func (c *Consent) flushAll(ctx context.Context) {
	many := c.counts.listen()
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	failing := false
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-many:
			if failing {
				continue // the store is asked once a second
			}
		}
		err := c.survive(func() error { return c.flush(ctx) })
		if err != nil && !failing && ctx.Err() == nil {
			c.log().Error("cannot record deliveries per person, trying again", "error", err)
		}
		failing = err != nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	if err := c.survive(func() error { return c.flush(ctx) }); err != nil {
		n := c.counts.len()
		c.log().Error("deliveries not recorded per person before the shutdown", "count", n, "error", err)
		c.tally(func(s *Stats) { s.CountsLost.Add(int64(n)) })
	}
}

func (c *Consent) retireAll(ctx context.Context) {
	timer := time.NewTimer(firstRetire)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := c.survive(func() error { return c.retire(ctx) }); err != nil && ctx.Err() == nil {
			c.log().Error("cannot remove events older than the retention, trying again", "error", err)
		}
		timer.Reset(retireEvery)
	}
}

// retire removes what is older than the retention, in as many steps as the
// engine makes of it.
func (c *Consent) retire(ctx context.Context) error {
	before := c.sure().Add(-c.Config.Retention)
	e := store.Event{Time: c.now(), Kind: store.EventRetired, Way: store.Operator, Detail: "older than " + before.Format(time.RFC3339)}
	var gone int64
	for ctx.Err() == nil {
		n, err := c.Store.Retire(ctx, before, e)
		if err != nil {
			return fmt.Errorf("retire: %w", err)
		}
		if n == 0 {
			break
		}
		gone += n
		c.tally(func(s *Stats) { s.Retired.Add(n) })
	}
	if gone > 0 {
		c.log().Info("events older than the retention removed", "count", gone, "before", before)
	}
	return nil
}

// survive makes a panic an error.
func (c *Consent) survive(f func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			c.tally(func(s *Stats) { s.Panics.Add(1) })
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return f()
}
