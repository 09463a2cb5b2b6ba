package throttle

import (
	"sync"
	"time"
)

// Recent remembers for some time that something went right. It keeps two
// generations, as [Buckets] does, of at most 8192 keys each. Safe for use by many
// goroutines.
type Recent[K comparable] struct {
	// For is how long a key is remembered. It is set before the first use; 0:
	// not at all.
	For time.Duration

	mu         sync.Mutex
	young, old map[K]time.Time // until when
}

// Add remembers key from now on.
func (r *Recent[K]) Add(key K, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.young[key]; !known && (r.young == nil || len(r.young) >= kept) {
		r.old, r.young = r.young, make(map[K]time.Time)
	}
	r.young[key] = now.Add(r.For)
}

// Has says whether key is remembered.
func (r *Recent[K]) Has(key K, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.young[key]
	if !ok {
		until = r.old[key]
	}
	return now.Before(until)
}
