package throttle

import (
	"net/netip"
	"sync"
)

// Shares counts what strangers hold of something limited, connections or
// memory: in all, and of each network, so that one of them cannot have it all.
// Of IPv6 it counts networks of several widths, since who has a /48 has 65,536
// of /64. It remembers only networks that hold something. Safe for use by many
// goroutines.
type Shares struct {
	// All is how much there is. It is set before the first use.
	All int64
	// Each is how much of it one network may hold: an IPv4 address or a /64 of
	// IPv6. A /56 may hold twice and a /48 four times as much, but no more than
	// half of All unless that is less than Each. It is set before the first use;
	// 0: as much as there is.
	Each int64
	// Narrow: an IPv6 network of more than a /64 may hold as much as there is.
	Narrow bool

	mu   sync.Mutex
	held int64
	each map[netip.Prefix]int64
}

// Take counts n as held by the network of a, unless that would be too much. What
// has no address counts in all only.
func (s *Shares) Take(a netip.Addr, n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held+n > s.All {
		return false
	}
	networks := s.networks(a)
	for i, p := range networks {
		if p.IsValid() && s.Each > 0 && s.each[p]+n > s.most(i) {
			return false
		}
	}
	s.held += n
	for _, p := range networks {
		if !p.IsValid() {
			continue
		}
		if s.each == nil {
			s.each = make(map[netip.Prefix]int64)
		}
		s.each[p] += n
	}
	return true
}

// Give takes back what Take counted.
func (s *Shares) Give(a netip.Addr, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= n
	for _, p := range s.networks(a) {
		if left := s.each[p] - n; left > 0 {
			s.each[p] = left
		} else {
			delete(s.each, p)
		}
	}
}

// networks returns those that a lies in, narrowest first; the zero prefix stands
// for one that does not count.
func (s *Shares) networks(a netip.Addr) (all [1 + len(widths)]netip.Prefix) {
	if !a.IsValid() {
		return all
	}
	all[0] = Network(a)
	if s.Narrow {
		return all
	}
	for i, w := range widths {
		all[1+i] = w.around(a)
	}
	return all
}

// most is what a network may hold, by its place in networks.
func (s *Shares) most(i int) int64 {
	if i == 0 {
		return s.Each
	}
	return max(s.Each, min(s.Each*widths[i-1].times, s.All/2))
}

// Held is how much is held now.
func (s *Shares) Held() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}
