package queue

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// TestGateThenVerdictThenMail: in this order, and the gate is back before the
// message goes out.
func TestGateThenVerdictThenMail(t *testing.T) {
	h := &fixture{}
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
		if at == sink.Mail || at == sink.Rcpt {
			h.people.note(string(at))
		}
		return sink.Fault{}
	}})
	*h = *newFixture(t, hopTo(s), nil)
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	s.Wait(1, time.Now().Add(5*time.Second))
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	if got := strings.Join(h.people.steps, " "); got != "start verdict mail done rcpt" {
		t.Errorf("steps: %s", got)
	}
	if got := h.people.asked["a@b.example"]; got != "news" {
		t.Errorf("asked for list %q", got)
	}
}

// TestGateIsBackAfterASecond: the hop does not answer MAIL.
func TestGateIsBackAfterASecond(t *testing.T) {
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
		if at == sink.Mail {
			return sink.Fault{Stall: 30 * time.Second}
		}
		return sink.Fault{}
	}})
	c := hopTo(s)
	c.hops.CommandTimeout = 1500 * time.Millisecond
	h := newFixture(t, c, nil)
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	open := func() int {
		h.people.mu.Lock()
		defer h.people.mu.Unlock()
		return h.people.open
	}
	within(t, 5*time.Second, "gate taken", func() bool { return open() == 1 })
	began := time.Now()
	within(t, 2*time.Second, "gate given back", func() bool { return open() == 0 })
	if held := time.Since(began); held < 500*time.Millisecond {
		t.Errorf("given back after %v, before MAIL was answered", held)
	}
	if n := len(h.spool.kinds()); n != 0 {
		t.Error("the attempt is over already")
	}
}

func TestLateDrop(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.dropped = map[string]store.Reason{"a@b.example": store.ReasonUnsubscribed}
	m := news("q1")
	m.Login, m.Client, m.ReversePath = "shop", "192.0.2.7", "news+1@shop.example"
	h.spool.put(m, "Hi\r\n", to("a@b.example", "c@b.example")...)
	h.run()
	within(t, 5*time.Second, "both settled", func() bool { return len(h.spool.left()) == 0 })
	if got := s.Messages(); len(got) != 1 || got[0].Recipients[0] != "c@b.example" {
		t.Errorf("sent: %v", got)
	}
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	if len(h.people.events) != 1 {
		t.Fatalf("events: %+v", h.people.events)
	}
	e := h.people.events[0]
	if e.Kind != store.EventDropped || e.Reason != store.ReasonUnsubscribed || e.Recipient != "a@b.example" || e.List != "news" ||
		e.Way != store.Delivery || e.QueueID != "q1" || e.Once == "" || e.Who != "shop" || e.IP != "192.0.2.7" || e.Detail != "from shop.example" {
		t.Errorf("event: %+v", e)
	}
}

// TestUntouchedMailAtTheAttempt: one transaction, each recipient asked about the
// list whose opt-outs hold; and about none when that is transactional by now.
func TestUntouchedMailAtTheAttempt(t *testing.T) {
	for _, transactional := range []bool{false, true} {
		s := startSink(t, sink.Options{})
		h := newFixture(t, hopTo(s), nil)
		m := news("q1")
		m.Untouched, m.Unmarked, m.Mark = true, true, "List-Post"
		h.people.lists = map[string]store.List{"news": {ID: "news", Transactional: transactional}}
		h.people.dropped = map[string]store.Reason{"a@b.example": store.ReasonUnsubscribed}
		dropped := &drops{}
		h.queue.Traffic = dropped
		h.spool.put(m, "Hi\r\n", to("a@b.example", "c@b.example", "d@b.example")...)
		h.run()
		within(t, 5*time.Second, "all settled", func() bool { return len(h.spool.left()) == 0 })
		got := s.Messages()
		if len(got) != 1 || !slices.Equal(got[0].Recipients, []string{"c@b.example", "d@b.example"}) || strings.Contains(string(got[0].Data), "List-Unsubscribe") {
			t.Errorf("sent: %+v", got)
		}
		want := "news"
		if transactional {
			want = ""
		}
		h.people.mu.Lock()
		if asked := h.people.asked["c@b.example"]; asked != want {
			t.Errorf("transactional %t: asked about list %q", transactional, asked)
		}
		h.people.mu.Unlock()
		if dropped.n.Load() != 1 || h.queue.Stats.DroppedUnmarked.Load() != 1 {
			t.Errorf("%d drops counted, %d alarms", dropped.n.Load(), h.queue.Stats.DroppedUnmarked.Load())
		}
	}
}

type drops struct{ n atomic.Int64 }

func (d *drops) Drop(*store.Message) { d.n.Add(1) }

// TestNothingIsSentUnchecked: while the verdict cannot be had, mail waits.
func TestNothingIsSentUnchecked(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.err = errStore
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "deferred twice", func() bool { return h.spool.kinds()[store.Deferred] >= 2 })
	if got := s.Messages(); len(got) != 0 {
		t.Error("sent without a verdict")
	}
	h.people.mu.Lock()
	h.people.err = nil
	h.people.mu.Unlock()
	within(t, 5*time.Second, "delivered", func() bool { return len(h.spool.left()) == 0 })
}

