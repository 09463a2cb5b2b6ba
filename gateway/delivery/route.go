package delivery

import (
	"context"
	"errors"
	"sync"
	"time"
)

// route opens sessions to destinations: the smarthosts, in order, or the mail
// exchangers of a domain. It remembers for a while which servers failed and
// tries them last. Safe for concurrent use.
type route struct {
	hops       nextHops
	exchangers exchangers
	dialer     dialer
	now        func() time.Time
	memory     time.Duration // how long a failure counts

	mu     sync.Mutex
	failed map[string]time.Time // by address: until when
}

// maxFailed bounds what is remembered.
const maxFailed = 4096

// destination is what the recipients of a domain have in common: with
// smarthosts they all share one.
func (r *route) destination(domain string) string {
	if r.hops.direct {
		return domain
	}
	return ""
}

// open tries the servers of a destination until one answers. The error is a
// *badDomain when the destination can never be reached, else a *stageError.
func (r *route) open(ctx context.Context, destination string) (*session, error) {
	targets, err := r.targets(ctx, destination)
	if err != nil {
		return nil, err
	}
	for _, t := range r.inOrder(targets) {
		s, fault := r.dialer.open(ctx, t.hop, t.address)
		if fault == nil {
			r.forget(t.address)
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, fault
		}
		r.remember(t.address)
		err = &hopError{t.hop.host, fault}
	}
	return nil, err
}

// hopError says which server an error is about.
type hopError struct {
	host string
	error
}

func (e *hopError) Unwrap() error { return e.error }

func (r *route) targets(ctx context.Context, destination string) ([]target, error) {
	if r.hops.direct {
		ctx, cancel := context.WithTimeout(ctx, r.dialer.config.ConnectTimeout)
		defer cancel()
		return r.exchangers.targets(ctx, destination)
	}
	all := make([]target, len(r.hops.hops))
	for i, h := range r.hops.hops {
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

// misconfigured says whether err points at our own settings rather than at the
// state of the hop, so that somebody should look: a refusal for good before any
// message, a certificate that does not verify, a missing extension.
func misconfigured(err error) bool {
	e, ok := errors.AsType[*stageError](err)
	if !ok || !e.setup() {
		return false
	}
	return permanent(err) || e.stage == stageAuth || e.stage == stageTLS
}
