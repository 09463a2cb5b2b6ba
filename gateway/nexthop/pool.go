package nexthop

import (
	"sync"
	"time"
)

// pool keeps sessions that wait for their next transaction, and knows all that
// are open, so that they can be cut off. Safe for concurrent use.
type pool struct {
	now   func() time.Time
	stats *Stats

	mu     sync.Mutex
	idle   map[string][]*Session // by destination, last used last
	open   map[*Session]string   // their destinations
	closed bool                  // no session is kept any more
	cut    bool                  // no session may live any more
}

// take returns a session that waits, or nil.
func (p *pool) take(destination string) *Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[destination]
	if len(list) == 0 {
		return nil
	}
	s := list[len(list)-1]
	p.idle[destination] = list[:len(list)-1]
	return s
}

// add makes a new session known.
func (p *pool) add(destination string, s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = make(map[*Session]string)
	}
	p.open[s] = destination
	if p.cut {
		_ = s.wire.Conn.Close()
	}
}

// give takes a session back after a transaction: it waits for the next one,
// or is closed.
func (p *pool) give(s *Session) {
	p.mu.Lock()
	if destination, known := p.open[s]; known && s.reusable() && !p.closed {
		if p.idle == nil {
			p.idle = make(map[string][]*Session)
		}
		s.since = p.now()
		p.idle[destination] = append(p.idle[destination], s)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	p.drop(s)
}

// drop closes a session.
func (p *pool) drop(s *Session) {
	p.mu.Lock()
	if _, ok := p.open[s]; ok {
		delete(p.open, s)
		p.stats.Open.Add(-1)
	}
	p.mu.Unlock()
	s.close()
}

// sweep closes sessions that wait since before the given time, and returns how
// many wait on.
func (p *pool) sweep(before time.Time) int {
	p.mu.Lock()
	var old []*Session
	left := 0
	for destination, list := range p.idle {
		n := 0 // the oldest come first
		for n < len(list) && list[n].since.Before(before) {
			n++
		}
		old = append(old, list[:n]...)
		left += len(list) - n
		if n == len(list) {
			delete(p.idle, destination)
		} else if n > 0 {
			p.idle[destination] = append([]*Session(nil), list[n:]...)
		}
	}
	p.mu.Unlock()
	for _, s := range old {
		p.drop(s)
	}
	return left
}

// surplus closes the session that has waited longest and returns true, or
// false when none waits.
func (p *pool) surplus() bool {
	p.mu.Lock()
	var oldest *Session
	from := ""
	for destination, list := range p.idle {
		if len(list) > 0 && (oldest == nil || list[0].since.Before(oldest.since)) {
			oldest, from = list[0], destination
		}
	}
	if oldest != nil {
		p.idle[from] = append([]*Session(nil), p.idle[from][1:]...)
	}
	p.mu.Unlock()
	if oldest != nil {
		p.drop(oldest)
	}
	return oldest != nil
}

// size returns how many sessions are open, in all and to one destination.
func (p *pool) size(destination string) (all, there int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, to := range p.open {
		if to == destination {
			there++
		}
	}
	return len(p.open), there
}

// retire ends all that wait; sessions in use end when they are given back.
func (p *pool) retire() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.sweep(p.now().Add(24 * time.Hour))
}

// sever closes the connections of all sessions, also of those in use.
func (p *pool) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.cut = true, true
	for s := range p.open {
		_ = s.wire.Conn.Close()
	}
}