func TestPanicDefers(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.panics = true
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "deferred", func() bool { return h.spool.kinds()[store.Deferred] > 0 })
	h.people.mu.Lock()
	h.people.panics = false
	h.people.mu.Unlock()
	within(t, 5*time.Second, "delivered", func() bool { return len(h.spool.left()) == 0 })
	if h.stats.Panics.Load() == 0 || !strings.Contains(h.log.String(), "panic in a delivery") {
		t.Error("not noted")
	}
}

func exempt(id string) store.Message {
	m := news(id)
	m.List, m.Header = "", []byte("From: a@example.com\r\nX-Offramp-List: transactional\r\nSubject: reset\r\n\r\n")
	return m
}

// TestExemptMailGoesTogether: one transaction, unchanged but for a signature,
// every recipient with its own outcome.
func TestExemptMailGoesTogether(t *testing.T) {
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
		switch {
		case at == sink.Rcpt && tx.Recipient == "bad@b.example":
			return sink.Fault{Reply: "550 5.1.1 no such user"}
		case at == sink.Rcpt && tx.Recipient == "later@b.example" && tx.Session == 1:
			return sink.Fault{Reply: "450 4.2.1 later"}
		}
		return sink.Fault{}
	}})
	c := hopTo(s)
	c.RetryMin = time.Hour
	h := newFixture(t, c, nil)
	h.people.dropped = map[string]store.Reason{"dead@c.example": store.ReasonBounced}
	m := exempt("q1")
	m.ReversePath = ""
	h.spool.put(m, "Hi\r\n", to("a@b.example", "bad@b.example", "later@b.example", "dead@c.example", "c@c.example")...)
	h.run()
	within(t, 5*time.Second, "settled", func() bool { return len(h.spool.left()) == 1 })
	got := s.Messages()
	if len(got) != 1 || !slices.Equal(got[0].Recipients, []string{"a@b.example", "c@c.example"}) {
		t.Fatalf("sent: %+v", got)
	}
	want := string(m.Trace) + "From: a@example.com\r\nSubject: reset\r\n\r\nHi\r\n"
	if data := string(got[0].Data); !strings.HasPrefix(data, "DKIM-Signature: ") || !strings.HasSuffix(data, "==\r\n"+want) || strings.Contains(data, "List-") {
		t.Errorf("got:\n%s\nwant:\n%s", got[0].Data, want)
	}
	n := h.spool.kinds()
	if n[store.Delivered] != 2 || n[store.Bounced] != 1 || n[store.Deferred] != 1 || n[store.Dropped] != 1 {
		t.Errorf("results %v", n)
	}
	if got := h.people.asked["a@b.example"]; got != "" {
		t.Errorf("asked for list %q", got)
	}
}

func TestTooManyRecipients(t *testing.T) {
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
		if at == sink.Rcpt && len(tx.Recipients) >= 3 {
			return sink.Fault{Reply: "452 4.5.3 too many recipients"}
		}
		return sink.Fault{}
	}})
	h := newFixture(t, hopTo(s), nil)
	var all []string
	for i := range 10 {
		all = append(all, fmt.Sprintf("r%d@b.example", i))
	}
	h.spool.put(exempt("q1"), "Hi\r\n", to(all...)...)
	h.run()
	within(t, 5*time.Second, "delivered", func() bool { return len(h.spool.left()) == 0 })
	if n := h.spool.kinds(); n[store.Delivered] != 10 || n[store.Deferred] != 0 {
		t.Errorf("results %v", n)
	}
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	for who, outcomes := range h.people.ended { // those not named in one transaction were not sent in it
		if slices.Contains(outcomes, store.MaybeSent) || outcomes[len(outcomes)-1] != store.Sent {
			t.Errorf("%s: outcomes %v", who, outcomes)
		}
	}
}

// TestStaleSession: the hop closed a kept connection. The next message goes
// over a fresh one, and no attempt is counted.
func TestStaleSession(t *testing.T) {
	var mails atomic.Int64
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
		switch {
		case at == sink.Replied && mails.Load() == 0:
			mails.Add(1)
		case at == sink.Mail && mails.Add(0) == 1:
			mails.Add(1)
			return sink.Fault{Reply: "421 4.4.2 timeout exceeded"}
		case at == sink.Mail && mails.Load() == 3:
			mails.Add(1)
			return sink.Fault{Drop: true}
		}
		return sink.Fault{}
	}})
	c := hopTo(s)
	c.hops.Connections = 1
	h := newFixture(t, c, nil)
	h.run()
	for i := range 3 {
		h.spool.put(news(fmt.Sprint("q", i)), "Hi\r\n", to("a@b.example")...)
		h.queue.Wake()
		within(t, 5*time.Second, "delivered", func() bool { return len(h.spool.left()) == 0 })
		mails.CompareAndSwap(2, 3)
	}
	if n := h.spool.kinds(); n[store.Delivered] != 3 || n[store.Deferred] != 0 {
		t.Errorf("results %v", n)
	}
	if n := h.conns.Connections.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

