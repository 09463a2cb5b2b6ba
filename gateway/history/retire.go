package history

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	firstRetire = time.Minute // after the start, which has enough to do
	retireEvery = 10 * time.Minute
	// retirePause is left to mail between two steps.
	retirePause = 20 * time.Millisecond
)

// Run has what is older than Config.Retention or beyond Config.Size leave the
// store, every ten minutes, until ctx ends. The error is nil: what goes wrong is
// logged and tried again.
func (h *History) Run(ctx context.Context) error {
	timer := time.NewTimer(firstRetire)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := h.survive(ctx); err != nil && ctx.Err() == nil {
			h.log().Error("cannot remove what became of old mail, trying again", "error", err)
		}
		timer.Reset(retireEvery)
	}
}

// survive makes a panic an error.
func (h *History) survive(ctx context.Context) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return h.Retire(ctx)
}

// Retire removes what is too old or too much, in as many steps as the engine
// makes of it.
func (h *History) Retire(ctx context.Context) error {
	most, err := h.most(ctx)
	if err != nil {
		return err
	}
	var before time.Time
	if h.Retention > 0 {
		before = h.sure().Add(-h.Retention)
	}
	var gone int64
	for ctx.Err() == nil {
		n, err := h.Store.RetireFates(ctx, before, most)
		if err != nil {
			return fmt.Errorf("retire: %w", err)
		}
		if n == 0 {
			break
		}
		gone += n
		select {
		case <-ctx.Done():
		case <-time.After(retirePause):
		}
	}
	if gone > 0 {
		h.log().Info("what became of old mail removed", "count", gone, "before", before, "most_bytes", most)
	}
	return nil
}

// most is how many bytes may be kept: less where the volume is small, and half of
// what is free where that is little, since mail needs the room more.
func (h *History) most(ctx context.Context) (int64, error) {
	u, err := h.Space.Usage(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	most := int64(h.Size)
	if u.Capacity == 0 { // an engine that cannot tell
		return most, nil
	}
	tenth := int64(u.Capacity / 10)
	if most == 0 || most > tenth {
		most = tenth
	}
	return max(min(most, int64(u.Free/2)), leastSize), nil
}
