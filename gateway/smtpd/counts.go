package smtpd

import (
	"net/netip"
	"sync"
)

// counts limits connections in all and of one network. The zero value counts
// none.
type counts struct {
	mu    sync.Mutex
	total int
	each  map[netip.Prefix]int
}

// network is what counts as one client: an IPv4 address, or a /64 of IPv6,
// which is the least a site gets.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: one network of its own
	}
	return p
}

// enter counts a connection unless that would be too many.
func (n *counts) enter(a netip.Addr, all, each int) bool {
	p := network(a)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.total >= all || n.each[p] >= each {
		return false
	}
	if n.each == nil {
		n.each = make(map[netip.Prefix]int)
	}
	n.total++
	n.each[p]++
	return true
}

// leave takes back what enter counted.
func (n *counts) leave(a netip.Addr) {
	p := network(a)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total--
	if n.each[p]--; n.each[p] == 0 {
		delete(n.each, p)
	}
}