func TestSessionsAreReusedAndEndWhenIdle(t *testing.T) {
	s := startSink(t, sink.Options{})
	c := hopTo(s)
	c.hops.Connections, c.hops.IdleTimeout = 1, 200*time.Millisecond
	h := newFixture(t, c, nil)
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example", "b@b.example", "c@b.example")...)
	h.run()
	s.Wait(3, time.Now().Add(5*time.Second))
	if n := h.conns.Connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	within(t, 5*time.Second, "closed", func() bool { return h.conns.Open.Load() == 0 })
}

// TestBodyTrouble: a damaged body is held, one that cannot be read for now waits,
// and neither time does the hop get a message.
func TestBodyTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want store.ResultKind
		size int
	}{
		"damaged small": {store.ErrMessage, store.Parked, 10},
		"damaged large": {store.ErrMessage, store.Parked, 300 << 10},
		"away":          {errStore, store.Deferred, 300 << 10},
		"file damaged":  {store.ErrDamaged, store.Deferred, 10},
	} {
		t.Run(name, func(t *testing.T) {
			s := startSink(t, sink.Options{})
			h := newFixture(t, hopTo(s), nil)
			h.spool.content = fmt.Errorf("chunk 1: %w", c.err)
			h.spool.put(news("q1"), strings.Repeat("12345678\r\n", c.size/10), to("a@b.example")...)
			h.run()
			within(t, 5*time.Second, "settled", func() bool { return h.spool.kinds()[c.want] > 0 })
			if n := len(s.Messages()); n != 0 {
				t.Errorf("%d messages at the hop", n)
			}
		})
	}
}

// TestLargeBodiesStream: memory does not grow with the size of messages.
func TestLargeBodiesStream(t *testing.T) {
	s := startSink(t, sink.Options{Discard: true})
	h := newFixture(t, hopTo(s), nil)
	body := strings.Repeat(strings.Repeat("x", 76)+"\r\n", (6<<20)/78)
	h.spool.put(news("q1"), body, to("a@b.example", "b@b.example", "c@b.example", "d@b.example")...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h.run()
	got := s.Wait(4, time.Now().Add(20*time.Second))
	runtime.ReadMemStats(&after)
	if len(got) != 4 || got[0].Size < len(body) {
		t.Fatalf("%d messages", len(got))
	}
	// The sink's share is bounded too; what must not happen is 4 × 6 MiB.
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 12<<20 {
		t.Errorf("%d MiB allocated for 4 × 6 MiB", grown>>20)
	}
}

func TestRecordsAreRepeatedUntilTheyAreKept(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.onAsk = func() {
		h.spool.mu.Lock()
		defer h.spool.mu.Unlock()
		h.spool.trouble = errStore
	}
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "tried", func() bool {
		h.spool.mu.Lock()
		defer h.spool.mu.Unlock()
		return h.spool.settles >= 2
	})
	h.people.mu.Lock()
	h.people.onAsk = nil
	h.people.mu.Unlock()
	h.spool.mu.Lock()
	h.spool.trouble = nil
	h.spool.mu.Unlock()
	within(t, 10*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
	if n := len(s.Messages()); n != 1 {
		t.Errorf("%d copies, want 1", n)
	}
}

// TestStop: what runs ends in the time given, what was not begun is given back.
func TestStop(t *testing.T) {
	for name, c := range map[string]struct {
		drain time.Duration
		stall time.Duration
		want  store.ResultKind
	}{
		"in time": {5 * time.Second, 300 * time.Millisecond, store.Delivered},
		"cut off": {200 * time.Millisecond, time.Minute, store.Returned},
	} {
		t.Run(name, func(t *testing.T) {
			reached := make(chan struct{}, 100)
			s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
				if at == sink.Dot {
					reached <- struct{}{}
					return sink.Fault{Stall: c.stall, Reply: "250 2.0.0 ok"}
				}
				return sink.Fault{}
			}})
			config := hopTo(s)
			config.hops.Connections, config.Drain = 1, c.drain
			h := newFixture(t, config, nil)
			ids := h.spool.put(news("q1"), "Hi\r\n", to("a@b.example", "b@b.example", "c@b.example")...)
			stop := h.run()
			<-reached
			stop()
			h.spool.mu.Lock()
			defer h.spool.mu.Unlock()
			for _, r := range h.spool.results {
				want := store.Returned
				if r.Recipient == ids[0] {
					want = c.want
				}
				if r.Kind != want {
					t.Errorf("recipient %d: %v, want %v", r.Recipient, r.Kind, want)
				}
			}
			if len(h.spool.results) != 3 {
				t.Errorf("%d results", len(h.spool.results))
			}
		})
	}
}
