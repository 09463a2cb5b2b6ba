package relay

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"offramp/store"
)

// How long an answer about free space counts: a good one is counted down as
// mail comes in, a bad one is asked for again soon.
const (
	spaceKnown = time.Second
	spaceLack  = 100 * time.Millisecond
)

// space counts down how much mail the spool may still take.
type space struct {
	mu    sync.Mutex
	asked time.Time // zero: never
	left  int64     // octets above the reserve; negative: into it
}

// take reserves n octets. known is false when the spool must be asked.
func (s *space) take(now time.Time, n int64) (ok, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := now.Sub(s.asked)
	if s.asked.IsZero() || age < 0 || age >= spaceKnown {
		return false, false
	}
	if s.left < n {
		return false, age < spaceLack
	}
	s.left -= n
	return true, true
}

// learn notes an answer of the spool and takes n octets of it.
func (s *space) learn(now time.Time, left, n int64) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok = left >= n; ok {
		left -= n
	}
	s.asked, s.left = now, left
	return ok
}

// room reserves n octets of the spool. It returns an error wrapping
// store.ErrFull when that would leave less than one and a half of the largest
// message, or less than a twentieth of the volume: deliveries need room to
// record that mail has left.
func (r *Relay) room(ctx context.Context, n int64) error {
	now := r.now()
	ok, known := r.space.take(now, n)
	if !known {
		u, err := r.Spool.Usage(ctx)
		if err != nil {
			return fmt.Errorf("ask for free space: %w", err)
		}
		ok = r.space.learn(now, r.above(u), n)
	}
	if !ok {
		return fmt.Errorf("volume of the spool: %w", store.ErrFull)
	}
	return nil
}

// above is how many octets are free beyond the reserve.
func (r *Relay) above(u store.Usage) int64 {
	const plenty = 1 << 50
	if u.Capacity == 0 {
		return plenty // an engine that cannot tell
	}
	limit := int64(r.WithDefaults().MaxMessageSize)
	reserve := max(limit+limit/2, int64(min(u.Capacity/20, plenty)))
	return int64(min(u.Free, plenty)) - reserve
}

// metered is the body of a message on its way into the spool, which may run
// full while it streams.
type metered struct {
	ctx context.Context
	r   *Relay
	dst io.Writer
}

func (m *metered) Write(p []byte) (int, error) {
	if err := m.r.room(m.ctx, int64(len(p))); err != nil {
		return 0, err
	}
	return m.dst.Write(p)
}
