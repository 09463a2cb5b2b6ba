package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/nexthop"
	"offramp/gateway/sink"
	"offramp/store"
)

// stageNames are the sink's stages before TLS and AUTH, which have tests of their own.
var stageNames = []sink.Stage{sink.Connect, sink.Banner, sink.EHLO, sink.Mail, sink.Rcpt, sink.Data, sink.Body, sink.Dot}

// before says whether a stage comes before any message.
func before(s sink.Stage) bool { return s == sink.Connect || s == sink.Banner || s == sink.EHLO }

func TestFaultsOfTheNextHop(t *testing.T) {
	faults := map[string]sink.Fault{
		"4xx":     {Reply: "450 4.2.1 not now"},
		"5xx":     {Reply: "550 5.1.1 no such user"},
		"421":     {Reply: "421 4.3.2 going down", Drop: false},
		"drop":    {Drop: true},
		"silence": {Stall: time.Hour},
		"garbage": {Reply: "\x00\xff whatever"},
		"other":   {Reply: "334 hm"},
		"mixed":   {Reply: "450-4.0.0 one\r\n550 5.0.0 two"},
	}
	for _, stage := range stageNames {
		for name, fault := range faults {
			if (stage == sink.Connect || stage == sink.Body) && fault.Reply != "" {
				continue // nothing is answered there
			}
			t.Run(string(stage)+" "+name, func(t *testing.T) {
				t.Parallel()
				var bad atomic.Bool
				bad.Store(true)
				s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
					if at != stage || !bad.Load() {
						return sink.Fault{}
					}
					return fault
				}})
				c := hopTo(s)
				c.hops.CommandTimeout, c.hops.DotTimeout, c.hops.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
				c.RetryMin = 50 * time.Millisecond
				h := newFixture(t, c, nil)
				m := news("q1")
				m.ReversePath = "" // no bounce in the way
				h.spool.put(m, "Hi\r\n", to("a@b.example")...)
				h.run()
				final := name == "5xx" && !before(stage)
				if final {
					within(t, 10*time.Second, "reported", func() bool { return len(h.spool.left()) == 0 })
					if n := h.spool.kinds(); n[store.Bounced] != 1 || n[store.Deferred] != 0 {
						t.Errorf("results %v", n)
					}
					return
				}
				within(t, 10*time.Second, "deferred", func() bool { return h.spool.kinds()[store.Deferred] > 0 })
				st := h.spool.results[0].Status
				if st.Text == "" || st.Enhanced == "" && st.Code == 0 {
					t.Errorf("status %+v", st)
				}
				bad.Store(false)
				within(t, 10*time.Second, "delivered after all", func() bool { return len(h.spool.left()) == 0 })
				if n := h.spool.kinds(); n[store.Delivered] != 1 || n[store.Bounced] != 0 {
					t.Errorf("results %v", n)
				}
			})
		}
	}
}

// TestLostReplyRepeatsTheSameOctets: the hop keeps the message and drops the
// connection before it answers.
func TestLostReplyRepeatsTheSameOctets(t *testing.T) {
	var dots atomic.Int64
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
		if at == sink.Dot && dots.Add(1) == 1 {
			return sink.Fault{Drop: true, Keep: true}
		}
		return sink.Fault{}
	}})
	h := newFixture(t, hopTo(s), nil)
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	got := s.Wait(2, time.Now().Add(10*time.Second))
	if len(got) != 2 {
		t.Fatalf("%d copies, want 2", len(got))
	}
	if string(got[0].Data) != string(got[1].Data) {
		t.Errorf("copies differ:\n%s\n%s", got[0].Data, got[1].Data)
	}
}

func TestConfigurationTroubleNeverBounces(t *testing.T) {
	for _, reply := range []string{"530 5.7.0 Authentication required", "535 5.7.8 bad credentials", "538 5.7.11 encryption needed"} {
		s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
			if at == sink.Mail {
				return sink.Fault{Reply: reply}
			}
			return sink.Fault{}
		}})
		h := newFixture(t, hopTo(s), nil)
		h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
		stop := h.run()
		within(t, 5*time.Second, "deferred", func() bool { return h.spool.kinds()[store.Deferred] > 0 })
		stop()
		if n := h.spool.kinds(); n[store.Bounced] > 0 {
			t.Errorf("%s: bounced", reply)
		}
		if !strings.Contains(h.log.String(), "check OFFRAMP_NEXT_HOP") {
			t.Errorf("%s: nothing in the log:\n%s", reply, h.log)
		}
	}
}

