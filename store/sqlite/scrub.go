package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"offramp/store"
)

// Scrubber implements store.Scrubber on both files.
//
// In offramp.db what is deleted is overwritten at once, so all that is left of
// it is in the log. Free pages of spool.db hold the mail that was in them until
// they are used again, and for an erasure they are overwritten in one pass
// through the file. From its first to its last moment all that becomes free is
// overwritten at once (PRAGMA secure_delete), so that a pass owes only what was
// free before, and what an erasure frees during a pass is done with it.
type Scrubber struct {
	consent *Consent
	spool   *Spool
	within  time.Duration // that an erasure may take
	now     func() time.Time
	log     *slog.Logger
	wake    chan struct{} // holds a token when something was asked for
	running chan struct{} // holds a token while Run runs

	whole, left, written atomic.Int64
}

var _ store.Scrubber = (*Scrubber)(nil)

func newScrubber(c *Consent, s *Spool, o Options) *Scrubber {
	k := &Scrubber{consent: c, spool: s, within: o.EraseWithin, now: o.Now, log: o.Log, wake: make(chan struct{}, 1), running: make(chan struct{}, 1)}
	c.asked = func() {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
	return k
}

// Scrubbed returns how far the overwriting is.
func (k *Scrubber) Scrubbed(ctx context.Context) (store.Scrubbed, error) {
	a, err := k.consent.asks(ctx)
	if err != nil {
		return store.Scrubbed{}, fail("scrubbed", err)
	}
	s := store.Scrubbed{Asked: a.asked, Done: a.done, Whole: k.whole.Load(), Left: k.left.Load(), Written: k.written.Load()}
	if s.Due() && a.since > 0 {
		s.Since = unixMicro(a.since)
	}
	return s, nil
}

// The wait after a run that failed.
const (
	scrubAgain     = time.Second
	scrubAgainMost = time.Minute
)

// Run overwrites what was asked for until ctx ends.
func (k *Scrubber) Run(ctx context.Context) error {
	select {
	case k.running <- struct{}{}:
		defer func() { <-k.running }()
	case <-ctx.Done():
		return nil
	}
	wait := scrubAgain
	for ctx.Err() == nil {
		err := k.work(ctx)
		var again <-chan time.Time
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			k.log.Error("what was erased is not overwritten yet, trying again", "error", err)
			again = time.After(wait)
			wait = min(2*wait, scrubAgainMost)
		default:
			wait = scrubAgain
		}
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-again:
		}
	}
	return nil
}

// work does what is due.
func (k *Scrubber) work(ctx context.Context) (err error) {
	defer func() {
		k.whole.Store(0)
		k.left.Store(0)
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	for {
		a, err := k.consent.asks(ctx)
		if err != nil {
			return err
		}
		_, begun, err := k.spool.pass(ctx)
		if err != nil || !a.due() && !begun {
			return err
		}
		if err := k.pass(ctx, a); err != nil {
			return err
		}
	}
}

// pass goes once through the free pages of the spool.
func (k *Scrubber) pass(ctx context.Context, a asks) error {
	began := k.now()
	o, err := k.spool.overwrite(ctx)
	if err != nil {
		return err
	}
	k.whole.Store(o.left())
	end := began.Add(k.within)
	if a.since > 0 {
		end = unixMicro(a.since).Add(k.within)
	}
	for left := o.left(); left > 0; {
		k.left.Store(left)
		start := time.Now()
		wrote, err := o.round(ctx)
		k.written.Add(wrote)
		if err != nil {
			return err
		}
		done := left - o.left()
		left -= done
		if left > 0 && !pause(ctx, rest(time.Since(start), end.Sub(k.now()), done, left), nil) {
			return ctx.Err()
		}
	}
	k.left.Store(0)
	return k.finish(ctx, began)
}

// finish cuts the logs off, in which what was erased may stand as well, and
// ends the pass. An erasure that came during the pass is through with it, too.
func (k *Scrubber) finish(ctx context.Context, began time.Time) error {
	for {
		// First what was asked for until now: what that erased is in no page any
		// more, and in no log after the next two lines.
		a, err := k.consent.asks(ctx)
		if err != nil {
			return err
		}
		if err := k.consent.file.truncate(ctx); err != nil {
			return fmt.Errorf("cut off the log: %w", err)
		}
		if err := k.spool.file.truncate(ctx); err != nil {
			return fmt.Errorf("cut off the log: %w", err)
		}
		if a, err = k.consent.scrubbed(ctx, a.asked, began); err != nil {
			return err
		}
		if !a.due() {
			return k.spool.endPass(ctx)
		}
	}
}

// What a pass may take of the disk, as long as there is time.
const (
	scrubShare   = 4        // one part in so many of the time
	scrubFastest = 32 << 20 // bytes in a second
)

// rest is how long a pass waits after a round that took so long and was through
// with done bytes, when left are left and it has remaining: long enough for
// its share, short enough to be through in half the time there is.
func rest(took, remaining time.Duration, done, left int64) time.Duration {
	wait := max((scrubShare-1)*took, time.Duration(float64(done)/scrubFastest*float64(time.Second))-took)
	most := time.Duration(float64(remaining) / 2 * float64(done) / float64(left)) // of round and rest
	return max(min(wait, most-took), 0)
}
