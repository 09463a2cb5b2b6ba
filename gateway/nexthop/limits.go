package nexthop

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// learntFor is how long a learnt number counts. Hops change, and a number
	// may have been learnt from something else.
	learntFor = time.Hour
	// maxPeers bounds of how many hops something is known.
	maxPeers = 4096
)

// Limit is what a hop takes at most.
type Limit struct {
	Host       string
	Messages   int // over one connection; 0: no limit is known
	Recipients int // of one message; 0: no limit is known
}

// limits is what is known about hops. Safe for concurrent use.
type limits struct {
	now   func() time.Time
	log   *slog.Logger
	stats *Stats

	mu    sync.Mutex
	peers map[string]*peer // by address
}

// peer returns what is known about the hop at address.
func (l *limits) peer(address, host string) *peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.peers[address]
	if p == nil {
		if l.peers == nil || len(l.peers) >= maxPeers {
			l.peers = make(map[string]*peer)
		}
		p = &peer{limits: l, host: host, turn: make(chan struct{}, 1)}
		l.peers[address] = p
	}
	return p
}

// all returns the limits that are known, by host. Of the servers of one host the
// least counts.
func (l *limits) all() []Limit {
	l.mu.Lock()
	defer l.mu.Unlock()
	by := map[string]Limit{}
	for _, p := range l.peers {
		limit, known := p.limit(), by[p.host]
		if limit.Messages > 0 || limit.Recipients > 0 {
			by[p.host] = Limit{p.host, least(limit.Messages, known.Messages), least(limit.Recipients, known.Recipients)}
		}
	}
	all := slices.Collect(maps.Values(by))
	slices.SortFunc(all, func(a, b Limit) int { return cmp.Compare(a.Host, b.Host) })
	return all
}

// least returns the lower limit; 0 is none.
func least(a, b int) int {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}

// peer is what is known about one hop. Safe for concurrent use.
type peer struct {
	limits *limits
	host   string
	turn   chan struct{} // capacity 1: the trial that runs

	mu         sync.Mutex
	messages   number
	recipients number
	suspected  int                  // messages after which one trial helped
	vain       map[string]time.Time // replies for which a trial did not help: until when
}

// number is a limit that was learnt or announced.
type number struct {
	n        int // 0: none was ever known
	until    time.Time
	reported int // the number the log and the metrics know
}

func (n number) at(now time.Time) int {
	if now.Before(n.until) {
		return n.n
	}
	return 0
}

func (p *peer) limit() Limit {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.limits.now()
	return Limit{Host: p.host, Messages: p.messages.at(now), Recipients: p.recipients.at(now)}
}

// announced notes the limits in a reply to EHLO (RFC 9422), unless less was
// learnt.
func (p *peer) announced(ext extensions) {
	if ext["LIMITS"] == "" {
		return
	}
	known := p.limit()
	if n := ext.limit("MAILMAX"); known.Messages == 0 || n < known.Messages {
		p.learnMessages(n)
	}
	if n := ext.limit("RCPTMAX"); known.Recipients == 0 || n < known.Recipients {
		p.learnRecipients(n)
	}
}

// learnMessages notes that a connection bears n messages.
func (p *peer) learnMessages(n int) {
	p.learn(&p.messages, n, "next hop limits the messages of a connection", "messages")
}

// learnRecipients notes that a message may have n recipients.
func (p *peer) learnRecipients(n int) {
	p.learn(&p.recipients, n, "next hop limits the recipients of a message", "recipients")
}

// learn notes a number, and reports it unless that was done.
func (p *peer) learn(known *number, n int, text, key string) {
	if n <= 0 {
		return
	}
	p.mu.Lock()
	known.n, known.until = n, p.limits.now().Add(learntFor)
	fresh := known.reported != n
	known.reported = n
	p.mu.Unlock()
	if fresh {
		p.limits.stats.Limits.Add(1)
		p.limits.log.Info(text+", and gets no more", "relay", p.host, key, n)
	}
}
