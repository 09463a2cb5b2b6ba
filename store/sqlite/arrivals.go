package sqlite

import (
	"context"
	"sync"
	"time"
)

// arrivals tells those who wait for events that some were committed.
type arrivals struct {
	mu   sync.Mutex
	more chan struct{} // closed with the next event; nil: nobody waits
	told int64         // of the writer's goroutine: the last event that was told of
}

// wait returns what is closed with the next event.
func (a *arrivals) wait() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.more == nil {
		a.more = make(chan struct{})
	}
	return a.more
}

// tell wakes those who wait when the ledger has become longer.
func (a *arrivals) tell(last int64) {
	if last == a.told {
		return
	}
	a.told = last
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.more != nil {
		close(a.more)
		a.more = nil
	}
}

// others is how often it is looked what another process has committed.
const others = time.Second

// AwaitEvents returns the ID of the last event once it is greater than after.
func (s *Consent) AwaitEvents(ctx context.Context, after int64) (last int64, err error) {
	for {
		more := s.arrivals.wait()
		h, err := s.Head(ctx)
		if err != nil || h.ID > after {
			return h.ID, err
		}
		if s.file.writer != nil {
			err = await(ctx, more) // nobody else writes
		} else if !pause(ctx, others, nil) {
			err = ctx.Err()
		}
		if err != nil {
			return 0, err
		}
	}
}
