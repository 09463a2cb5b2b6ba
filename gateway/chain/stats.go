package chain

import "sync/atomic"

// Stats counts since the start. The zero value is ready.
type Stats struct {
	Remembered  atomic.Int64 // messages whose target is kept
	Shared      atomic.Int64 // messages with a target for several people
	Unfit       atomic.Int64 // messages whose header names none that can be used
	Circles     atomic.Int64 // targets that lead back to this server, seen or called
	Posted      atomic.Int64 // opt-outs that a target took by POST
	Mailed      atomic.Int64 // opt-outs that were sent as mail
	Again       atomic.Int64 // calls that failed and are made again
	NotNotified atomic.Int64 // opt-outs that a target did not take, for good
}

func (s *Stats) orNone() *Stats {
	if s == nil {
		return new(Stats)
	}
	return s
}
