package throttle

import (
	"net/netip"
	"sync"
	"time"
)

// Day counts what strangers use up of something in 24 hours, in all and of each
// network, as [Shares] does. Safe for use by many goroutines.
type Day struct {
	// All is how much there is in a day, and Each how much of it one network may
	// use. They are set before the first use.
	All, Each int64

	mu     sync.Mutex
	since  time.Time
	shares *Shares // used since then
}

// Take counts n as used by the network of a, unless that would be too much.
func (d *Day) Take(a netip.Addr, n int64, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if age := now.Sub(d.since); d.shares == nil || age < 0 || age >= 24*time.Hour {
		d.since, d.shares = now, &Shares{All: d.All, Each: d.Each}
	}
	return d.shares.Take(a, n)
}