// deadPort returns an address where nothing listens.
func deadPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestFailOver(t *testing.T) {
	refusing := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
		if at == sink.Banner {
			return sink.Fault{Reply: "421 4.3.2 too busy"}
		}
		return sink.Fault{}
	}})
	s := startSink(t, sink.Options{})
	c := setup{hops: nexthop.Config{Servers: []string{"smtp://" + deadPort(t), "smtp://" + refusing.Addr(), "smtp://" + s.Addr()}}}
	h := newFixture(t, c, nil)
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example", "c@b.example")...)
	h.run()
	if got := s.Wait(2, time.Now().Add(5*time.Second)); len(got) != 2 {
		t.Errorf("%d delivered, want 2; log:\n%s", len(got), h.log)
	}
}

// TestDeadHopIsNotHammered: of many recipients only a few dial, all have their
// own schedule, and they come through once the hop is back.
func TestDeadHopIsNotHammered(t *testing.T) {
	var dials atomic.Int64
	var up atomic.Bool
	s := startSink(t, sink.Options{})
	c := hopTo(s)
	c.hops.Connections, c.RetryMin = 2, 300*time.Millisecond
	h := newFixture(t, c, func(p *parts) {
		p.hops.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			if !up.Load() {
				return nil, errors.New("refused")
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	})
	var all []string
	for i := range 60 {
		all = append(all, fmt.Sprintf("r%d@b.example", i))
	}
	h.spool.put(news("q1"), "Hi\r\n", to(all...)...)
	h.run()
	within(t, 5*time.Second, "all deferred", func() bool { return h.spool.kinds()[store.Deferred] >= 60 })
	if n := dials.Load(); n > 8 {
		t.Errorf("%d dials for 60 recipients", n)
	}
	up.Store(true)
	within(t, 10*time.Second, "all delivered", func() bool { return len(h.spool.left()) == 0 })
	if n := h.spool.kinds()[store.Delivered]; n != 60 {
		t.Errorf("%d delivered, want 60", n)
	}
}

// TestHopWithFewConnections: the hop takes two sessions at a time and refuses
// others. Nothing is deferred for that.
func TestHopWithFewConnections(t *testing.T) {
	var open atomic.Int64
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), func(p *parts) {
		p.hops.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if open.Add(1) > 2 {
				open.Add(-1)
				return nil, errors.New("too many connections")
			}
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &counted{Conn: c, open: &open}, err
		}
	})
	var all []string
	for i := range 300 {
		all = append(all, fmt.Sprintf("r%d@b.example", i))
	}
	h.spool.put(news("q1"), "Hi\r\n", to(all...)...)
	h.run()
	within(t, 20*time.Second, "all delivered", func() bool { return len(h.spool.left()) == 0 })
	if n := h.spool.kinds(); n[store.Delivered] != 300 || n[store.Bounced] != 0 || n[store.Deferred] > 20 {
		t.Errorf("results %v", n)
	}
	if n := len(s.Messages()); n != 300 {
		t.Errorf("%d messages at the hop, want 300", n)
	}
}

type counted struct {
	net.Conn
	open *atomic.Int64
	done atomic.Bool
}

func (c *counted) Close() error {
	if !c.done.Swap(true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

func TestExpires(t *testing.T) {
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
		if at == sink.Rcpt && tx.Recipient == "a@b.example" {
			return sink.Fault{Reply: "450 4.2.1 mailbox busy"}
		}
		return sink.Fault{}
	}})
	c := hopTo(s)
	c.Expire = 300 * time.Millisecond
	h := newFixture(t, c, nil)
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	got := s.Wait(1, time.Now().Add(5*time.Second))
	if len(got) != 1 || got[0].ReversePath != "" || got[0].Recipients[0] != "news@example.com" {
		t.Fatalf("bounce: %+v", got)
	}
	body := string(got[0].Data)
	for _, want := range []string{"Status: 5.4.7", "Diagnostic-Code: smtp; 450 5.4.7 delivery time expired; last: mailbox busy", "Final-Recipient: rfc822; a@b.example"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in:\n%s", want, body)
		}
	}
	if n := h.spool.kinds(); n[store.Deferred] < 1 || n[store.Bounced] != 1 {
		t.Errorf("results %v", n)
	}
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	if len(h.people.events) != 1 || h.people.events[0].Kind != store.EventFailed || h.people.events[0].QueueID != "q1" {
		t.Errorf("events %+v", h.people.events)
	}
}
