package relay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"offramp/store"
)

// space remembers for a second how much room the spool has.
type space struct {
	mu      sync.Mutex
	asked   time.Time
	enough  bool
	answers bool // asked at least once
}

// room returns an error wrapping store.ErrFull when the volume has less than
// one and a half of the largest message, or less than a twentieth of itself.
func (r *Relay) room(ctx context.Context, now time.Time) error {
	s := &r.space
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.asked); !s.answers || age < 0 || age >= time.Second {
		u, err := r.Spool.Usage(ctx)
		if err != nil {
			return fmt.Errorf("ask for free space: %w", err)
		}
		limit := uint64(r.WithDefaults().MaxMessageSize)
		need := max(limit+limit/2, u.Capacity/20)
		// An engine that cannot tell leaves the capacity at zero.
		s.asked, s.answers, s.enough = now, true, u.Capacity == 0 || u.Free >= need
	}
	if !s.enough {
		return fmt.Errorf("volume of the spool: %w", store.ErrFull)
	}
	return nil
}
