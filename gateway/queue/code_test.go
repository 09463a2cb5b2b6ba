package queue

import (
	"strings"
	"testing"
	"time"

	"offramp/gateway/render"
	"offramp/gateway/sink"
	"offramp/store"
)

// tooLong does not fit into an address of ours.
const tooLong = "Konstantinos.Papadimitriou@Students.University.example"

// asked says how often a code was to be kept.
func (p *people) askedCodes() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, step := range p.steps {
		if step == "code" {
			n++
		}
	}
	return n
}

// The code is on disk before the next hop hears of the message; mail without
// one asks for nothing.
func TestCodeIsKeptBeforeAnythingLeaves(t *testing.T) {
	h := &fixture{}
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
		if at == sink.Mail || at == sink.Rcpt {
			h.people.note(string(at))
		}
		return sink.Fault{}
	}})
	*h = *newFixture(t, hopTo(s), func(p *parts) { p.Renderer.Feedback = render.Feedback{Bounces: true} })
	h.spool.put(news("q1"), "Hi\r\n", to(tooLong)...)
	h.run()
	got := s.Wait(1, time.Now().Add(5*time.Second))[0]
	h.people.mu.Lock()
	steps, kept := strings.Join(h.people.steps, " "), h.people.codes[tooLong]
	h.people.mu.Unlock()
	if steps != "code start verdict mail done rcpt" {
		t.Errorf("steps: %s", steps)
	}
	local, _, _ := strings.Cut(got.ReversePath, "@")
	claims, err := h.queue.Renderer.Tokens.OpenAddress(local)
	if err != nil || claims.Code != kept.ID || kept.Recipient != "konstantinos.papadimitriou@students.university.example" {
		t.Errorf("%s: %+v, %v; kept %+v", got.ReversePath, claims, err, kept)
	}

	h.spool.put(news("q2"), "Hi\r\n", to("a@b.example")...)
	h.spool.put(exempt("q3"), "Hi\r\n", to(tooLong)...)
	h.queue.Wake()
	s.Wait(3, time.Now().Add(5*time.Second))
	if n := h.people.askedCodes(); n != 1 {
		t.Errorf("%d codes were to be kept, want 1", n)
	}
}

// When the code cannot be kept nothing is sent, nothing bounces, and the
// delivery is tried again.
func TestNothingLeavesWithoutItsCode(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.codeErr = errStore
	h.spool.put(news("q1"), "Hi\r\n", to(tooLong, "a@b.example")...)
	h.run()
	within(t, 5*time.Second, "one deferred, the other delivered", func() bool {
		k := h.spool.kinds()
		return k[store.Deferred] == 1 && k[store.Delivered] == 1
	})
	if got := s.Messages(); len(got) != 1 || got[0].Recipients[0] != "a@b.example" {
		t.Fatalf("sent: %v", got)
	}
	left := h.spool.left()
	if len(left) != 1 || left[0].State != store.Queued || left[0].Status.Enhanced != "4.3.0" {
		t.Errorf("left: %+v", left)
	}
	h.people.mu.Lock()
	h.people.codeErr = nil
	h.people.mu.Unlock()
	h.spool.retry()
	h.queue.Flush()
	if got := s.Wait(2, time.Now().Add(5*time.Second)); len(got) != 2 || !strings.Contains(string(got[1].Data), "mailto:") {
		t.Errorf("sent: %v", got)
	}
	if n := h.spool.kinds()[store.Bounced]; n != 0 {
		t.Errorf("%d bounced", n)
	}
}

// Who was erased and is mailed all the same gets no address that finds nobody.
func TestNoCodeOfWhoWasErasedLeaves(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), func(p *parts) { p.Renderer.Feedback = render.Feedback{Bounces: true} })
	h.people.unkept = tooLong
	h.spool.put(news("q1"), "Hi\r\n", to(tooLong)...)
	h.run()
	got := s.Wait(1, time.Now().Add(5*time.Second))
	if len(got) != 1 || got[0].ReversePath != "news@example.com" || strings.Contains(string(got[0].Data), "mailto:") ||
		!strings.Contains(string(got[0].Data), "List-Unsubscribe: <https://") {
		t.Errorf("sent: %+v", got)
	}
}
