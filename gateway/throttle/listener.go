package throttle

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// Listener is a listener with a bounded number of connections. One over the
// bounds is closed at once, before anything is read or kept of it. A connection
// counts until it is closed, whoever does that. Accept is called by one
// goroutine, as net/http does.
type Listener struct {
	net.Listener
	Places *Shares // of connections
	// Shared says that many people come from an address: its connections count in
	// all only. nil: none is.
	Shared func(netip.Addr) bool
	// Refused is told of each connection that was closed; nil: nobody is.
	Refused func(netip.Addr)
}

// Accept returns the next connection that is within the bounds.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addrOf(raw)
		holder := from
		if l.Shared != nil && l.Shared(from) {
			holder = netip.Addr{}
		}
		if l.Places.Take(holder, 1) {
			return &placed{Conn: raw, leave: sync.OnceFunc(func() { l.Places.Give(holder, 1) })}, nil
		}
		raw.Close()
		if l.Refused != nil {
			l.Refused(from)
		}
	}
}

// addrOf is the address of the other side; invalid for a socket without one.
func addrOf(c net.Conn) netip.Addr {
	p, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap().WithZone("")
}

// placed is a connection that gives its place back when it is closed.
type placed struct {
	net.Conn
	leave func()
}

func (c *placed) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite ends the sending half. net/http asks for it before it closes a
// connection on which the client still sends, so that the answer arrives.
func (c *placed) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
