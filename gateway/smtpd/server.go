package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/gateway/relay"
)

// Relay takes mail of clients that may relay, and mail to our postmaster.
type Relay interface {
	MayRelay(c relay.Client) bool
	Accept(ctx context.Context, c relay.Client, e envelope.Envelope, data io.Reader) (relay.Receipt, error)
	AcceptPostmaster(ctx context.Context, c relay.Client, e envelope.Envelope, data io.Reader) (relay.Receipt, error)
}

// Feedback takes mail to our own opt-out and bounce addresses.
type Feedback interface {
	Owns(a envelope.Address) bool
	Check(ctx context.Context, a envelope.Address) error
	Receive(ctx context.Context, in feedback.Inbound) error
}

// Listener is a listener and how its connections begin.
type Listener struct {
	net.Listener
	ImplicitTLS bool // TLS from the first byte (RFC 8314 section 3.3)
}

// Server serves SMTP. It must not be copied or changed once Serve was called.
type Server struct {
	Config
	Hostname       string          // in the greeting
	MaxMessageSize envelope.Octets // 0: 50 MiB
	MaxRecipients  int             // of one transaction; 0: 1000
	Dir            string          // for mail to our own addresses while it comes in; empty: that of the system
	FixLineEnds    bool            // clients that may relay may end lines, and data, in CR CR LF
	Relay          Relay
	Feedback       Feedback    // nil: no address is ours
	Logins         *Logins     // nil: no AUTH
	TLS            *tls.Config // nil: no TLS
	Log            *slog.Logger
	Stats          *Stats

	changed  atomic.Pointer[changed] // nil: nothing was
	limits   Config
	tls      *tls.Config
	needsTLS *reply // to a login in clear
	places   places
	intake   intake
	guesses  guesses

	mu       sync.Mutex
	conns    map[*conn]struct{}
	stopping bool
	running  sync.WaitGroup
}

// changed is what may change while the server runs.
type changed struct{ logins *Logins }

// ChangeLogins replaces the logins; nil: no AUTH any more. Who is logged in stays
// so until the connection ends.
func (s *Server) ChangeLogins(l *Logins) { s.changed.Store(&changed{l}) }

func (s *Server) logins() *Logins {
	if c := s.changed.Load(); c != nil {
		return c.logins
	}
	return s.Logins
}

// ErrNoCertificate says that a listener needs TLS and there is none.
var ErrNoCertificate = errors.New("a listener with implicit TLS needs a certificate")

// Serve serves on all listeners until ctx ends, and closes them. Then it says
// 421 to clients that wait, lets messages on their way in end for at most
// Drain, cuts what is left, and returns once all its goroutines have ended. It
// returns an error only when a listener fails.
func (s *Server) Serve(ctx context.Context, listeners ...Listener) error {
	if err := s.prepare(listeners); err != nil {
		return err
	}
	// Messages on their way in outlive ctx.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stop, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	closeAll := context.AfterFunc(stop, func() {
		for _, l := range listeners {
			l.Close()
		}
	})
	defer closeAll()

	var accepting sync.WaitGroup
	for _, l := range listeners {
		accepting.Go(func() {
			if err := s.accept(stop, base, l); err != nil {
				cancel(err)
			}
		})
	}
	accepting.Wait()
	s.drain(cut)
	s.intake.scratch.close()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(stop)
}

