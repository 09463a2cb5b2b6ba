package queue

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// slow is a connection whose first MAIL is written only when goOn is closed: its
// goroutine is held up after the gate was taken. It has no deadlines, which the
// goroutine would set late, too.
type slow struct {
	net.Conn
	once   *sync.Once
	goOn   chan struct{}
	closed func()
}

func (slow) SetWriteDeadline(time.Time) error { return nil }

func (s slow) Close() error {
	err := s.Conn.Close()
	s.closed()
	return err
}

func (s slow) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "MAIL") {
		s.once.Do(func() { <-s.goOn })
	}
	return s.Conn.Write(p)
}

// TestNoMailAfterTheGateIsBack: an opt-out is answered once the gate is back, so
// what did not start by then never does, and asks for the verdict again.
func TestNoMailAfterTheGateIsBack(t *testing.T) {
	for name, optedOut := range map[string]bool{"opted out meanwhile": true, "nothing happened": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startSink(t, sink.Options{})
			var once sync.Once
			goOn := make(chan struct{})
			var h *fixture
			h = newFixture(t, hopTo(s), func(p *parts) {
				p.hops.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					c, err := (&net.Dialer{}).DialContext(ctx, network, address)
					return slow{c, &once, goOn, func() { h.people.note("closed") }}, err
				}
			})
			h.people.limited = "a@b.example"
			ids := h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
			h.run()
			within(t, 5*time.Second, "gate given back", func() bool {
				h.people.mu.Lock()
				defer h.people.mu.Unlock()
				return len(h.people.steps) > 0 && h.people.open == 0
			})
			h.people.mu.Lock()
			if got := strings.Join(h.people.steps, " "); got != "start verdict closed done" {
				t.Errorf("steps: %s", got)
			}
			h.people.mu.Unlock()
			want, sent := store.Sent, 1
			if optedOut {
				h.people.mu.Lock()
				h.people.dropped = map[string]store.Reason{"a@b.example": store.ReasonUnsubscribed}
				h.people.mu.Unlock()
				want, sent = store.NotSent, 0
			}
			close(goOn)
			within(t, 10*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
			if got := s.Messages(); len(got) != sent {
				t.Errorf("%d sent: %+v", len(got), got)
			}
			if kinds := h.spool.kinds(); kinds[store.Deferred] != 1 || kinds[store.Bounced] != 0 {
				t.Errorf("results %v", kinds)
			}
			holder := slotOwner(store.Job{Message: &store.Message{ID: "q1"}, Recipient: store.Recipient{ID: ids[0]}})
			if got := h.people.outcomes(holder); len(got) == 0 || got[0] != store.NotSent || got[len(got)-1] != want {
				t.Errorf("slot ended %v", got)
			}
		})
	}
}
