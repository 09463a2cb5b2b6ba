package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"offramp/gateway/clock"
	"offramp/gateway/record"
)

const yearAhead = 365 * 24 * time.Hour

func (w *world) State() clock.State {
	return clock.State{Now: start.Add(yearAhead), Sure: start, Off: yearAhead}
}

func (w *world) Accept(context.Context) (clock.State, error) {
	if w.err != nil {
		return clock.State{}, w.err
	}
	w.calls = append(w.calls, "accept clock")
	return clock.State{Now: start.Add(yearAhead), Sure: start.Add(yearAhead)}, nil
}

func TestClock(t *testing.T) {
	w := newWorld(t)
	if got := call[record.Clock](w, "GET", "/api/v1/clock", ""); got.Off != yearAhead.Seconds() || !got.Sure.Equal(start) || len(w.calls) > 0 {
		t.Errorf("%+v, changes %q", got, w.calls)
	}
	got := call[record.Clock](w, "POST", "/api/v1/clock", "")
	if got.Off != 0 || !got.Sure.Equal(got.Now) || strings.Join(w.calls, " ") != "accept clock" || !strings.Contains(w.log.String(), "clock accepted") {
		t.Errorf("%+v, changes %q, log %s", got, w.calls, w.log.String())
	}
}
