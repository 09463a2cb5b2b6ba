package queue

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"offramp/gateway/nexthop"
	"offramp/gateway/sink"
	"offramp/store"
)

// TestDirectDelivery: each domain has its own outcome; one that does not answer
// holds up no other.
func TestDirectDelivery(t *testing.T) {
	s := startSink(t, sink.Options{})
	n := sink.Names{
		MX:    map[string][]*net.MX{"null.example": {{Host: ".", Pref: 0}}},
		IP:    map[string][]string{"good.example": {"192.0.2.1"}, "dead.example": {"192.0.2.66"}, "other.example": {"192.0.2.2"}},
		Fault: map[string]error{"servfail.example": sink.ServerFailure()},
	}
	var mu sync.Mutex
	dialed := make(map[string]int)
	h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"mx"}, Connections: 5, ConnectTimeout: 500 * time.Millisecond}, Config: Config{RetryMin: time.Minute}}, func(p *parts) {
		p.hops.Resolver = n
		p.hops.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			dialed[address]++
			mu.Unlock()
			if address == "192.0.2.66:25" {
				<-ctx.Done() // never answers
				return nil, ctx.Err()
			}
			return (&net.Dialer{}).DialContext(ctx, network, s.Addr())
		}
	})
	var all []string
	for i := range 200 {
		all = append(all, fmt.Sprintf("r%d@dead.example", i))
	}
	for i := range 50 {
		all = append(all, fmt.Sprintf("r%d@good.example", i), fmt.Sprintf("r%d@other.example", i))
	}
	all = append(all, "a@null.example", "a@nothing.example", "a@servfail.example", "a@[192.0.2.1]")
	m := news("q1")
	m.ReversePath = ""
	h.spool.put(m, "Hi\r\n", to(all...)...)
	h.run()
	within(t, 10*time.Second, "settled", func() bool {
		k := h.spool.kinds()
		return k[store.Delivered] == 101 && k[store.Bounced] == 2 && k[store.Deferred] == 201
	})
	mu.Lock()
	defer mu.Unlock()
	if n := dialed["192.0.2.66:25"]; n != 1 {
		t.Errorf("%d dials to the dead hop, want 1", n)
	}
	if got := len(s.Messages()); got != 101 {
		t.Errorf("%d delivered, want 101", got)
	}
	h.spool.mu.Lock()
	defer h.spool.mu.Unlock()
	for _, r := range h.spool.results {
		if r.Kind == store.Bounced && r.Status.Enhanced != "5.1.10" && r.Status.Enhanced != "5.1.2" ||
			r.Kind == store.Deferred && r.Status.Enhanced != "4.4.1" && r.Status.Enhanced != "4.4.3" {
			t.Errorf("result %+v", r)
		}
	}
}
