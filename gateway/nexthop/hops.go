package nexthop

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"
)

// Parts is what [Hops] work with.
type Parts struct {
	Hostname string // ours: in EHLO, and among mail exchangers
	// Memory is how long a server that failed is tried after the others.
	Memory time.Duration

	Resolver Resolver // nil: net.DefaultResolver
	// Dial opens connections; nil: a net.Dialer.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Now   func() time.Time // nil: time.Now
	Rand  func() float64   // [0,1), safe for concurrent use; nil: math/rand
	Log   *slog.Logger     // nil: nothing is logged
	Stats *Stats           // nil: not counted
}

// Hops are the servers that mail is handed to, and the sessions with them.
// Make them with [New]. Safe for concurrent use.
type Hops struct {
	config Config
	limits *limits
	route  route
	pool   pool
}

// New returns the next hops of c, or every error in it. A zero value in c
// means its default.
func New(c Config, p Parts) (*Hops, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	all, err := c.servers()
	if err != nil {
		return nil, err
	}
	if p.Resolver == nil {
		p.Resolver = net.DefaultResolver
	}
	if p.Dial == nil {
		p.Dial = (&net.Dialer{}).DialContext
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Rand == nil {
		p.Rand = rand.Float64
	}
	if p.Stats == nil {
		p.Stats = &Stats{}
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	known := &limits{now: p.Now, log: p.Log, stats: p.Stats}
	h := &Hops{
		config: c,
		limits: known,
		pool:   pool{now: p.Now, stats: p.Stats},
		route: route{
			servers:    all,
			exchangers: exchangers{resolver: p.Resolver, hostname: p.Hostname, port: "25", rand: p.Rand, profile: all.profile},
			dialer: dialer{config: c, hostname: p.Hostname, dial: p.Dial, stats: p.Stats, limits: known,
				sessions: tls.NewLRUClientSessionCache(0)},
			now:    p.Now,
			memory: p.Memory,
		},
	}
	if c.TLSCAFile != "" {
		if h.route.dialer.roots, err = loadCA(c.TLSCAFile); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Direct says whether mail goes to the exchangers of each domain.
func (h *Hops) Direct() bool { return h.route.servers.direct }

// Connections is how many sessions there may be.
func (h *Hops) Connections() int { return h.config.Connections }

// PerDestination is how many of them may be to one destination.
func (h *Hops) PerDestination() int {
	most := h.config.PerDestination
	switch {
	case most == 0 && h.Direct():
		most = 4
	case most == 0:
		most = h.config.Connections
	}
	return min(most, h.config.Connections)
}

// Destination is what the recipients of a domain have in common: with
// smarthosts they all share one.
func (h *Hops) Destination(domain string) string {
	if h.Direct() {
		return domain
	}
	return ""
}

// Take returns a session with a destination that waits for its next
// transaction, or nil. The hop may have closed it meanwhile.
func (h *Hops) Take(destination string) *Session {
	for {
		s := h.pool.take(destination)
		if s == nil || s.reusable() {
			return s
		}
		h.pool.drop(s) // its limit was learnt meanwhile
	}
}

// Limits returns what is known of the limits of hops, by host.
func (h *Hops) Limits() []Limit { return h.limits.all() }

// Open opens a session with a destination. Where all connections are in use it
// closes one that waits.
func (h *Hops) Open(ctx context.Context, destination string) (*Session, error) {
	if all, _ := h.pool.size(destination); all >= h.config.Connections {
		h.pool.surplus()
	}
	s, err := h.route.open(ctx, destination)
	if err != nil {
		return nil, err
	}
	h.pool.add(destination, s)
	return s, nil
}

// Give returns a session after a transaction, for the next one.
func (h *Hops) Give(s *Session) { h.pool.give(s) }

// Drop closes a session that cannot go on.
func (h *Hops) Drop(s *Session) {
	s.broken = true
	h.pool.drop(s)
}

// OpenTo is how many sessions are open to a destination.
func (h *Hops) OpenTo(destination string) int {
	_, there := h.pool.size(destination)
	return there
}

// Sweep closes sessions that have waited for too long at now. It returns after
// what time it is to be called again; 0: no session waits.
func (h *Hops) Sweep(now time.Time) time.Duration {
	if h.pool.sweep(now.Add(-h.config.IdleTimeout)) == 0 {
		return 0
	}
	return h.config.IdleTimeout
}

// Forget forgets which servers failed.
func (h *Hops) Forget() { h.route.forgetAll() }

// Retire closes all sessions that wait. Those in use are closed when they are
// given back.
func (h *Hops) Retire() { h.pool.retire() }

// Sever closes the connections of all sessions, also of those in use.
func (h *Hops) Sever() { h.pool.sever() }
