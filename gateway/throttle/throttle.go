// Package throttle counts what strangers get wrong, so that guessing costs
// them time: failed logins, links that were never made. What goes right is
// never counted, and no flood of strangers makes it grow. It also counts what
// they hold, so that none of them holds it all: connections, memory.
package throttle

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// kept bounds the memory: at most twice as many keys are remembered, about
// 2 MiB.
const kept = 8192

// Buckets counts failures by key. It keeps two generations: when the younger
// one is full the older one goes, so a key that goes on failing stays known.
// Safe for use by many goroutines.
type Buckets[K comparable] struct {
	// PerMinute is how many failures a key has in a minute, and at once. It is
	// set before the first use; 0: as many as it likes.
	PerMinute int

	mu         sync.Mutex
	young, old map[K]*rate.Limiter
}

// Empty says whether key has failed too often. It counts nothing.
func (b *Buckets[K]) Empty(key K, now time.Time) bool {
	if b.PerMinute == 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.find(key)
	return l != nil && l.TokensAt(now) < 1
}

// Take counts a failure and says whether the key still had one to spend.
func (b *Buckets[K]) Take(key K, now time.Time) bool {
	if b.PerMinute == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.find(key)
	if l == nil {
		l = rate.NewLimiter(rate.Limit(b.PerMinute)/60, b.PerMinute)
	}
	if b.young[key] == nil {
		if b.young == nil || len(b.young) >= kept {
			b.old, b.young = b.young, make(map[K]*rate.Limiter)
		}
		b.young[key] = l
	}
	return l.AllowN(now, 1)
}

// find returns the bucket of key, nil for one that never failed. The caller
// holds mu.
func (b *Buckets[K]) find(key K) *rate.Limiter {
	if l := b.young[key]; l != nil {
		return l
	}
	return b.old[key]
}

// Network is what counts as one client: an IPv4 address, or a /64 of IPv6,
// which is the least a site gets. What has no address is a network of its own.
func Network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
