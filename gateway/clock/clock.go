// Package clock judges the clock of the machine. A clock that is years ahead
// would have every record retired, every queued message given up and every pause
// ended within a minute, and none of it can be taken back. So what destroys or
// loosens something asks for [Clock.Sure] in the place of the time.
//
// A reading is believed as far as it can be accounted for: by the time that this
// process has run, measured by a counter that nobody sets, and the newest time
// that the store knows of, with a tolerance for the time in which nothing ran.
// What is further ahead waits until the clock is right, or until the operator
// says that it is ([Clock.Accept]).
package clock

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Store keeps the newest time that was believed; see [store.Consent].
type Store interface {
	ClockSeen(ctx context.Context) (time.Time, error)
	SeeClock(ctx context.Context, t time.Time) error
}

// Clock is the machine's clock with what is known about it. The zero value
// believes every reading until Read or Start. It must not be copied.
type Clock struct {
	Config Config
	Store  Store
	Now    func() time.Time // nil: time.Now
	// Elapsed is for how long the process has run, by a counter that setting the
	// clock does not change; nil: what the readings of Now carry of one, and
	// where they carry none, they are believed.
	Elapsed func() time.Duration
	Log     *slog.Logger // nil: nothing is logged

	mu    sync.Mutex
	known bool
	// base was the time at the reading mark, when the counter showed counted.
	base, mark time.Time
	counted    time.Duration
	off        time.Duration // what was logged
}

// State is what is known about the clock.
type State struct {
	Now    time.Time // what the clock shows
	Sure   time.Time // see [Clock.Sure]
	Latest time.Time // see [Clock.Latest]
	// Off is how far the clock is ahead of all that can be accounted for;
	// negative: behind what was seen before; zero within the tolerance.
	Off time.Duration
}

// Read reads what the store knows, and changes nothing. A store without any
// record believes the clock: there is nothing that it could destroy.
func (c *Clock) Read(ctx context.Context) error {
	seen, err := c.Store.ClockSeen(ctx)
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	now := c.now()
	if seen.IsZero() {
		seen = now
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(seen, now)
	c.known = true
	return nil
}

// Start is Read for a server. It records what is known before anything else is
// recorded: what came under a wrong clock must not become the measure of the
// next start.
func (c *Clock) Start(ctx context.Context) error {
	if err := c.Read(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	seen := c.base
	c.mu.Unlock()
	if sure := c.Sure(); sure.After(seen) {
		seen = sure
	}
	if err := c.Store.SeeClock(ctx, seen); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return nil
}

// Sure is the time that has come for certain, as far as the clock is believed:
// what it shows, and where that is too far ahead the time that can be accounted
// for. It is never later than what the clock shows.
func (c *Clock) Sure() time.Time { return c.State().Sure }

// Latest is the latest time that it may be: what the clock shows, and where that
// is too far behind the time that can be accounted for. It is for records that
// something else is measured from later.
func (c *Clock) Latest() time.Time { return c.State().Latest }

// State is what the clock shows and how far it is off.
func (c *Clock) State() State {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.judge(now)
}

// judge compares a reading. The caller holds mu.
func (c *Clock) judge(now time.Time) State {
	now, reading := now.Round(0), now
	s := State{Now: now, Sure: now, Latest: now}
	if !c.known || c.Config.Tolerance == 0 {
		return s
	}
	accounted := c.base.Add(c.since(reading))
	ahead := s.Now.Sub(accounted)
	switch {
	case ahead > c.Config.Tolerance:
		s.Off, s.Sure = ahead, accounted
	case ahead < -c.Config.Tolerance:
		s.Off, s.Latest = ahead, accounted
	}
	return s
}

// since is how much time passed since the base.
func (c *Clock) since(now time.Time) time.Duration {
	if c.Elapsed != nil {
		return max(0, c.Elapsed()-c.counted)
	}
	return max(0, now.Sub(c.mark))
}

// count has the time counted from base on. The caller holds mu.
func (c *Clock) count(base, now time.Time) {
	c.base, c.mark = base.Round(0), now
	if c.Elapsed != nil {
		c.counted = c.Elapsed()
	}
}

// Accept says that the clock is right, by the word of the operator.
func (c *Clock) Accept(ctx context.Context) (State, error) {
	now := c.now()
	if err := c.Store.SeeClock(ctx, now); err != nil {
		return State{}, fmt.Errorf("clock: %w", err)
	}
	c.mu.Lock()
	c.count(now, now)
	c.known = true
	c.mu.Unlock()
	return c.look(), nil
}

func (c *Clock) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}
