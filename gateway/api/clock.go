package api

import (
	"context"
	"net/http"

	"offramp/gateway/access"
	"offramp/gateway/clock"
	"offramp/gateway/record"
)

func (s *server) serverRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/clock", id: "getClock", tag: "Server", summary: "The server's clock",
		doc:   "A clock that jumped is not believed: nothing is retired or given up by it until somebody says that it is right.",
		scope: access.Read,
	}, s.clock)
	add(s, route{
		method: http.MethodPost, path: "/clock", id: "acceptClock", tag: "Server", summary: "Believe the clock",
		scope: access.Admin,
	}, s.acceptClock)
	add(s, route{
		method: http.MethodGet, path: "/scrub", id: "getScrub", tag: "Server", summary: "What was erased, on the disk",
		doc:   "How far the bytes of what was erased are overwritten.",
		scope: access.Read,
	}, s.scrub)
}

func clockOf(s clock.State) record.Clock {
	return record.Clock{Now: s.Now.UTC(), Sure: s.Sure.UTC(), Off: s.Off.Seconds()}
}

func (s *server) clock(context.Context, *noInput) (record.Clock, error) {
	return clockOf(s.Clock.State()), nil
}

// acceptClock believes the clock, by the operator's word.
func (s *server) acceptClock(ctx context.Context, _ *noInput) (record.Clock, error) {
	before := s.Clock.State()
	state, err := s.Clock.Accept(ctx)
	if err != nil {
		return record.Clock{}, err
	}
	s.log().InfoContext(ctx, "clock accepted", "time", state.Now.UTC(), "off_seconds", before.Off.Seconds(), "ip", callerOf(ctx).ip.String())
	return clockOf(state), nil
}

func (s *server) scrub(ctx context.Context, _ *noInput) (out record.Scrub, err error) {
	if s.Scrubber == nil {
		return out, nil
	}
	d, err := s.Scrubber.Scrubbed(ctx)
	if err != nil {
		return out, err
	}
	out = record.Scrub{Asked: d.Asked, Done: d.Done, Since: d.Since, Whole: d.Whole, Left: d.Left, Written: d.Written}
	if !d.Since.IsZero() {
		out.By = d.Since.Add(s.EraseWithin)
	}
	return out, nil
}
