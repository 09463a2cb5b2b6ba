package admin

import (
	"net/http"
	"time"

	"offramp/gateway/clock"
)

// ClockState is the answer of GET and POST /api/v1/clock.
type ClockState struct {
	Now  time.Time `json:"now"`  // what the clock shows
	Sure time.Time `json:"sure"` // the time by which records are retired and mail is given up
	// Off is how far the clock is ahead of all that was seen, or behind it where
	// it is negative; 0: it is believed.
	Off float64 `json:"off_seconds"`
}

func clockOf(s clock.State) ClockState {
	return ClockState{Now: s.Now.UTC(), Sure: s.Sure.UTC(), Off: s.Off.Seconds()}
}

func (s *server) clock(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	return answer(w, clockOf(s.Clock.State()))
}

// acceptClock believes the clock, by the operator's word.
func (s *server) acceptClock(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	before := s.Clock.State()
	state, err := s.Clock.Accept(r.Context())
	if err != nil {
		return err
	}
	s.log().InfoContext(r.Context(), "clock accepted", "time", state.Now.UTC(), "off_seconds", before.Off.Seconds(), "ip", peer(r).String())
	return answer(w, clockOf(state))
}
