package consent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"offramp/gateway/envelope"
	"offramp/store/failpoint"
)

// longestWait bounds how long a change waits for attempts that were being
// started, also for a caller that set no deadline. An attempt says at the
// latest after a second that it is through.
const longestWait = 10 * time.Second

// Start announces that an attempt to send to recipient is about to begin. The
// caller asks [Consent.Admit] after that, not before, and calls done as soon
// as the next hop has answered MAIL, or after a second, once MAIL either was
// written or cannot be any more, or when the verdict was to drop. Calling done
// again does nothing.
//
// Start never waits. A change that stops mail waits for all that was started
// before its record was on disk: what starts later sees the record.
func (c *Consent) Start(recipient envelope.Address) (done func()) {
	return c.gate.shard(recipient.Key()).start()
}

// settle waits for delivery attempts to recipient that may not have seen a change that
// is on disk by now.
func (c *Consent) settle(ctx context.Context, what, recipient string) error {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	if failpoint.Skip("consent.gate") {
		return nil
	}
	if err := c.gate.shard(recipient).wait(ctx); err != nil {
		return fmt.Errorf("%s recorded, but mail to the recipient was being started: %w", what, err)
	}
	return nil
}

// settleAll is settle for a change that is about many recipients.
func (c *Consent) settleAll(ctx context.Context, what string) error {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	for i := range c.gate.shards {
		if err := c.gate.shards[i].wait(ctx); err != nil {
			return fmt.Errorf("%s recorded, but mail was being started: %w", what, err)
		}
	}
	return nil
}

// gate keeps track of attempts that were started, by recipient. Recipients
// share shards, so a change may wait for an attempt to somebody else.
type gate struct {
	shards [1024]shard
}

func (g *gate) shard(key string) *shard {
	h := uint32(2166136261) // FNV-1a: cheap for short keys, and no state
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return &g.shards[(h^h>>16)%uint32(len(g.shards))]
}

// shard counts attempts in groups. An attempt joins the open group; a wait
// closes it, so that a group that is waited for only shrinks.
type shard struct {
	mu     sync.Mutex
	open   *group
	closed []*group // not empty, oldest first
}

// group is attempts that started between two waits.
type group struct {
	active int
	empty  chan struct{} // closed by the last attempt; nil while the group is open
}

func (s *shard) start() (done func()) {
	s.mu.Lock()
	if s.open == nil {
		s.open = &group{}
	}
	g := s.open
	g.active++
	s.mu.Unlock()

	ended := false
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if ended {
			return
		}
		ended = true
		g.active--
		if g.active == 0 && g.empty != nil {
			s.remove(g)
			close(g.empty)
		}
	}
}

// remove forgets a closed group. s.mu is held.
func (s *shard) remove(g *group) {
	for i, other := range s.closed {
		if other == g {
			s.closed = append(s.closed[:i], s.closed[i+1:]...)
			return
		}
	}
}

// wait returns when all attempts that were started before it have ended, or
// with the error of ctx.
func (s *shard) wait(ctx context.Context) error {
	s.mu.Lock()
	if s.open != nil && s.open.active > 0 {
		s.open.empty = make(chan struct{})
		s.closed = append(s.closed, s.open)
		s.open = nil
	}
	earlier := make([]*group, len(s.closed))
	copy(earlier, s.closed)
	s.mu.Unlock()

	for _, g := range earlier {
		select {
		case <-g.empty:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
