package queue

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// once is a hop that has a fault at one stage, the first time.
func once(at sink.Stage, fault sink.Fault) sink.Options {
	var times atomic.Int64
	return sink.Options{Fault: func(now sink.Stage, _ sink.Transaction) sink.Fault {
		if now == at && times.Add(1) == 1 {
			return fault
		}
		return sink.Fault{}
	}}
}

// TestEveryAttemptTellsHowItEnded: only the end of the message without a reply
// leaves open whether it was taken.
func TestEveryAttemptTellsHowItEnded(t *testing.T) {
	const sent, not, maybe = store.Sent, store.NotSent, store.MaybeSent
	later, never := sink.Fault{Reply: "450 4.2.1 not now"}, sink.Fault{Reply: "550 5.1.1 no such user"}
	drop, stall := sink.Fault{Drop: true}, sink.Fault{Stall: time.Hour}
	for name, c := range map[string]struct {
		at    sink.Stage
		fault sink.Fault
		want  []store.Outcome
	}{
		"no fault":                {sink.Connect, sink.Fault{}, []store.Outcome{sent}},
		"no greeting":             {sink.Banner, later, []store.Outcome{sent}}, // nobody was asked about
		"MAIL deferred":           {sink.Mail, later, []store.Outcome{not, sent}},
		"MAIL refused":            {sink.Mail, never, []store.Outcome{not}},
		"MAIL without reply":      {sink.Mail, stall, []store.Outcome{not, sent}},
		"RCPT deferred":           {sink.Rcpt, later, []store.Outcome{not, sent}},
		"RCPT refused":            {sink.Rcpt, never, []store.Outcome{not}},
		"RCPT without reply":      {sink.Rcpt, drop, []store.Outcome{not, sent}},
		"DATA deferred":           {sink.Data, later, []store.Outcome{not, sent}},
		"DATA refused":            {sink.Data, never, []store.Outcome{not}},
		"DATA without reply":      {sink.Data, drop, []store.Outcome{not, sent}},
		"message deferred":        {sink.Dot, later, []store.Outcome{not, sent}},
		"message refused":         {sink.Dot, never, []store.Outcome{not}},
		"421 for the message":     {sink.Dot, sink.Fault{Reply: "421 4.3.2 going down"}, []store.Outcome{not, sent}},
		"message without reply":   {sink.Dot, stall, []store.Outcome{maybe, sent}},
		"reply lost":              {sink.Dot, sink.Fault{Drop: true, Keep: true}, []store.Outcome{maybe, sent}},
		"some other success":      {sink.Dot, sink.Fault{Reply: "299 hm"}, []store.Outcome{sent}},
		"garbage for the message": {sink.Dot, sink.Fault{Reply: "\x00 hm"}, []store.Outcome{maybe, sent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startSink(t, once(c.at, c.fault))
			config := hopTo(s)
			config.hops.CommandTimeout, config.hops.DotTimeout, config.hops.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
			config.RetryMin = 50 * time.Millisecond
			h := newFixture(t, config, nil)
			m := news("q1")
			m.ReversePath = "" // no bounce in the way
			h.spool.put(m, "Hi\r\n", to("a@b.example")...)
			h.run()
			within(t, 10*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
			if got := h.people.outcomes("q1 1"); !slices.Equal(got, c.want) {
				t.Errorf("outcomes %v, want %v", got, c.want)
			}
		})
	}
}

// TestUnfinishedMessageWasNotSent: the body broke off, and with it the connection.
func TestUnfinishedMessageWasNotSent(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.spool.content = fmt.Errorf("chunk 1: %w", store.ErrMessage)
	h.spool.put(news("q1"), strings.Repeat("12345678\r\n", 30<<10), to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "held", func() bool { return h.spool.kinds()[store.Parked] > 0 })
	if got := h.people.outcomes("q1 1"); !slices.Equal(got, []store.Outcome{store.NotSent}) {
		t.Errorf("outcomes %v", got)
	}
}

// TestPanicTellsNothing: what broke off by a panic may have been sent.
func TestPanicTellsNothing(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.spool.panicOn = "q1"
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "deferred", func() bool { return h.spool.kinds()[store.Deferred] > 0 })
	if got := h.people.outcomes("q1 1"); len(got) == 0 || got[0] != store.MaybeSent {
		t.Errorf("outcomes %v", got)
	}
}

