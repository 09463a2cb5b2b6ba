package queue

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offramp/store"
)

const healthy = "healthy000.example"

// TestFairness: a healthy destination that nothing is known of, in line behind
// many that do not answer, has its mail in seconds.
func TestFairness(t *testing.T) {
	for _, tt := range []struct {
		kind    string
		n, most int // seconds
	}{
		{"dead", 200, 10}, {"tarpit", 60, 4}, {"tarpit", 200, 10}, {"silent", 60, 4}, {"silent", 200, 10},
	} {
		t.Run(fmt.Sprintf("%d %s", tt.n, tt.kind), func(t *testing.T) {
			bad := many(tt.kind, tt.n)
			n := newInternet(append(bad, healthy)...)
			direct(t, n, func(h *fixture) {
				began := time.Now()
				h.put("q1", append(bad, healthy)...)
				time.Sleep(time.Duration(tt.most) * time.Second)
				synctest.Wait()
				if d := n.after(began, healthy); d > time.Duration(tt.most)*time.Second {
					t.Errorf("delivered after %v", d)
				} else {
					t.Logf("delivered after %v", d)
				}
				n.mu.Lock()
				defer n.mu.Unlock()
				if n.most > (1+LanesEach)*20 {
					t.Errorf("%d connections at once", n.most)
				}
			})
		})
	}
}

// TestFairnessOfProven: what answered of late has its mail at once, whatever else
// is tried; so has what is new, beside what failed before.
func TestFairnessOfProven(t *testing.T) {
	bad := many("dead", 200)
	n := newInternet(append(bad, healthy, "healthy001.example")...)
	direct(t, n, func(h *fixture) {
		h.put("q0", healthy)
		time.Sleep(10 * time.Minute)
		h.put("q1", bad...)
		time.Sleep(time.Second)
		n.wantsProven(t, h)
		// All of them are due again.
		time.Sleep(5 * time.Minute)
		h.spool.retry()
		h.queue.Flush()
		time.Sleep(time.Second)
		began := time.Now()
		h.put("q3", "healthy001.example")
		time.Sleep(time.Second)
		synctest.Wait()
		if d := n.after(began, "healthy001.example"); d > time.Second {
			t.Errorf("a new destination beside those that failed has its mail after %v", d)
		}
	})
}

// TestVeryManyDestinations: what waits for a first answer is bounded, and holds up
// nothing that is proven.
func TestVeryManyDestinations(t *testing.T) {
	bad := many("dead", 2500)
	n := newInternet(append(bad, healthy)...)
	direct(t, n, func(h *fixture) {
		h.put("q0", healthy)
		time.Sleep(time.Second)
		h.put("q1", bad...)
		time.Sleep(time.Second)
		n.wantsProven(t, h)
		if leased := h.spool.leased(); leased > mostWaiting+400 {
			t.Errorf("%d recipients are in memory", leased)
		}
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if len(n.dials) != 2501 {
			t.Errorf("%d destinations were tried, want all 2,501", len(n.dials))
		}
	})
}

// TestSlowDestination: one that greets late is waited for in the end, however many
// others wait.
func TestSlowDestination(t *testing.T) {
	bad := many("tarpit", 300)
	n := newInternet(append(bad, "slow000.example")...)
	direct(t, n, func(h *fixture) {
		began := time.Now()
		h.put("q1", append([]string{"slow000.example"}, bad...)...)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if d := n.after(began, "slow000.example"); d < 8*time.Second || d > 10*time.Minute {
			t.Errorf("delivered after %v", d)
		}
	})
}

