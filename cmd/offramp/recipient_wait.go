package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/gateway/record"
)

// How often an erasure that goes on is looked at, and spoken of.
const (
	scrubLook  = 200 * time.Millisecond
	scrubSpeak = 5 * time.Second
)

// overwritten waits until the last copies of what was erased are overwritten,
// and says how far that is. scrub is from the answer to the erasure.
func (a *app) overwritten(ctx context.Context, c *client, scrub int64, wait bool) error {
	if scrub == 0 {
		return nil
	}
	if !wait {
		a.say("The last copies on the disk are overwritten in the background.")
		return nil
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	if c.scrub == nil {
		ended <- nil
	} else {
		go func() { ended <- c.scrub(run) }()
	}
	err := a.watchScrub(ctx, c, scrub)
	stop()
	return errors.Join(err, <-ended)
}

func (a *app) watchScrub(ctx context.Context, c *client, scrub int64) error {
	look := time.NewTicker(scrubLook)
	defer look.Stop()
	spoken := time.Now()
	for {
		var s record.Scrub
		if err := c.call(ctx, "GET", "scrub", nil, &s); err != nil {
			return fmt.Errorf("erased, but how far the last copies on the disk are overwritten is not known: %w", err)
		}
		if s.Done >= scrub {
			a.say("The last copies on the disk are overwritten.")
			return nil
		}
		if time.Since(spoken) >= scrubSpeak {
			spoken = time.Now()
			a.say("Overwriting the last copies on the disk: %s", scrubProgress(s))
		}
		select {
		case <-ctx.Done():
			a.say("The last copies on the disk are overwritten in the background, by the running server or the next one.")
			return ctx.Err()
		case <-look.C:
		}
	}
}

// scrubProgress says how much of the free space is still to be looked at.
func scrubProgress(s record.Scrub) string {
	if s.Whole == 0 {
		return "waiting"
	}
	return fmt.Sprintf("%d of %d MiB are left", (s.Left+1<<20-1)>>20, (s.Whole+1<<20-1)>>20)
}
