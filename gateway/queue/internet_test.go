package queue

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/nexthop"
	"offramp/gateway/sink"
)

// internet is hops in memory, by domain: how a domain begins says what its hop
// does.
type internet struct {
	mu        sync.Mutex
	addresses map[string][]string // by domain
	domains   map[string]string   // by address
	dials     map[string]int      // by domain
	open      int                 // connections
	most      int
	delivered map[string]time.Time // by domain, the first
	healed    bool                 // dead hops live

	working, mostWorking int // messages of busy hops
}

func newInternet(domains ...string) *internet {
	n := &internet{addresses: make(map[string][]string), domains: make(map[string]string), dials: make(map[string]int), delivered: make(map[string]time.Time)}
	for i, d := range domains {
		a := fmt.Sprintf("198.18.%d.%d", i/250, 1+i%250)
		n.addresses[d], n.domains[a+":25"] = []string{a}, d
	}
	return n
}

// many are domains of a kind.
func many(kind string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s%03d.example", kind, i)
	}
	return all
}

func (n *internet) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	domain, healed := n.domains[address], n.healed
	n.dials[domain]++
	n.mu.Unlock()
	if strings.HasPrefix(domain, "dead") && !healed {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	near, far := net.Pipe()
	n.mu.Lock()
	n.open++
	n.most = max(n.most, n.open)
	n.mu.Unlock()
	go func() {
		n.serve(far, domain)
		far.Close()
	}()
	return &watched{Conn: near, closed: sync.OnceFunc(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.open--
	})}, nil
}

// watched is a connection of ours.
type watched struct {
	net.Conn
	closed func()
}

func (c *watched) Close() error {
	c.closed()
	return c.Conn.Close()
}

// serve is a hop.
func (n *internet) serve(c net.Conn, domain string) {
	in := bufio.NewReader(c)
	switch {
	case strings.HasPrefix(domain, "tarpit"):
		io.Copy(io.Discard, in)
		return
	case strings.HasPrefix(domain, "slow"):
		time.Sleep(8 * time.Second)
	}
	busy := strings.HasPrefix(domain, "busy")
	io.WriteString(c, "220 ready\r\n")
	for data := false; ; {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return
		case data && line == ".\r\n":
			data = false
			if busy {
				n.work()
			}
			n.mu.Lock()
			if n.delivered[domain].IsZero() {
				n.delivered[domain] = time.Now()
			}
			n.mu.Unlock()
		case data:
			continue
		case strings.HasPrefix(line, "MAIL") && strings.HasPrefix(domain, "silent"):
			io.Copy(io.Discard, in)
			return
		case strings.HasPrefix(line, "DATA"):
			data = true
			io.WriteString(c, "354 go on\r\n")
			continue
		}
		io.WriteString(c, "250 fine\r\n")
	}
}

// work takes a second for a message, and counts how many are in work.
func (n *internet) work() {
	n.mu.Lock()
	n.working++
	n.mostWorking = max(n.mostWorking, n.working)
	n.mu.Unlock()
	time.Sleep(time.Second)
	n.mu.Lock()
	n.working--
	n.mu.Unlock()
}

// direct runs f with a queue that delivers directly, in made-up time.
func direct(t *testing.T, n *internet, f func(h *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"mx"}}}, func(p *parts) {
			p.hops.Resolver, p.hops.Dial = sink.Names{IP: n.addresses}, n.dial
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = h.queue.Run(ctx)
		}()
		f(h)
		cancel()
		<-ended
		for _, e := range h.spool.queue {
			if e.leased {
				t.Fatalf("recipient %s is still leased", e.r.Address)
			}
		}
	})
}

// put puts a message for one recipient of each domain into the spool.
func (h *fixture) put(id string, domains ...string) {
	all := make([]string, len(domains))
	for i, d := range domains {
		all[i] = "a@" + d
	}
	h.spool.put(news(id), "Hi\r\n", to(all...)...)
	h.queue.Wake()
}

// after is how long after a moment the first message was delivered.
func (n *internet) after(began time.Time, domain string) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.delivered[domain].IsZero() {
		return 1 << 60
	}
	return n.delivered[domain].Sub(began)
}
