package api

import (
	"context"
	"time"

	"offramp/gateway/clock"
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