// TestStaleSessionGivesItsTurnBack, and the fresh one takes it again.
func TestStaleSessionGivesItsTurnBack(t *testing.T) {
	var delivered atomic.Bool
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
		if at == sink.Mail && delivered.Load() && tx.Session == 1 {
			return sink.Fault{Drop: true}
		}
		return sink.Fault{}
	}})
	c := hopTo(s)
	c.hops.Connections = 1
	h := newFixture(t, c, nil)
	h.people.limited = "b@b.example"
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "delivered", func() bool { return len(h.spool.left()) == 0 })
	delivered.Store(true)
	h.spool.put(news("q2"), "Hi\r\n", to("b@b.example")...)
	h.queue.Wake()
	within(t, 5*time.Second, "delivered", func() bool { return len(h.spool.left()) == 0 })
	if got := h.people.outcomes("q2 2"); !slices.Equal(got, []store.Outcome{store.NotSent, store.Sent}) {
		t.Errorf("outcomes %v", got)
	}
	if n := h.spool.kinds(); n[store.Delivered] != 2 || n[store.Deferred] != 0 {
		t.Errorf("results %v", n)
	}
}

// TestLimitLetsOneThrough: of 50 messages to a person who wants one.
func TestLimitLetsOneThrough(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.limited = "a@b.example"
	for i := range 50 {
		h.spool.put(news(fmt.Sprint("q", i)), "Hi\r\n", to("a@b.example")...)
	}
	h.run()
	within(t, 10*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
	if n := h.spool.kinds(); n[store.Delivered] != 1 || n[store.Dropped] != 49 || len(s.Messages()) != 1 {
		t.Errorf("results %v, %d at the hop", n, len(s.Messages()))
	}
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	for _, e := range h.people.events {
		if e.Kind != store.EventDropped || e.Reason != store.ReasonLimited {
			t.Errorf("event %+v", e)
		}
	}
	if len(h.people.events) != 49 {
		t.Errorf("%d events", len(h.people.events))
	}
}

// TestTurnOfAFailureIsFree: the turn is back before the failure is settled, also
// when the store does not take it at first.
func TestTurnOfAFailureIsFree(t *testing.T) {
	s := startSink(t, once(sink.Dot, sink.Fault{Reply: "550 5.7.1 not this one"}))
	h := newFixture(t, hopTo(s), nil)
	h.people.limited, h.people.endErr = "a@b.example", errStore
	m := news("q1")
	m.ReversePath = ""
	h.spool.put(m, "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "failed", func() bool { return h.spool.kinds()[store.Bounced] == 1 })
	h.spool.put(news("q2"), "Hi\r\n", to("a@b.example")...)
	h.queue.Wake()
	within(t, 5*time.Second, "delivered", func() bool { return h.spool.kinds()[store.Delivered] == 1 })
	if n := h.spool.kinds(); n[store.Dropped] != 0 {
		t.Errorf("results %v", n)
	}
}

// TestEventsHoldNoAddressInTheirTexts: a person is found by recipient alone
// when everything about them is erased.
func TestEventsHoldNoAddressInTheirTexts(t *testing.T) {
	s := startSink(t, once(sink.Rcpt, sink.Fault{Reply: "550 5.1.1 <Anna@B.example>: anna@b.example unknown"}))
	h := newFixture(t, hopTo(s), nil)
	h.people.dropped = map[string]store.Reason{"ben@b.example": store.ReasonPaused}
	m := news("q1")
	m.ReversePath = ""
	h.spool.put(m, "Hi\r\n", to("anna@b.example", "ben@b.example")...)
	h.run()
	within(t, 5*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	if len(h.people.events) != 2 {
		t.Fatalf("events %+v", h.people.events)
	}
	for _, e := range h.people.events {
		e.Recipient = ""
		if text := strings.ToLower(fmt.Sprintf("%+v", e)); strings.Contains(text, "anna@") || strings.Contains(text, "ben@") {
			t.Errorf("%s event: %s", e.Kind, text)
		}
		if e.Once == "" {
			t.Errorf("%s event would be added twice", e.Kind)
		}
	}
}
