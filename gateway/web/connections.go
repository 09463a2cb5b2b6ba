package web

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"offramp/gateway/throttle"
)

const (
	// mostConnections is the largest limit that can be set.
	mostConnections = 100000
	// refusalLogged is how often the log says that connections are refused.
	refusalLogged = time.Minute
)

// Limit returns l with the limits of connections: in all, and of one network. A
// connection over them is closed at once, before anything is read or kept of it.
// Connections of trusted proxies, and of sockets without an address, are many
// people's: they count in all only. A connection counts until it is closed,
// whoever does that.
func (s *Site) Limit(l net.Listener) net.Listener {
	trusted, _ := parseProxies(s.TrustedProxies) // Server has refused what cannot be read
	c := s.Config.WithDefaults()
	return &limited{
		Listener: l, trusted: trusted, log: s.log(), stats: s.stats(), now: s.clock(),
		places: throttle.Shares{All: int64(c.MaxConnections), Each: int64(c.ConnectionsPerIP)},
	}
}

// limited is a listener with a bounded number of connections. Accept is called
// by one goroutine, as net/http does.
type limited struct {
	net.Listener
	trusted proxies
	places  throttle.Shares
	log     *slog.Logger
	stats   *Stats
	now     func() time.Time
	logged  time.Time // when the log last said that connections are refused
}

// Accept returns the next connection that is within the limits.
func (l *limited) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := parseAddr(raw.RemoteAddr().String())
		holder := from
		if l.trusted.trusted(from) {
			holder = netip.Addr{}
		}
		if l.places.Take(holder, 1) {
			return &placed{Conn: raw, leave: sync.OnceFunc(func() { l.places.Give(holder, 1) })}, nil
		}
		raw.Close()
		l.refused(from)
	}
}

// refused counts a connection over a limit. The log has one line a minute: it
// is for the operator whose proxy is not named as one.
func (l *limited) refused(from netip.Addr) {
	l.stats.Refused.Add(1)
	now := l.now()
	if !l.logged.IsZero() && now.Sub(l.logged) < refusalLogged {
		return
	}
	l.logged = now
	l.log.Warn("HTTP connections are refused, too many are open; name a reverse proxy in OFFRAMP_TRUSTED_PROXIES",
		"ip", from.String(), "open", l.places.Held(), "max", l.places.All, "max_per_ip", l.places.Each)
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
