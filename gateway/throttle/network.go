package throttle

import (
	"net/netip"
	"time"
)

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

// width is a size of IPv6 networks that count as well, since one customer may
// have that many of /64: a home a /56, a site or a rented server a /48 (RFC 6177
// section 2).
type width struct {
	bits  int
	times int64 // what one /64 may have, that often
}

var widths = [...]width{{56, 2}, {48, 4}}

// around returns the network of that width that a lies in; the zero prefix for
// what is not IPv6.
func (w width) around(a netip.Addr) netip.Prefix {
	if !a.Is6() || a.Is4In6() {
		return netip.Prefix{}
	}
	p, err := a.Prefix(w.bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// Networks counts failures by the network of who fails: of an IPv4 address; of
// a /64 of IPv6, and with twice and four times as many of its /56 and /48. Safe
// for use by many goroutines.
type Networks struct {
	// PerMinute is how many failures a network has in a minute, and at once. It
	// is set before the first use; 0: as many as it likes.
	PerMinute int

	buckets Buckets[netip.Prefix]
}

// Empty says whether a network of a has failed too often. It counts nothing.
func (n *Networks) Empty(a netip.Addr, now time.Time) bool {
	if n.buckets.empty(Network(a), n.PerMinute, now) {
		return true
	}
	for _, w := range widths {
		if p := w.around(a); p.IsValid() && n.buckets.empty(p, n.PerMinute*int(w.times), now) {
			return true
		}
	}
	return false
}

// Take counts a failure and says whether every network of a still had one to
// spend.
func (n *Networks) Take(a netip.Addr, now time.Time) bool {
	ok := n.buckets.take(Network(a), n.PerMinute, now)
	for _, w := range widths {
		if p := w.around(a); p.IsValid() {
			ok = n.buckets.take(p, n.PerMinute*int(w.times), now) && ok
		}
	}
	return ok
}
