// Package throttle counts what strangers get wrong, so that guessing costs
// them time: failed logins, links that were never made. What goes right is
// never counted, and no flood of strangers makes it grow. It also counts what
// they hold, so that none of them holds it all: connections, memory.
package throttle

import (
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
func (b *Buckets[K]) Empty(key K, now time.Time) bool { return b.empty(key, b.PerMinute, now) }

// Take counts a failure and says whether the key still had one to spend.
func (b *Buckets[K]) Take(key K, now time.Time) bool { return b.take(key, b.PerMinute, now) }

// empty is Empty for a key with a number of its own.
func (b *Buckets[K]) empty(key K, perMinute int, now time.Time) bool {
	if perMinute == 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.find(key)
	return l != nil && l.TokensAt(now) < 1
}

// take is Take for a key with a number of its own, always the same.
func (b *Buckets[K]) take(key K, perMinute int, now time.Time) bool {
	if perMinute == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.find(key)
	if l == nil {
		l = rate.NewLimiter(rate.Limit(perMinute)/60, perMinute)
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
