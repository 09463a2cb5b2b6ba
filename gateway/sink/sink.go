// Package sink is a next hop inside the process: it takes mail and keeps it in
// memory. The demo shows what Offramp sent with it, and trials make it fail at
// any stage of a transaction.
//
// It reads SMTP on its own, strictly and without a library: only CRLF ends a
// line and only CRLF.CRLF ends a message (RFC 5321 section 4.1.1.4), so that
// what it keeps is what was on the wire.
package sink

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// Options say how a [Sink] behaves. The zero value listens on a free port of
// the loopback address and takes everything.
type Options struct {
	Addr string      // listen address; empty: 127.0.0.1:0
	Name string      // in the greeting; empty: sink.example
	TLS  *tls.Config // offers STARTTLS when set
	// Extensions are the EHLO keywords; nil: PIPELINING, 8BITMIME, SMTPUTF8,
	// DSN and SIZE of 100 MB.
	Extensions []string
	// Fault is asked at every stage of every session, from the session's own
	// goroutine. nil: no faults.
	Fault func(Stage, Transaction) Fault
	// Discard keeps only the envelope of a message and the size of its data.
	Discard bool
	// Keep is called for each message taken, before it is answered. nil: the
	// message is only kept for Messages.
	Keep func(Message)
}

// Message is one message taken, with its envelope.
type Message struct {
	ReversePath string    // as on the wire, without angle brackets
	Recipients  []string  // as on the wire, without angle brackets
	Parameters  []string  // of MAIL, then of each RCPT
	Data        []byte    // dots removed; nil with Options.Discard
	Size        int       // bytes of the data
	At          time.Time // when MAIL was read
	Helo        string
	TLS         bool
	Login       string // with AUTH PLAIN
}

// Sink is a running next hop.
type Sink struct {
	options  Options
	listener net.Listener
	sessions sync.WaitGroup

	mu       sync.Mutex
	messages []Message
	conns    map[net.Conn]struct{}
	opened   int // sessions so far
	closed   bool
	changed  chan struct{} // closed and replaced when messages grows
}

// Start listens and serves until Close.
func Start(o Options) (*Sink, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Name == "" {
		o.Name = "sink.example"
	}
	if o.Extensions == nil {
		o.Extensions = []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 104857600"}
	}
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the sink: %w", err)
	}
	s := &Sink{options: o, listener: l, conns: make(map[net.Conn]struct{}), changed: make(chan struct{})}
	s.sessions.Go(s.accept)
	return s, nil
}

// Addr is the address the sink listens on.
func (s *Sink) Addr() string { return s.listener.Addr().String() }

// Close stops listening, ends all sessions and waits for them.
func (s *Sink) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.sessions.Wait()
	return err
}

// Messages returns what was taken so far, oldest first.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Taken is how many messages were taken so far.
func (s *Sink) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.messages)
}

// Wait returns when n messages were taken, or at the deadline with what there is.
func (s *Sink) Wait(n int, deadline time.Time) []Message {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		s.mu.Lock()
		got, changed := len(s.messages), s.changed
		s.mu.Unlock()
		if got >= n {
			return s.Messages()
		}
		select {
		case <-changed:
		case <-timer.C:
			return s.Messages()
		}
	}
}

func (s *Sink) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			c.Close()
			return
		}
		s.conns[c] = struct{}{}
		s.opened++
		number := s.opened
		s.mu.Unlock()
		s.sessions.Go(func() {
			defer s.forget(c)
			newSession(s, c, number).serve()
		})
	}
}

func (s *Sink) forget(c net.Conn) {
	c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

func (s *Sink) take(m Message) {
	if s.options.Keep != nil {
		s.options.Keep(m)
	}
	s.mu.Lock()
	s.messages = append(s.messages, m)
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
}
