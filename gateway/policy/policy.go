// Package policy is a Postfix policy service (SMTPD_POLICY_README): Postfix asks
// it about each recipient, and refuses those to whom nothing is sent, before it
// queues a message that would be dropped.
//
// Refused is only who is stopped for all mail, a dead address or one that the
// operator stopped by hand. At RCPT nobody knows whether a message is a newsletter
// or a password reset, so no opt-out, complaint or erasure counts here; all of
// them are looked at when the message has come. Whatever is not certain passes.
package policy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/throttle"
	"offramp/store"
)

// Verdicts says whether mail may be sent to a recipient; *consent.Consent does.
type Verdicts interface {
	Verdict(ctx context.Context, recipient envelope.Address, list string) (store.Verdict, error)
}

// Server answers policy requests. The fields must not change once it serves.
type Server struct {
	Config   Config
	Verdicts Verdicts
	// Trusted says who may ask, beside programs of this machine that open a unix
	// socket.
	Trusted func(netip.Addr) bool
	// Owns says whether an address is ours: it is never refused here. nil: none is.
	Owns  func(envelope.Address) bool
	Log   *slog.Logger // nil: nothing is logged
	Stats *Stats       // nil: not counted
}

// Limits that no setting changes. Postfix closes a connection that was idle for
// 300 s, and waits 100 s for an answer.
const (
	idleTimeout    = 330 * time.Second // between two requests
	requestTimeout = 10 * time.Second  // from the first byte of a request to its last
	verdictTimeout = 5 * time.Second
	writeTimeout   = 10 * time.Second
)

// Serve answers until ctx ends, then returns once every connection is closed. A
// request that is being answered is finished first.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	limited := &throttle.Listener{
		Listener: l, Places: &throttle.Shares{All: int64(s.Config.connections())},
		Refused: func(netip.Addr) { s.stats().Refused.Add(1) },
	}
	var open sync.WaitGroup
	defer open.Wait()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		c, err := limited.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			s.log().Warn("a connection to the policy service could not be accepted", "error", err)
			wait(ctx, acceptPause)
			continue
		}
		if !s.mayAsk(c) {
			s.stats().Refused.Add(1)
			s.log().Warn("a connection to the policy service was refused: its address is not in OFFRAMP_TRUSTED_NETWORKS", "ip", addrOf(c).String())
			c.Close()
			continue
		}
		open.Go(func() { s.converse(ctx, c) })
	}
}

// acceptPause is how long to wait when there are no files for a connection.
const acceptPause = 100 * time.Millisecond

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// mayAsk says whether a client may ask: who reaches a unix socket may.
func (s *Server) mayAsk(c net.Conn) bool {
	if c.LocalAddr().Network() == "unix" {
		return true
	}
	a := addrOf(c)
	return a.IsValid() && s.Trusted != nil && s.Trusted(a)
}

func addrOf(c net.Conn) netip.Addr {
	p, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap().WithZone("")
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

func (s *Server) stats() *Stats {
	if s.Stats == nil {
		return new(Stats)
	}
	return s.Stats
}
