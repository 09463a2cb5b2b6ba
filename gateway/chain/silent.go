package chain

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	// restFor is how long a host is not called that did not answer, so that those who
	// wait for it do not take up all calls.
	restFor = 20 * time.Second
	// mostSilent bounds the hosts that are remembered.
	mostSilent = 1000
)

// silent are hosts that did not answer a moment ago.
type silent struct {
	mu    sync.Mutex
	hosts map[string]fault
}

type fault struct {
	until time.Time
	err   error
}

// of returns why a host is not called now; nil: it is.
func (s *silent) of(host string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.hosts[host]; f.until.After(now) {
		return f.err
	}
	return nil
}

func (s *silent) add(host string, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts == nil {
		s.hosts = make(map[string]fault)
	}
	if f := s.hosts[host]; f.until.After(now) {
		return // it is not prolonged by those who did not call
	}
	for one, f := range s.hosts {
		if !f.until.After(now) {
			delete(s.hosts, one)
		}
	}
	if len(s.hosts) < mostSilent {
		s.hosts[host] = fault{now.Add(restFor), err}
	}
}

// plainly says what went wrong in few words of our own.
func plainly(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var answered *answerError
	switch {
	case errors.As(err, &answered):
		return answered.Error()
	case errors.As(err, &dns):
		return "its name is not found"
	case errors.Is(err, context.DeadlineExceeded):
		return "does not answer in time"
	case errors.As(err, &op) && op.Op == "dial":
		return "cannot be reached"
	}
	return "the call failed"
}

// answerError is an answer after which another call may succeed.
type answerError struct{ text string }

func (e *answerError) Error() string { return e.text }
