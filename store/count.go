package store

import (
	"context"
	"time"
)

// DayCount is how many events of a kind happened on one day in UTC.
type DayCount struct {
	Day   time.Time // its first moment
	Kind  EventKind
	Count int64
}

// Counts counts what happened. Events whose contents were erased count no more.
type Counts interface {
	// CountEvents counts the events from since on and before until, by day, then
	// kind. What there was none of is left out. Its cost grows with the events of
	// that time, and with nothing else.
	CountEvents(ctx context.Context, since, until time.Time) ([]DayCount, error)
}
