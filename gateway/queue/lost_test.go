package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// TestMailOfAListThatIsLost: after a restore from an older copy mail goes out under
// the identifier of its list, and opt-outs from it hold.
func TestMailOfAListThatIsLost(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	h.people.lost = "news"
	h.people.dropped = map[string]store.Reason{"left@b.example": store.ReasonUnsubscribed}
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example", "left@b.example")...)
	h.run()
	within(t, 5*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
	got := s.Messages()
	if len(got) != 1 || got[0].Recipients[0] != "a@b.example" {
		t.Fatalf("sent: %+v", got)
	}
	if data := string(got[0].Data); !strings.Contains(data, "\r\nList-Unsubscribe: <") || !strings.Contains(data, "<news>") {
		t.Errorf("sent without the fields of its list:\n%s", data)
	}
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	if got := h.people.asked["left@b.example"]; got != "news" {
		t.Errorf("asked about list %q", got)
	}
}

// TestErrorsOfOurOwnExpire: mail that cannot be sent because of an error that stays
// bounces in the end; while the store is down it waits.
func TestErrorsOfOurOwnExpire(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		bounces bool
	}{
		"an error that stays": {errors.New("cannot be"), true},
		"store down":          {errStore, false},
		"store full":          {store.ErrFull, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startSink(t, sink.Options{})
			c := hopTo(s)
			c.RetryMin, c.Expire = 10*time.Millisecond, 100*time.Millisecond
			h := newFixture(t, c, nil)
			h.people.err = test.err
			m := news("q1")
			m.ReversePath = ""
			h.spool.put(m, "Hi\r\n", to("a@b.example")...)
			h.run()
			if !test.bounces {
				within(t, 5*time.Second, "many attempts", func() bool {
					return time.Since(m.Received) > 2*c.Expire && h.spool.kinds()[store.Deferred] > 5
				})
				if n := h.spool.kinds()[store.Bounced]; n != 0 {
					t.Error("bounced")
				}
				return
			}
			within(t, 5*time.Second, "bounced", func() bool { return h.spool.kinds()[store.Bounced] == 1 })
			if age := time.Since(m.Received); age < c.Expire {
				t.Errorf("bounced after %v", age)
			}
			if n := h.spool.kinds()[store.Deferred]; n == 0 {
				t.Error("never deferred")
			}
		})
	}
}
