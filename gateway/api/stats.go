package api

import (
	"context"
	"time"

	"offramp/gateway/record"
)

const day = 24 * time.Hour

// statsQuery allows for more than a year, so that one can be compared with the
// last.
type statsQuery struct {
	Days int `query:"days" minimum:"1" maximum:"400" default:"30" doc:"How many days, today included."`
}

// stats counts events by day. Its cost grows with the events of those days.
func (s *server) stats(ctx context.Context, in *statsQuery) (record.Stats, error) {
	now := s.now().UTC()
	first := now.Truncate(day).Add(-time.Duration(in.Days-1) * day)
	counts, err := s.Counts.CountEvents(ctx, first, now)
	if err != nil {
		return record.Stats{}, err
	}
	out := record.Stats{Since: first, Until: now, Days: make([]record.Day, in.Days)}
	for i := range out.Days {
		out.Days[i].Day = first.Add(time.Duration(i) * day).Format(time.DateOnly)
	}
	for _, c := range counts {
		if i := int(c.Day.Sub(first) / day); i >= 0 && i < len(out.Days) {
			out.Days[i].Add(c.Kind, c.Count)
			out.Total.Add(c.Kind, c.Count)
		}
	}
	return out, nil
}
