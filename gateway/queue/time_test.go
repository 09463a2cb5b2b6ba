package queue

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/nexthop"
	"offramp/gateway/sink"
	"offramp/store"
)

// TestAWeekWithoutTheHop: with the default settings and a clock that is not
// ours, a dead hop is tried at the pace of the schedule, the mail bounces after
// five days, and the bounce is given up a day later.
func TestAWeekWithoutTheHop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int64
		h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"smtp://hop.example"}}}, func(p *parts) {
			p.hops.Dial = func(context.Context, string, string) (net.Conn, error) {
				dials.Add(1)
				return nil, errors.New("connection refused")
			}
		})
		h.spool.put(news("q1"), "Hi\r\n", to("a@b.example", "c@b.example")...)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = h.queue.Run(ctx)
		}()
		time.Sleep(5*24*time.Hour - time.Minute)
		synctest.Wait()
		if n := h.spool.kinds(); n[store.Bounced] != 0 || n[store.Deferred] < 2*30 || n[store.Deferred] > 2*50 {
			t.Errorf("before five days are over: %v", n)
		}
		if n := dials.Load(); n > 2*50 {
			t.Errorf("%d dials", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := h.spool.kinds(); n[store.Bounced] != 2 {
			t.Errorf("after five days: %v", n)
		}
		if len(h.spool.bounces) != 1 {
			t.Fatalf("%d bounces, want 1 for both recipients", len(h.spool.bounces))
		}
		if b := string(h.spool.bounces[0].Body); strings.Count(b, "Status: 5.4.7") != 2 {
			t.Errorf("bounce:\n%s", b)
		}
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		if left := h.spool.left(); len(left) != 0 {
			t.Errorf("left after the bounce was given up: %+v", left)
		}
		cancel()
		<-ended
	})
}

// TestOneMomentAfterTheHopIsBack: mail that came while the hop was down is not
// kept back longer than the pause.
func TestOneMomentAfterTheHopIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := make(chan time.Time, 10)
		h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"smtp://hop.example"}, Connections: 1}}, func(p *parts) {
			p.hops.Dial = func(context.Context, string, string) (net.Conn, error) {
				dials <- time.Now()
				return nil, errors.New("connection refused")
			}
		})
		began := time.Now()
		h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = h.queue.Run(ctx)
		}()
		time.Sleep(10 * time.Second)
		h.spool.put(news("q2"), "Hi\r\n", to("b@b.example")...)
		h.queue.Wake()
		time.Sleep(25 * time.Second)
		synctest.Wait()
		var dialed []time.Time
		for len(dials) > 0 {
			dialed = append(dialed, <-dials)
		}
		if len(dialed) != 2 || dialed[1].Sub(began) < 29*time.Second || dialed[1].Sub(began) > 31*time.Second {
			t.Errorf("dialed %v after %v", dialed, began)
		}
		cancel()
		<-ended
	})
}

// TestFlushEndsThePause: an operator who flushes the queue does not wait for
// the end of the pause, and one task at a time finds out whether the hop is back.
func TestFlushEndsThePause(t *testing.T) {
	for _, c := range []struct{ name, hop string }{{"smarthost", "smtp://hop.example"}, {"mx", "mx"}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dials := make(chan time.Time, 100)
				h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{c.hop}}}, func(p *parts) {
					p.hops.Resolver = sink.Names{IP: map[string][]string{"b.example": {"192.0.2.1"}}}
					p.hops.Dial = func(context.Context, string, string) (net.Conn, error) {
						dials <- time.Now()
						return nil, errors.New("connection refused")
					}
				})
				h.spool.put(news("q1"), "Hi\r\n", to("a@b.example", "c@b.example", "d@b.example")...)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_ = h.queue.Run(ctx)
				}()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				before := len(dials)
				h.spool.retry()
				h.queue.Flush()
				synctest.Wait()
				if n := len(dials) - before; before != 1 || n != 1 {
					t.Errorf("%d dials before the flush and %d at once after it, want 1 and 1", before, n)
				}
				cancel()
				<-ended
			})
		})
	}
}
