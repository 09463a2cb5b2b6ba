package outbox

import (
	"sync"
	"time"

	"offramp/store"
)

// Stats counts what the consumers of an [Outbox] were sent. The zero value is ready.
type Stats struct {
	mu        sync.Mutex
	consumers map[string]*counts
	head      int64 // the last event
}

// counts are those of one consumer.
type counts struct {
	kind      string
	state     store.ConsumerState
	delivered int64
	failed    int64 // calls without a success
	refused   int64
	cursor    int64
	missed    int64
	failing   time.Time
}

func (s *Stats) of(name string) *counts {
	if s.consumers == nil {
		s.consumers = map[string]*counts{}
	}
	one := s.consumers[name]
	if one == nil {
		one = new(counts)
		s.consumers[name] = one
	}
	return one
}

// see takes over which consumers there are, so that their number bounds what is kept.
func (s *Stats) see(all []store.Consumer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := map[string]bool{}
	for _, c := range all {
		one := s.of(c.Name)
		one.kind, one.state, one.cursor, one.missed, one.failing = c.Kind, c.State, c.Cursor, c.Missed, c.Failing
		if c.Damaged {
			one.state = store.ConsumerFailed
		}
		there[c.Name] = true
	}
	for name := range s.consumers {
		if !there[name] {
			delete(s.consumers, name)
		}
	}
}

// count counts the end of a call.
func (s *Stats) count(name string, r result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of(name)
	one.delivered += int64(r.done)
	if r.err == nil {
		return
	}
	if failureOf(r.err).Refused {
		one.refused++
	} else {
		one.failed++
	}
}

// reached records where a consumer is, and the last event there is.
func (s *Stats) reached(p store.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of(p.Name)
	one.cursor, one.failing = max(one.cursor, p.Cursor), p.Failing
	s.head = max(s.head, p.Cursor)
}

func (s *Stats) heard(last int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = max(s.head, last)
}

func (s *Stats) pausedNow(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(name).state = store.ConsumerFailed
}
