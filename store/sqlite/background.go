package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// background runs work until stop is called, which waits for its end. A panic
// ends it, too.
func background(log *slog.Logger, what string, work func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				log.Error("panic while "+what, "error", fmt.Sprint(p))
			}
		}()
		work(ctx)
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// pause waits, or returns earlier with a token of again; nil: there are none. It
// says whether ctx still runs.
func pause(ctx context.Context, d time.Duration, again <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-again:
	}
	return ctx.Err() == nil
}

// await waits until done is closed.
func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
