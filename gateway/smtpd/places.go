package smtpd

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"offramp/gateway/throttle"
)

// visitsKept is how long a network counts as known after a login from there: a
// sender that rests over a holiday is not a stranger when it comes back.
const visitsKept = 7 * 24 * time.Hour

// places are the connections there may be. Strangers can have all but those that
// are kept for clients we know: trusted networks, networks that someone logged in
// from of late, and whoever logged in on this connection.
type places struct {
	all       throttle.Shares               // of everybody
	strangers throttle.Shares               // of those, of whom we do not know
	visits    throttle.Recent[netip.Prefix] // networks that someone logged in from
	trusted   func(netip.Addr) bool
	stats     *Stats
	log       *slog.Logger
	logged    atomic.Int64 // the minute of the last line about stress
}

func (p *places) open(c Config) {
	most := int64(c.MaxConnections)
	p.all.All, p.all.Each, p.all.Narrow = most, int64(c.ConnectionsPerIP), true
	p.strangers.All, p.strangers.Each = most-int64(c.kept()), int64(c.ConnectionsPerIP)
	p.visits.For = visitsKept
}

// take gives c a place, if there is one.
func (p *places) take(c *conn) bool {
	if !p.all.Take(c.addr, 1) {
		return false
	}
	c.stranger = !p.trusted(c.addr) && !p.visits.Has(throttle.Network(c.addr), time.Now())
	if c.stranger && !p.strangers.Take(c.addr, 1) {
		p.all.Give(c.addr, 1)
		return false
	}
	if c.stranger {
		p.stats.Strangers.Add(1)
	}
	return true
}

// give takes back the place of c.
func (p *places) give(c *conn) {
	p.welcome(c)
	p.all.Give(c.addr, 1)
}

// welcome makes c one of those we know: a stranger has its place.
func (p *places) welcome(c *conn) {
	c.mu.Lock()
	stranger := c.stranger
	c.stranger = false
	c.mu.Unlock()
	if stranger {
		p.strangers.Give(c.addr, 1)
		p.stats.Strangers.Add(-1)
	}
}

// visited remembers that somebody logged in on c.
func (p *places) visited(c *conn) {
	p.welcome(c)
	p.visits.Add(throttle.Network(c.addr), time.Now())
}

// stress says whether strangers have more than four fifths of their places. They
// are then in a hurry, as with Postfix (STRESS_README), until they have less.
func (p *places) stress() bool { return 5*p.strangers.Held() > 4*p.strangers.All }

// stressed tells the operator, once a minute.
func (p *places) stressed() {
	minute := time.Now().Unix() / 60
	if p.logged.Swap(minute) != minute {
		p.log.Warn("strangers have most of the SMTP connections they may have: their time limits are short until they have fewer",
			"open", p.strangers.Held(), "max", p.strangers.All)
	}
}

// pace is how slow a client may be.
type pace struct {
	idle, block time.Duration
	rate        float64 // bytes per second
	commands    int     // without progress
}

// stressCommands is how many commands without progress a stranger has under
// stress.
const stressCommands = 10

// pace returns the limits that hold for c at this moment. The caller holds mu.
func (c *conn) pace() pace {
	l := c.limits
	p := pace{l.IdleTimeout, l.DataTimeout, float64(l.MinRate), l.IdleCommands}
	if c.stranger && c.places.stress() {
		p.idle, p.block = min(p.idle, l.StressIdle), min(p.block, l.StressData)
		p.rate, p.commands = max(p.rate, float64(l.StressRate)), min(p.commands, stressCommands)
	}
	return p
}

// hurry applies the limits of this moment to a read that waits.
func (c *conn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocked && c.stranger && !c.closed {
		c.Conn.SetReadDeadline(c.began.Add(c.patience()))
	}
}
