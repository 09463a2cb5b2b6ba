package access

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"offramp/store"
)

// Quota is what a caller has left, for the fields RateLimit-Policy and RateLimit
// (draft-ietf-httpapi-ratelimit-headers-10).
type Quota struct {
	Limit     int           // requests in a minute
	Remaining int           // that may be sent now
	Wait      time.Duration // until Limit are there again; when none is left, until one is
}

// rates has a bucket for each caller. Callers are those who have a key, so there
// are few.
type rates struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// Spend counts a request. ok is false when the caller has none left; limited is
// false for one without a limit.
func (a *Access) Spend(c Grant) (q Quota, limited, ok bool) {
	if c.Free || a.Rate == 0 {
		return Quota{}, false, true
	}
	now, r := a.now(), &a.rates
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[c.ID]
	if b == nil {
		// Keys are replaced in the long run; a bucket that is lost is full again.
		if r.buckets == nil || len(r.buckets) > store.MaxKeys {
			r.buckets = make(map[string]*rate.Limiter)
		}
		b = rate.NewLimiter(rate.Limit(a.Rate)/60, a.Rate)
		r.buckets[c.ID] = b
	}
	ok = b.AllowN(now, 1)
	left := b.TokensAt(now)
	if !ok {
		a.counts.rate.Add(1)
	}
	q = Quota{Limit: a.Rate, Remaining: max(0, int(left))}
	missing := float64(a.Rate) - left
	if q.Remaining == 0 {
		missing = 1 - left
	}
	q.Wait = time.Duration(math.Ceil(missing*60/float64(a.Rate))) * time.Second
	return q, true, ok
}
