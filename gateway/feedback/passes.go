package feedback

import (
	"sync"
	"time"

	"offramp/gateway/throttle"
)

// perMinute is how much of what one person's address returns goes on to its
// sender: who has got mail from us could send the sender any number of bounces.
const perMinute = 10

// passes counts what was passed on, by person.
type passes struct {
	once    sync.Once
	buckets throttle.Buckets[string]
}

func (p *passes) take(person string, now time.Time) bool {
	p.once.Do(func() { p.buckets.PerMinute = perMinute })
	return p.buckets.Take(person, now)
}
