package store

import "time"

// SoftBounce is one bounce that does not say that the address is dead for
// good. Several of them in a run do.
type SoftBounce struct {
	Recipient string
	At        time.Time
	// Apart is how long after the last bounce that counted another one counts
	// again: a queue that empties itself returns many at once.
	Apart time.Duration
	// Proof is how long after mail was sent it is certain that it is not
	// returned. Such mail ends a run.
	Proof time.Duration
}

// BounceRun is the soft bounces of a recipient that no delivery came between.
type BounceRun struct {
	Recipient string
	Count     int64
	First     time.Time
	Last      time.Time // of those that counted
	Sent      time.Time // first mail that was sent after Last; zero: none
}

// After is the run once b came in.
func (r BounceRun) After(b SoftBounce) BounceRun {
	switch {
	case r.Count == 0, !r.Sent.IsZero() && b.At.Sub(r.Sent) >= b.Proof:
		return BounceRun{Recipient: r.Recipient, Count: 1, First: b.At, Last: b.At}
	case b.At.Sub(r.Last).Abs() < b.Apart: // one of long after b.At has the time of a clock that was wrong
		return r
	}
	r.Count, r.Last, r.Sent = r.Count+1, b.At, time.Time{}
	return r
}
