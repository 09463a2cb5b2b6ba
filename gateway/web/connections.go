package web

import (
	"net"
	"net/netip"
	"time"

	"offramp/gateway/throttle"
)

const (
	// mostConnections is the largest limit that can be set.
	mostConnections = 100000
	// refusalLogged is how often the log says that connections are refused.
	refusalLogged = time.Minute
)

// Limit returns l with the limits of connections: in all, and of one network.
// Connections of trusted proxies, and of sockets without an address, are many
// people's: they count in all only.
func (s *Site) Limit(l net.Listener) net.Listener {
	trusted, _ := parseProxies(s.TrustedProxies) // Server has refused what cannot be read
	c := s.Config.WithDefaults()
	places := &throttle.Shares{All: int64(c.MaxConnections), Each: int64(c.ConnectionsPerIP)}
	r := &refusals{site: s, places: places}
	return &throttle.Listener{Listener: l, Places: places, Shared: trusted.trusted, Refused: r.add}
}

// refusals counts connections over a limit. The log has one line a minute: it is
// for the operator whose proxy is not named as one. It is for the goroutine that
// accepts.
type refusals struct {
	site   *Site
	places *throttle.Shares
	logged time.Time
}

func (r *refusals) add(from netip.Addr) {
	r.site.stats().Refused.Add(1)
	now := r.site.clock()()
	if !r.logged.IsZero() && now.Sub(r.logged) < refusalLogged {
		return
	}
	r.logged = now
	r.site.log().Warn("HTTP connections are refused, too many are open; name a reverse proxy in OFFRAMP_TRUSTED_PROXIES",
		"ip", from.String(), "open", r.places.Held(), "max", r.places.All, "max_per_ip", r.places.Each)
}
