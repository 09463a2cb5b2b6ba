package nexthop

import (
	"context"
	"sync"
	"time"
)

// route opens sessions to destinations: the smarthosts, in order, or the mail
// exchangers of a domain. It remembers for a while which servers failed and
// tries them last. Safe for concurrent use.
type route struct {
	servers    servers
	exchangers exchangers
	dialer     dialer
	now        func() time.Time
	memory     time.Duration // how long a failure counts

	mu     sync.Mutex
	failed map[string]time.Time // by address: until when
}

// maxFailed bounds what is remembered.
const maxFailed = 4096

// open tries the servers of a destination until one answers. The error is a
// *badDomain when the destination can never be reached, else a *stageError.
func (r *route) open(ctx context.Context, destination string) (*Session, error) {
	targets, err := r.targets(ctx, destination)
	if err != nil {
		return nil, err
	}
	for _, t := range r.inOrder(targets) {
		var s *Session
		if s, err = r.dialer.open(ctx, t.hop, t.address); err == nil {
			r.forget(t.address)
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		r.remember(t.address)
	}
	return nil, err
}

func (r *route) targets(ctx context.Context, destination string) ([]target, error) {
	if r.servers.direct {
		ctx, cancel := context.WithTimeout(ctx, r.dialer.config.ConnectTimeout)
		defer cancel()
		return r.exchangers.targets(ctx, destination)
	}
	all := make([]target, len(r.servers.hops))
	for i, h := range r.servers.hops {
		all[i] = target{h, h.address()}
	}
	return all, nil
}

// inOrder puts those that failed a moment ago behind the others.
func (r *route) inOrder(all []target) []target {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	var good, bad []target
	for _, t := range all {
		if now.Before(r.failed[t.address]) {
			bad = append(bad, t)
		} else {
			good = append(good, t)
		}
	}
	return append(good, bad...)
}

func (r *route) remember(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil || len(r.failed) >= maxFailed {
		r.failed = make(map[string]time.Time)
	}
	r.failed[address] = r.now().Add(r.memory)
}

func (r *route) forget(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failed, address)
}

func (r *route) forgetAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = nil
}
