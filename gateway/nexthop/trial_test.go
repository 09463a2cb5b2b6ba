package nexthop

import (
	"context"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// used returns a session over which so many messages went, and what the hop
// said to the next one.
func used(t *testing.T, h *Hops, messages int) (*Session, Failure) {
	t.Helper()
	s, err := h.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for range messages {
		if errs := transact(s, "a@b.example"); errs[0] != nil {
			t.Fatal(errs)
		}
	}
	return s, Explain(transact(s, "bad@b.example")[0])
}

func refusing(reply string) sink.Options {
	return sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
		if at == sink.Rcpt && strings.HasPrefix(tx.Recipient, "bad") {
			return sink.Fault{Reply: reply}
		}
		return sink.Fault{}
	}}
}

// What may come from a limit of the connection, and what does not.
func TestExhausted(t *testing.T) {
	for reply, want := range map[string]bool{
		"451 4.4.5 Maximum number of messages per session exceeded.": true,
		"450":                           true,
		"452 4.5.3 Too many recipients": true,
		"451 4.7.0 too many messages, separate connections": true,
		"550 5.1.1 unknown":            false,
		"421 4.7.0 bye":                false,
		"421 4.4.2 closing connection": false,
		"421 Max message per connection reached, closing transmission channel": true,
		"421 4.7.28 rate of messages on this connection is too high":           false,
		"450 4.2.0 Greylisted":             false,
		"451 4.7.1 Grey-listing in action": false,
		"450 4.7.1 come back in 5 minutes": false,
		"452 4.7.28 sending rate too high": false,
		"450 4.2.1 rate-limited":           false,
		"451 too many messages per hour":   false,
		"450 throttled":                    false,
	} {
		t.Run(reply, func(t *testing.T) {
			s := startSink(t, refusing(reply))
			h := newHops(t, Config{Servers: []string{"smtp://" + s.Addr()}}, Parts{})
			fresh, f := used(t, h, 0)
			if fresh.Exhausted(f) {
				t.Error("a fresh connection is exhausted")
			}
			old, f := used(t, h, 1)
			if got := old.Exhausted(f); got != want {
				t.Errorf("%v, want %v", got, want)
			}
			h.Drop(fresh)
			h.Drop(old)
		})
	}
}

// One trial at a time with a hop, and none for a reply for which one failed.
func TestTrialTakesTurns(t *testing.T) {
	s := startSink(t, refusing("451 4.3.0 no"))
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	h := newHops(t, Config{Servers: []string{"smtp://" + s.Addr()}}, Parts{Now: func() time.Time { return now }})
	one, f := used(t, h, 1)
	two, _ := used(t, h, 1)
	first := one.Trial(t.Context(), f)
	if first == nil {
		t.Fatal("no trial")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if two.Trial(ended, f) != nil {
		t.Error("two trials at a time")
	}
	waiting := make(chan *Trial)
	go func() { waiting <- two.Trial(t.Context(), f) }()
	first.Failed()
	if <-waiting != nil || two.Exhausted(f) {
		t.Error("a trial after one that failed")
	}
	now = now.Add(vainFor)
	if !two.Exhausted(f) {
		t.Error("no trial any more")
	}
	one.Spend()
	h.Give(one)
	h.Give(two)
	if n := h.OpenTo(""); n != 1 {
		t.Errorf("%d sessions are open, want the one that is not spent", n)
	}
}

// A number is learnt at once where the hop names it, else the second time, and
// counts for sessions that wait already.
func TestLearning(t *testing.T) {
	for reply, c := range map[string]struct {
		after []int // messages before each trial
		want  int
	}{
		"451 4.4.5 three messages per session": {[]int{3}, 3},
		"451 4.3.0 no":                         {[]int{3}, 0},
		"451 4.3.0 no more":                    {[]int{3, 3}, 3},
		"451 4.3.0 busy":                       {[]int{3, 2}, 0},
	} {
		t.Run(reply, func(t *testing.T) {
			s := startSink(t, refusing(reply))
			now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
			var stats Stats
			h := newHops(t, Config{Servers: []string{"smtp://" + s.Addr()}}, Parts{Stats: &stats, Now: func() time.Time { return now }})
			waits, _ := used(t, h, 3)
			h.Give(waits)
			for _, n := range c.after {
				old, f := used(t, h, n)
				old.Spend()
				h.Give(old)
				old.Trial(t.Context(), f).Helped(waits)
			}
			known := 0
			for _, l := range h.Limits() {
				known = l.Messages
			}
			if known != c.want || stats.Limits.Load() != int64(min(c.want, 1)) {
				t.Errorf("learnt %d, want %d; %d counted", known, c.want, stats.Limits.Load())
			}
			if kept := h.Take(""); (kept == nil) != (c.want > 0) {
				t.Errorf("took %v", kept)
			} else if kept != nil {
				h.Drop(kept)
			}
			if now = now.Add(learntFor); len(h.Limits()) > 0 {
				t.Error("a number is kept for ever")
			}
		})
	}
}
