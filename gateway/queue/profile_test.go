package queue

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"offramp/gateway/nexthop"
	"offramp/gateway/sink"
	"offramp/store"
)

// A message that moves to another next hop is signed for that one, and a retry
// to the same hop has the same bytes.
func TestFailOverIsSignedForTheOtherHop(t *testing.T) {
	var kept []byte // by the first hop, which does not answer
	first := startSink(t, sink.Options{Fault: func(stage sink.Stage, tr sink.Transaction) sink.Fault {
		if stage != sink.Dot || kept != nil {
			return sink.Fault{}
		}
		kept = tr.Data
		return sink.Fault{Reply: "421 4.3.2 going down"}
	}})
	second := startSink(t, sink.Options{})
	h := newFixture(t, setup{
		hops:   nexthop.Config{Servers: []string{"smtp://" + first.Addr(), "smtp://" + second.Addr()}, Profile: []string{"ses", "generic"}, Connections: 1},
		Config: Config{RetryMin: 50 * time.Millisecond},
	}, nil)
	m := news("q1")
	m.Header = []byte("DKIM-Signature: v=1; a=rsa-sha256; d=esp.example; s=x; h=from; bh=x; b=x\r\n" + newsHeader)
	h.spool.put(m, "Hi\r\n", to("ada@b.example")...)
	h.run()
	again := first.Wait(1, time.Now().Add(20*time.Second))
	if len(again) != 1 || !bytes.Equal(again[0].Data, kept) {
		t.Fatalf("the retry differs:\n%s\n---\n%s", kept, again[0].Data)
	}
	if n := strings.Count(string(kept), "DKIM-Signature:"); n != 1 || covers(kept, "date") {
		t.Errorf("%d signatures for a hop that takes one and replaces Date:\n%s", n, kept)
	}
	// A line of the log follows the answer.
	within(t, 20*time.Second, "logged", func() bool { return strings.Contains(h.log.String(), "dropped_signatures=1") })
	if n := h.stats.DroppedSignatures.Load(); n != 1 {
		t.Errorf("%d dropped signatures counted, want 1", n)
	}
	first.Close()
	h.spool.put(store.Message{ID: "q2", Received: time.Now().UTC(), ReversePath: m.ReversePath, List: "news", Header: m.Header}, "Hi\r\n", to("ada@b.example")...)
	h.queue.Wake()
	other := second.Wait(1, time.Now().Add(20*time.Second))
	if len(other) != 1 {
		t.Fatal("nothing came to the second hop")
	}
	if n := strings.Count(string(other[0].Data), "DKIM-Signature:"); n != 2 || !covers(other[0].Data, "date") {
		t.Errorf("%d signatures for a hop that changes nothing:\n%s", n, other[0].Data)
	}
}

// covers says whether our signature, the uppermost, covers a field.
func covers(data []byte, field string) bool {
	_, h, _ := strings.Cut(strings.ToLower(string(data)), " h=")
	h, _, _ = strings.Cut(h, ";")
	for name := range strings.SplitSeq(h, ":") {
		if strings.TrimSpace(name) == field {
			return true
		}
	}
	return false
}

// Where no next hop is reached, it still counts that the message has no fields
// of a list.
func TestRefusalWithoutAHopKnowsTheMessage(t *testing.T) {
	for name, c := range map[string]struct {
		untouched bool
		want      string
	}{"list": {false, "news"}, "untouched": {true, ""}} {
		t.Run(name, func(t *testing.T) {
			reports := &refusals{}
			h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"mx"}}}, func(p *parts) { p.Refusals = reports })
			m := news("q1")
			m.Untouched = c.untouched
			h.spool.put(m, "Hi\r\n", to("ada@[127.0.0.1]")...)
			h.run()
			within(t, 20*time.Second, "reported", func() bool {
				reports.mu.Lock()
				defer reports.mu.Unlock()
				return len(reports.reported) == 1
			})
			if got := reports.reported[0].List; got != c.want {
				t.Errorf("reported for the list %q, want %q", got, c.want)
			}
		})
	}
}
