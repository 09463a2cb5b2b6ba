package smtpd

import (
	"net/netip"
	"sync"

	"offramp/gateway/throttle"
)

// counts limits connections in all and of one network. The zero value counts
// none.
type counts struct {
	mu    sync.Mutex
	total int
	each  map[netip.Prefix]int
}

// enter counts a connection unless that would be too many.
func (n *counts) enter(a netip.Addr, all, each int) bool {
	p := throttle.Network(a)
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
	p := throttle.Network(a)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total--
	if n.each[p]--; n.each[p] == 0 {
		delete(n.each, p)
	}
}
