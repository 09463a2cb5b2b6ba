package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// attempts is how many attempts were made at the one recipient of a message that
// is queued.
func (h *house) attempts(id string) int {
	h.t.Helper()
	all, err := h.db.Spool().Queue(h.t.Context(), store.QueueFilter{ID: id})
	if err != nil || len(all) != 1 || len(all[0].Recipients) != 1 || all[0].Recipients[0].State != store.Queued {
		h.t.Fatalf("%s: %+v, %v", id, all, err)
	}
	return all[0].Recipients[0].Attempts
}

// A server that starts with a clock four years ahead gives no mail up, ends no
// pause and retires nothing, and says so; once the clock is accepted it goes by it.
func TestStartWithAWrongClock(t *testing.T) {
	h := newHouse(t, sink.Options{Fault: func(stage sink.Stage, _ sink.Transaction) sink.Fault {
		if stage == sink.Rcpt {
			return sink.Fault{Reply: "451 4.3.0 later"}
		}
		return sink.Fault{}
	}})
	h.config.Clock.Tolerance = 7 * 24 * time.Hour
	h.config.Consent.Retention = 90 * 24 * time.Hour
	people := h.db.Consent()
	began := time.Now()
	pause := store.ChoiceChange{
		Choice: store.Choice{Recipient: "paused@example.net", List: "letter.example.org", State: store.Paused, Until: began.AddDate(0, 1, 0), Since: began, Way: store.Page},
		Event:  store.Event{Time: began, Kind: store.EventPaused, Recipient: "paused@example.net", List: "letter.example.org", Way: store.Page},
	}
	if _, err := people.Decide(t.Context(), store.Change{Choices: []store.ChoiceChange{pause}}); err != nil {
		t.Fatal(err)
	}
	draft, err := h.db.Spool().Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := draft.Commit(t.Context(), &store.Message{ID: "q1", Received: began, ReversePath: "news@example.org", Header: []byte("Subject: x\r\n\r\n")},
		[]store.Recipient{{Address: "queued@example.net", Domain: "example.net", Next: began}}); err != nil {
		t.Fatal(err)
	}
	ahead := 4 * 365 * 24 * time.Hour
	h.parts.Now = func() time.Time { return time.Now().Add(ahead) }
	g, _ := h.run()
	metrics := func() string {
		t.Helper()
		r, err := http.Get("http://" + g.Addrs().Admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, _ := io.ReadAll(r.Body)
		return string(text)
	}
	send(t, g, "paused@example.net")
	for h.attempts("q1") == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	events, err := people.Events(t.Context(), store.EventFilter{Recipient: "paused@example.net", Latest: true, Limit: 1})
	if err != nil || len(events) != 1 || events[0].Kind != store.EventDropped || events[0].Reason != store.ReasonPaused {
		t.Errorf("%+v, %v", events, err)
	}
	if text := metrics(); !strings.Contains(text, "\nofframp_clock_off_seconds 1.26") {
		t.Error("no alarm in the metrics")
	}
	if seen, err := people.ClockSeen(t.Context()); err != nil || seen.Sub(began) > time.Hour {
		t.Errorf("the measure is %v, %v", seen, err)
	}
	r, err := http.Post("http://"+g.Addrs().Admin+"/api/v1/clock", "", nil)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatal(err, r)
	}
	r.Body.Close()
	if text := metrics(); !strings.Contains(text, "\nofframp_clock_off_seconds 0\n") {
		t.Error("still an alarm after the clock was accepted")
	}
	send(t, g, "paused@example.net")
	events, err = people.Events(t.Context(), store.EventFilter{Recipient: "paused@example.net", Kinds: []store.EventKind{store.EventDropped}})
	if err != nil || len(events) != 1 {
		t.Errorf("dropped again after the clock was accepted: %+v, %v", events, err)
	}
}