func (s *Server) prepare(listeners []Listener) error {
	s.limits = s.Config.WithDefaults()
	if s.MaxMessageSize == 0 {
		s.MaxMessageSize = 50 << 20
	}
	if s.MaxRecipients == 0 {
		s.MaxRecipients = 1000
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if s.Stats == nil {
		s.Stats = &Stats{}
	}
	s.conns = make(map[*conn]struct{})
	s.places.trusted = func(a netip.Addr) bool { return s.Relay.MayRelay(relay.Client{Addr: a}) }
	s.places.stats, s.places.log = s.Stats, s.Log
	s.places.open(s.limits)
	s.guesses.open(s.limits)
	s.intake.open(s.Dir)
	s.tls = s.serverTLS()
	s.needsTLS = s.authNeedsTLS(listeners)
	for _, l := range listeners {
		if l.ImplicitTLS && s.tls == nil {
			return ErrNoCertificate
		}
	}
	return nil
}

// accept takes connections until stop ends.
func (s *Server) accept(stop, base context.Context, l Listener) error {
	var pause time.Duration
	for {
		raw, err := l.Accept()
		if stop.Err() != nil {
			if err == nil {
				raw.Close()
			}
			return nil
		}
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("accept on %s: %w", l.Addr(), err)
			}
			// Too many open files, a connection reset meanwhile: it passes.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.Log.Error("cannot accept a connection", "error", err)
			select {
			case <-stop.Done():
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		s.admit(base, raw, l.ImplicitTLS)
	}
}

// admit serves a connection unless there are too many.
func (s *Server) admit(base context.Context, raw net.Conn, implicit bool) {
	c := s.newConn(raw, implicit)
	s.mu.Lock()
	defer s.mu.Unlock()
	calm := !s.places.stress()
	if s.stopping || !s.places.take(c) {
		s.Stats.TooMany.Add(1)
		s.running.Go(func() { s.refuse(c) })
		return
	}
	s.conns[c] = struct{}{}
	s.Stats.Connections.Add(1)
	s.Stats.Open.Add(1)
	if calm && s.places.stress() {
		s.places.stressed()
		for other := range s.conns {
			other.hurry()
		}
	}
	s.running.Go(func() {
		defer s.release(c)
		defer s.survive(c)
		s.serve(base, c)
	})
}

// survive keeps a panic from ending the process.
func (s *Server) survive(c *conn) {
	if p := recover(); p != nil {
		s.panicked(c, fmt.Sprintf("panic serving: %v\n%s", p, debug.Stack()))
	}
}

// refuse turns a connection away.
func (s *Server) refuse(c *conn) {
	defer c.Close()
	if c.implicit {
		return
	}
	c.say(&reply{421, smtp.EnhancedCode{4, 7, 0}, "too many connections, try again later"})
}

func (s *Server) release(c *conn) {
	c.Close()
	c.reading.Wait()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.places.give(c)
	s.Stats.Open.Add(-1)
}

// serve runs one connection to its end: a dialogue, and another when TLS begins.
func (s *Server) serve(base context.Context, c *conn) {
	ctx, cancel := context.WithCancel(base)
	defer cancel()
	if !c.implicit {
		d := s.newDialogue(c, false, false)
		if s.converse(ctx, d); !d.upgrade {
			return
		}
	}
	if err := c.beginTLS(s.tls); err != nil {
		s.Log.Debug("session ended", "ip", c.addr.String(), "error", err)
		return
	}
	s.converse(ctx, s.newDialogue(c, true, !c.implicit))
}

// converse holds one dialogue, with a go-smtp server of its own.
func (s *Server) converse(ctx context.Context, d *dialogue) {
	server := smtp.NewServer(smtp.BackendFunc(func(sc *smtp.Conn) (smtp.Session, error) {
		return s.newSession(ctx, d, sc)
	}))
	server.Domain = s.Hostname
	// go-smtp refuses a message of exactly its limit; ours is exact.
	server.MaxMessageBytes = int64(s.MaxMessageSize) + 1
	server.MaxRecipients = s.MaxRecipients
	server.MaxLineLength = 0                  // it would count every byte of a message
	server.ReadTimeout = s.limits.IdleTimeout // any: it makes the mark
	// The session decides: go-smtp knows nothing of loopback nor of TLS, and its
	// refusal does not say what to do.
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = true
	server.EnableDSN = true
	server.EnableREQUIRETLS = s.tls != nil
	server.ErrorLog = faults{s, d}
	server.Serve(&single{conn: d, done: d.done})
	server.Shutdown(context.Background()) // waits for the goroutine of go-smtp
}

// drain ends all connections.
func (s *Server) drain(cut context.CancelFunc) {
	s.mu.Lock()
	s.stopping = true
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		s.running.Go(func() {
			defer s.survive(c)
			c.stop()
		})
	}
	force := time.AfterFunc(s.limits.Drain, func() {
		cut()
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			s.Stats.DrainedForce.Add(1)
			c.Close()
		}
	})
	s.running.Wait()
	force.Stop()
}

// single is a listener with one connection.
type single struct {
	conn net.Conn
	done <-chan struct{}
	used bool
}

func (l *single) Accept() (net.Conn, error) {
	if !l.used {
		l.used = true
		return l.conn, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *single) Close() error   { return nil }
func (l *single) Addr() net.Addr { return l.conn.LocalAddr() }
