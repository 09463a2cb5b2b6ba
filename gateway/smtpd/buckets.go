package smtpd

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// bucketsKept bounds the memory for failed logins: at most twice as many keys
// are remembered, about 2 MiB.
const bucketsKept = 8192

// buckets counts failures by key, an address prefix or the digest of a login.
// It keeps two generations: when the younger one is full the older one goes, so
// that no flood makes it grow.
type buckets struct {
	perMinute int

	mu         sync.Mutex
	young, old map[any]*rate.Limiter
}

// empty says whether key has failed too often. It counts nothing.
func (b *buckets) empty(key any, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.young[key]
	if l == nil {
		l = b.old[key]
	}
	return l != nil && l.TokensAt(now) < 1
}

// take counts a failure.
func (b *buckets) take(key any, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.young[key]
	if l == nil {
		if l = b.old[key]; l == nil {
			l = rate.NewLimiter(rate.Limit(b.perMinute)/60, b.perMinute)
		}
		if b.young == nil || len(b.young) >= bucketsKept {
			b.old, b.young = b.young, make(map[any]*rate.Limiter)
		}
		b.young[key] = l
	}
	l.AllowN(now, 1)
}
