package access

import (
	"net/netip"
	"sync"
	"time"

	"offramp/gateway/throttle"
)

// rightFor is how long a key counts as one that was right of late.
const rightFor = 24 * time.Hour

// guesses count wrong keys by network. A key that was right of late is looked up
// all the same: others behind the same proxy must not shut it out.
type guesses struct {
	once     sync.Once
	networks throttle.Networks
	right    throttle.Recent[string] // by ID
}

// may says whether a key may be looked up.
func (g *guesses) may(addr netip.Addr, id string, now time.Time, perMinute int) bool {
	g.once.Do(func() { g.networks.PerMinute, g.right.For = perMinute, rightFor })
	return g.right.Has(id, now) || !g.networks.Empty(addr, now)
}

func (g *guesses) wrong(addr netip.Addr, now time.Time) { g.networks.Take(addr, now) }
