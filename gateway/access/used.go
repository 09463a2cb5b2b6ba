package access

import (
	"context"
	"maps"
	"sync"
	"time"
)

// every is how often uses are recorded, and old requests removed.
const every = time.Minute

// requestKept is how long a request is remembered.
const requestKept = 24 * time.Hour

// used are last uses that are not recorded yet. Only keys that are right are in
// it, so it is bounded by the keys there are.
type used struct {
	mu   sync.Mutex
	keys map[string]time.Time
}

func (u *used) note(id string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keys == nil {
		u.keys = make(map[string]time.Time)
	}
	u.keys[id] = now.UTC()
}

func (u *used) last(id string) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.keys[id]
}

func (u *used) take() map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.keys
	u.keys = nil
	return taken
}

// back returns what could not be recorded.
func (u *used) back(keys map[string]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keys == nil {
		u.keys = keys
		return
	}
	newer := u.keys
	u.keys = keys
	maps.Copy(u.keys, newer)
}

// Run records uses of keys once a minute, and once more when ctx ends, and
// removes old requests. A use of the last minute may be missing after a crash.
func (a *Access) Run(ctx context.Context) error {
	if a.Keys == nil || a.Requests == nil {
		return nil // nothing is kept
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.tidy(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			a.Record(last)
			cancel()
			return nil
		}
	}
}

// Record records uses of keys now.
func (a *Access) Record(ctx context.Context) {
	keys := a.used.take()
	if err := a.Keys.UseKeys(ctx, keys); err != nil {
		a.used.back(keys)
		a.log().WarnContext(ctx, "uses of API keys were not recorded; trying again in a minute", "error", err)
	}
}

func (a *Access) tidy(ctx context.Context) {
	a.Record(ctx)
	for ctx.Err() == nil {
		n, err := a.Requests.RetireRequests(ctx, a.now().Add(-requestKept))
		if err != nil {
			a.log().WarnContext(ctx, "old requests were not removed; trying again in a minute", "error", err)
		}
		if err != nil || n == 0 {
			return
		}
	}
}
