package clock

import (
	"context"
	"fmt"
	"time"
)

const (
	lookEvery = time.Minute
	seeEvery  = time.Hour
	lastSee   = 5 * time.Second // at the end
)

// Run compares the clock every minute, and every hour records the time that was
// believed. It returns when ctx has ended. The error is nil: what goes wrong is
// logged and tried again.
func (c *Clock) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var seen time.Time
	for {
		if s := c.look(); s.Sure.Sub(seen) >= seeEvery {
			if c.see(ctx, s.Sure) {
				seen = s.Sure
			}
		}
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSee)
			defer cancel()
			c.see(ctx, c.look().Sure)
			return nil
		case <-tick.C:
		}
	}
}

// see records a time that was believed, if it is the newest. It says whether that
// is recorded by now.
func (c *Clock) see(ctx context.Context, t time.Time) bool {
	before, err := c.Store.ClockSeen(ctx)
	if err == nil && t.After(before) {
		err = c.Store.SeeClock(ctx, t)
	}
	if err != nil && c.Log != nil {
		c.Log.WarnContext(ctx, "cannot record the time for the next start", "error", err)
	}
	return err == nil
}

// look judges the clock, logs what changed, and goes on from a clock that was
// believed all along: in as much time as the tolerance it may be ahead once by as
// much.
func (c *Clock) look() State {
	now := c.now()
	c.mu.Lock()
	s := c.judge(now)
	if s.Off == 0 && c.known && c.since(now) >= c.Config.Tolerance {
		c.count(s.Now, now)
	}
	before := c.off
	c.off = s.Off
	c.mu.Unlock()
	if c.Log == nil {
		return s
	}
	switch {
	case s.Off == 0 && before != 0:
		c.Log.Info("the clock is believed again", "time", s.Now)
	case s.Off > 0 && before <= 0:
		c.Log.Error("the clock is ahead of all that this server has seen: until it is right, or accepted with `offramp clock accept`, no record is retired, no mail given up, and no pause or limit ends",
			"time", s.Now, "seen", s.Sure, "ahead", fmt.Sprint(s.Off.Round(time.Second)))
	case s.Off < 0 && before >= 0:
		c.Log.Error("the clock is behind what this server has seen: set it right, or accept it with `offramp clock accept`",
			"time", s.Now, "behind", fmt.Sprint((-s.Off).Round(time.Second)))
	}
	return s
}
