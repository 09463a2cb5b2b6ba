package queue

import (
	"fmt"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// The file of choices is damaged: no message is, and none bounces for it,
// however old it is.
func TestDamageOfTheOtherFileDefers(t *testing.T) {
	s := startSink(t, sink.Options{})
	c := hopTo(s)
	c.RetryMin = 50 * time.Millisecond
	h := newFixture(t, c, nil)
	h.people.err = fmt.Errorf("offramp.db: %w", store.ErrDamaged)
	old := news("q1")
	old.Received = old.Received.Add(-1000 * time.Hour)
	h.spool.put(old, "Hi\r\n", to("a@b.example")...)
	h.spool.put(news("q2"), "Hi\r\n", to("c@b.example")...)
	h.run()
	within(t, 5*time.Second, "deferred", func() bool { return h.spool.kinds()[store.Deferred] > 2 })
	if n := h.spool.kinds(); n[store.Parked]+n[store.Bounced] > 0 {
		t.Errorf("results %v", n)
	}
	h.people.mu.Lock()
	h.people.err = nil
	h.people.mu.Unlock()
	within(t, 10*time.Second, "delivered once it is restored", func() bool { return len(h.spool.left()) == 0 })
}

// A drop leaves the spool with its event, or not at all.
func TestADropWithoutItsEventStays(t *testing.T) {
	s := startSink(t, sink.Options{})
	c := hopTo(s)
	c.RetryMin = 50 * time.Millisecond
	h := newFixture(t, c, nil)
	h.people.dropped = map[string]store.Reason{"a@b.example": store.ReasonUnsubscribed}
	h.people.eventErr = fmt.Errorf("offramp.db: %w", store.ErrDamaged)
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 10*time.Second, "deferred", func() bool { return h.spool.kinds()[store.Deferred] > 0 })
	if n := len(h.spool.left()); n != 1 || h.spool.kinds()[store.Dropped] > 0 {
		t.Fatalf("%d recipients are left, results %v", n, h.spool.kinds())
	}
	h.people.mu.Lock()
	h.people.eventErr = nil
	h.people.mu.Unlock()
	within(t, 10*time.Second, "dropped", func() bool { return len(h.spool.left()) == 0 })
	if len(h.people.events) != 1 || h.people.events[0].Kind != store.EventDropped {
		t.Errorf("events %+v", h.people.events)
	}
}

// What is held as damaged and can be read again at a start is delivered.
func TestWhatIsNotDamagedAnyMoreIsDelivered(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	held := to("a@b.example")
	held[0].State, held[0].Status.Text = store.Held, store.DamagedText
	h.spool.put(news("q1"), "Hi\r\n", held...)
	byHand := to("b@b.example")
	byHand[0].State = store.Held
	h.spool.put(news("q2"), "Hi\r\n", byHand...)
	h.run()
	s.Wait(1, time.Now().Add(5*time.Second))
	within(t, 5*time.Second, "delivered", func() bool { return len(h.spool.left()) == 1 })
	if left := h.spool.left(); left[0].State != store.Held || left[0].Address != "b@b.example" {
		t.Errorf("left: %+v", left)
	}
}

// Mail to a person whose records are damaged waits, however old it gets: it is
// neither held nor bounced, and the others of the message get theirs.
func TestDamagedRecordsWait(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.doubtful = "b@b.example"
	m := news("q1")
	m.Received = time.Now().Add(-1000 * time.Hour)
	h.spool.put(m, "Hi\r\n", to("a@b.example", "b@b.example", "c@b.example")...)
	h.run()
	within(t, 5*time.Second, "settled", func() bool { return h.spool.kinds()[store.Delivered] == 2 && h.spool.kinds()[store.Deferred] == 1 })
	if n := h.stats.Uncertain.Load(); n != 1 {
		t.Errorf("%d counted", n)
	}
	if k := h.spool.kinds(); k[store.Parked]+k[store.Bounced] > 0 {
		t.Errorf("settled %v", k)
	}
}

// Nothing leaves before the records are verified.
func TestDeliveriesWaitForVerification(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.verified = make(chan struct{})
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	h.run()
	select {
	case <-h.people.verified:
	case <-time.After(5 * time.Second):
		t.Fatal("nobody waits")
	}
	h.people.mu.Lock()
	if len(h.people.steps) > 0 {
		t.Errorf("asked %v", h.people.steps)
	}
	h.people.mu.Unlock()
	close(h.people.verified)
	s.Wait(1, time.Now().Add(5*time.Second))
	if n := len(s.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}
