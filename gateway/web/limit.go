package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// networksKept bounds the limiter: at most twice as many networks are
// remembered, about 2 MiB.
const networksKept = 8192

// limiter counts requests with wrong links for each client network. It keeps
// two generations: when the younger is full the older is forgotten, so that
// no flood of addresses makes it grow or makes it slow.
type limiter struct {
	perMinute int // 0: no limit

	mu         sync.Mutex
	young, old map[netip.Prefix]*rate.Limiter
}

// allow says whether one more request with a wrong link from n is answered
// as such.
func (l *limiter) allow(n netip.Prefix, now time.Time) bool {
	if l.perMinute == 0 {
		return true
	}
	return l.bucket(n).AllowN(now, 1)
}

func (l *limiter) bucket(n netip.Prefix) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.young[n]; b != nil {
		return b
	}
	b := l.old[n]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(l.perMinute)/60, l.perMinute)
	}
	if l.young == nil || len(l.young) >= networksKept {
		l.old, l.young = l.young, make(map[netip.Prefix]*rate.Limiter)
	}
	l.young[n] = b
	return b
}
