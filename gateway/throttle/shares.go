package throttle

import (
	"net/netip"
	"sync"
)

// Shares counts what strangers hold of something limited, connections or
// memory: in all, and of each network, so that one of them cannot have it all.
// It remembers only networks that hold something. Safe for use by many
// goroutines.
type Shares struct {
	// All is how much there is. It is set before the first use.
	All int64
	// Each is how much of it one network may hold. It is set before the first
	// use; 0: as much as there is.
	Each int64

	mu   sync.Mutex
	held int64
	each map[netip.Prefix]int64
}

// Take counts n as held by the network of a, unless that would be too much. What
// has no address counts in all only.
func (s *Shares) Take(a netip.Addr, n int64) bool {
	p := Network(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held+n > s.All || a.IsValid() && s.Each > 0 && s.each[p]+n > s.Each {
		return false
	}
	s.held += n
	if a.IsValid() {
		if s.each == nil {
			s.each = make(map[netip.Prefix]int64)
		}
		s.each[p] += n
	}
	return true
}

// Give takes back what Take counted.
func (s *Shares) Give(a netip.Addr, n int64) {
	p := Network(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= n
	if left := s.each[p] - n; left > 0 {
		s.each[p] = left
	} else {
		delete(s.each, p)
	}
}

// Held is how much is held now.
func (s *Shares) Held() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}
