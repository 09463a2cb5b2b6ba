package nexthop

import (
	"testing"
	"time"

	"offramp/gateway/sink"
)

// Sessions wait for their next transaction, make room for another destination,
// and end when they have waited for too long.
func TestHopsKeepSessions(t *testing.T) {
	s := startSink(t, sink.Options{})
	var stats Stats
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	h := newHops(t, Config{Servers: []string{"smtp://" + s.Addr()}, Connections: 2}, Parts{Stats: &stats, Now: func() time.Time { return now }})
	open := func(destination string) *Session {
		t.Helper()
		session, err := h.Open(t.Context(), destination)
		if err != nil {
			t.Fatal(err)
		}
		return session
	}
	first, second := open("a.example"), open("b.example")
	h.Give(first)
	if again := h.Take("a.example"); again != first || h.Take("a.example") != nil || h.Take("b.example") != nil {
		t.Errorf("took %p, want %p, once", again, first)
	}
	h.Give(first)
	third := open("c.example") // of two connections, one waits
	if h.OpenTo("a.example") != 0 || h.OpenTo("b.example") != 1 || h.OpenTo("c.example") != 1 || stats.Open.Load() != 2 {
		t.Errorf("%d sessions are open", stats.Open.Load())
	}
	h.Drop(second)
	h.Give(third)
	if again := h.Sweep(now.Add(20 * time.Second)); again != 20*time.Second {
		t.Errorf("sweep again after %v", again)
	}
	if again := h.Sweep(now.Add(21 * time.Second)); again != 0 || stats.Open.Load() != 0 || stats.Connections.Load() != 3 {
		t.Errorf("sweep again after %v, %d sessions are open", again, stats.Open.Load())
	}
}

// A stop closes what waits at once, and what is in use when it is given back.
func TestRetire(t *testing.T) {
	s := startSink(t, sink.Options{})
	var stats Stats
	h := newHops(t, Config{Servers: []string{"smtp://" + s.Addr()}}, Parts{Stats: &stats})
	waiting, err := h.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	used, err := h.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	h.Give(waiting)
	h.Retire()
	if n := stats.Open.Load(); n != 1 {
		t.Errorf("%d sessions are open, want 1", n)
	}
	if errs := transact(used, "a@b.example"); errs[0] != nil {
		t.Error(errs)
	}
	h.Give(used)
	if n := stats.Open.Load(); n != 0 {
		t.Errorf("%d sessions are open", n)
	}
}

func TestPerDestination(t *testing.T) {
	for _, c := range []struct {
		server    string
		all, each int
		want      int
	}{
		{"smtp://hop.example", 20, 0, 20}, {"smtp://hop.example", 20, 5, 5}, {"mx", 20, 0, 4}, {"mx", 3, 0, 3}, {"mx", 0, 7, 7}, {"mx", 5, 100, 5},
	} {
		h := newHops(t, Config{Servers: []string{c.server}, Connections: c.all, PerDestination: c.each}, Parts{})
		if got := h.PerDestination(); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
