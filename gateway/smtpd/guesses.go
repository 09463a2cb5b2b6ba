package smtpd

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"offramp/gateway/throttle"
)

const (
	// homeKept is how long a network counts as one of a login's after the last
	// right password from there.
	homeKept = 7 * 24 * time.Hour
	// brakeWait is how long a password is not looked at while a login is being
	// guessed from many networks, and brakeQueue how many wait for that at once:
	// together they allow 80 guesses a minute, from however many networks.
	brakeWait  = 3 * time.Second
	brakeQueue = 4
)

// guesses counts failed logins: by network, by login and network, and by login.
// Whoever knows a login's name can make it fail, so that no number of failures
// elsewhere refuses a network where the login was right of late; and elsewhere
// they only slow it down.
type guesses struct {
	networks throttle.Networks
	pairs    throttle.Buckets[[32]byte] // of a login and a network
	logins   throttle.Buckets[[32]byte]
	homes    throttle.Recent[[32]byte] // logins and networks where they were right

	mu      sync.Mutex
	waiting map[[32]byte]int // by login
}

// guess is one login that is tried.
type guess struct {
	addr        netip.Addr
	login, pair [32]byte
}

func (l *Logins) guess(name string, addr netip.Addr) guess {
	return guess{addr: addr, login: l.digest(name), pair: l.digest(name, throttle.Network(addr).String())}
}

func (g *guesses) open(c Config) {
	g.networks.PerMinute, g.pairs.PerMinute, g.logins.PerMinute = c.AuthFailures, c.AuthFailures, c.AuthFailures
	g.homes.For = homeKept
	g.waiting = make(map[[32]byte]int)
}

// turn says whether the password may be looked at, perhaps after a while.
func (g *guesses) turn(ctx context.Context, one guess) bool {
	now := time.Now()
	switch {
	case g.pairs.Empty(one.pair, now):
		return false
	case g.homes.Has(one.pair, now):
		return true
	case g.networks.Empty(one.addr, now):
		return false
	case !g.logins.Empty(one.login, now):
		return true
	}
	return g.brake(ctx, one.login)
}

// brake waits. It returns false where too many wait already.
func (g *guesses) brake(ctx context.Context, login [32]byte) bool {
	g.mu.Lock()
	ok := g.waiting[login] < brakeQueue
	if ok {
		g.waiting[login]++
	}
	g.mu.Unlock()
	if !ok {
		return false
	}
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.waiting[login]--; g.waiting[login] == 0 {
			delete(g.waiting, login)
		}
	}()
	timer := time.NewTimer(brakeWait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// wrong counts a failure.
func (g *guesses) wrong(one guess) {
	now := time.Now()
	g.networks.Take(one.addr, now)
	g.pairs.Take(one.pair, now)
	g.logins.Take(one.login, now)
}

// right remembers where the login comes from.
func (g *guesses) right(one guess) { g.homes.Add(one.pair, time.Now()) }
