package policy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"
)

// converse answers the requests of a connection, one after another.
func (s *Server) converse(ctx context.Context, c net.Conn) {
	s.stats().Connections.Add(1)
	s.stats().Open.Add(1)
	defer s.stats().Open.Add(-1)
	defer c.Close()
	defer func() {
		if cause := recover(); cause != nil {
			s.stats().Panics.Add(1)
			s.log().Error("panic in the policy service", "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
	}()
	// A stop ends the wait for the next request, and no answer.
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	in := bufio.NewReaderSize(c, maxLine)
	for ctx.Err() == nil {
		r, err := s.next(ctx, c, in)
		if err != nil {
			if errors.Is(err, errMalformed) {
				s.stats().Malformed.Add(1)
				s.log().Warn("the policy service was sent something else than a policy request: is it Postfix that connects to OFFRAMP_POLICY_ADDR?", "ip", addrOf(c).String(), "error", err)
			}
			return
		}
		action := s.answer(context.WithoutCancel(ctx), r)
		if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return
		}
		if _, err := c.Write([]byte("action=" + action + "\n\n")); err != nil {
			return
		}
	}
}

// next waits for a request and reads it.
func (s *Server) next(ctx context.Context, c net.Conn, in *bufio.Reader) (request, error) {
	if err := s.until(ctx, c, idleTimeout); err != nil {
		return request{}, err
	}
	if _, err := in.Peek(1); err != nil {
		return request{}, err
	}
	if err := s.until(ctx, c, requestTimeout); err != nil {
		return request{}, err
	}
	return readRequest(in)
}

// until bounds the reads that follow, unless the server stops.
func (s *Server) until(ctx context.Context, c net.Conn, d time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	return ctx.Err() // a stop that came before the deadline was set over it
}