// TestLongLine: the recipients of one destination that is down are put off
// together, are not met again before their time, and go once it is back.
func TestLongLine(t *testing.T) {
	n := newInternet("dead000.example", healthy)
	var all []string
	for i := range 20_000 {
		all = append(all, fmt.Sprintf("r%d@dead000.example", i))
	}
	direct(t, n, func(h *fixture) {
		h.put("q0", "dead000.example")
		time.Sleep(31 * time.Second) // it is down
		synctest.Wait()
		began := time.Now()
		settled := h.spool.settles
		h.spool.put(news("q1"), "Hi\r\n", to(all...)...)
		h.put("q2", healthy)
		time.Sleep(time.Second)
		synctest.Wait()
		if d := n.after(began, healthy); d > time.Second {
			t.Errorf("delivered after %v", d)
		}
		if got := h.spool.settles - settled; got > 30 {
			t.Errorf("%d times something was settled", got)
		}
		if got := h.spool.kinds()[store.Deferred]; got != 20_001 {
			t.Errorf("%d are deferred, want 20,001", got)
		}
		if got := h.stats.Deferred.Load(); got != 20_001 {
			t.Errorf("%d are counted as deferred", got)
		}
		if lines := strings.Count(h.log.String(), "msg=deferred"); lines > 100 {
			t.Errorf("%d lines in the log", lines)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if d := n.dials["dead000.example"]; d < 5 || d > 12 {
			t.Errorf("%d dials in an hour", d)
		}
		n.mu.Lock()
		n.healed = true
		n.mu.Unlock()
		h.spool.mu.Lock()
		h.spool.queue = h.spool.queue[:200]
		h.spool.mu.Unlock()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if left := len(h.spool.left()); left != 0 {
			t.Errorf("%d recipients are left hours after it is back", left)
		}
	})
}

// TestPauseGrows: a destination that stays down is tried less and less, also when
// mail for it comes all the time.
func TestPauseGrows(t *testing.T) {
	n := newInternet("dead000.example")
	direct(t, n, func(h *fixture) {
		for i := range 120 {
			h.put(fmt.Sprint("q", i), "dead000.example")
			time.Sleep(time.Minute)
		}
		if d := n.dials["dead000.example"]; d < 12 || d > 20 {
			t.Errorf("%d dials in two hours", d)
		}
	})
}

// TestConnectionsOfProven: what has answered keeps to the connections of the
// settings.
func TestConnectionsOfProven(t *testing.T) {
	good := many("busy", 40)
	n := newInternet(good...)
	direct(t, n, func(h *fixture) {
		h.put("q0", good...)
		time.Sleep(time.Minute)
		n.mu.Lock()
		n.mostWorking = 0
		n.mu.Unlock()
		for i := range 10 {
			h.put(fmt.Sprint("q1", i), good...)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if left := len(h.spool.left()); left != 0 || n.mostWorking != 20 {
			t.Errorf("%d are left, %d messages at once", left, n.mostWorking)
		}
	})
}

// TestLater: what is more to a recipient than another time is left in the line.
func TestLater(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	sure := now
	q, err := New(Config{}, Parts{Rand: func() float64 { return 0 }, Sure: func() time.Time { return sure }})
	if err != nil {
		t.Fatal(err)
	}
	old := func(d time.Duration) store.Message {
		return store.Message{Received: now.Add(-d), ReversePath: "a@b.example"}
	}
	null := old(25 * time.Hour)
	null.ReversePath = ""
	for _, tt := range []struct {
		name     string
		m        store.Message
		notify   string
		attempts int
		until    time.Duration
		want     time.Duration // 0: it stays
	}{
		{"first", old(0), "", 0, time.Second, time.Minute},
		{"third", old(time.Hour), "", 2, time.Second, 4 * time.Minute},
		{"until the destination is tried", old(0), "", 0, 5 * time.Minute, 5 * time.Minute},
		{"expired", old(121 * time.Hour), "", 20, time.Second, 0},
		{"bounce expired", null, "", 5, time.Second, 0},
		{"at its end", old(119 * time.Hour), "", 20, time.Second, time.Hour},
		{"notice", old(3*time.Hour + 59*time.Minute), "DELAY", 2, time.Second, 0},
		{"notice later", old(time.Hour), "DELAY", 2, time.Second, 4 * time.Minute},
	} {
		r := store.Recipient{Attempts: tt.attempts, Notify: tt.notify, Next: now}
		next, ok := q.later(&tt.m, r, now, now.Add(tt.until))
		if ok != (tt.want > 0) || ok && next.Sub(now) != tt.want {
			t.Errorf("%s: %v %v, want %v", tt.name, next.Sub(now), ok, tt.want)
		}
	}
	sure = now.AddDate(-4, 0, 0) // the clock is ahead and not believed
	m := store.Message{Received: sure.Add(-time.Hour), ReversePath: "a@b.example"}
	if next, ok := q.later(&m, store.Recipient{Next: sure}, now, now); !ok || next.Sub(now) != time.Minute {
		t.Errorf("under a wrong clock: %v %v", next.Sub(now), ok)
	}
}

// A line with recipients that are left is settled one by one, and so is one that
// cannot be put off.
func TestLineSettledSingly(t *testing.T) {
	for name, trouble := range map[string]error{"expired": nil, "trouble": errors.New("no such column")} {
		t.Run(name, func(t *testing.T) {
			n := newInternet("dead000.example")
			direct(t, n, func(h *fixture) {
				h.spool.noPutOff = trouble
				m := news("q1")
				if trouble == nil {
					m.Received = time.Now().Add(-121 * time.Hour)
				}
				var all []string
				for i := range 100 {
					all = append(all, fmt.Sprintf("r%d@dead000.example", i))
				}
				h.spool.put(m, "Hi\r\n", to(all...)...)
				h.queue.Wake()
				time.Sleep(time.Minute)
				synctest.Wait()
				want := store.Bounced
				if trouble != nil {
					want = store.Deferred
				}
				if got := h.spool.kinds()[want]; got < 100 || h.spool.putOffs > 10 {
					t.Errorf("%d settled, the line put off %d times", got, h.spool.putOffs)
				}
			})
		})
	}
}

// wantsProven wants mail to the healthy destination, which is proven, to go at once.
func (n *internet) wantsProven(t *testing.T, h *fixture) {
	t.Helper()
	clear(n.delivered)
	began := time.Now()
	h.put("q2", healthy)
	time.Sleep(time.Second)
	synctest.Wait()
	if d := n.after(began, healthy); d > 100*time.Millisecond {
		t.Errorf("a proven destination has its mail after %v", d)
	}
}
