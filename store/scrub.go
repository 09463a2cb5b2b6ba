package store

import (
	"context"
	"time"
)

// Scrubber overwrites, in the background, what was erased: deleting a record
// leaves its bytes in a file until they are used again.
type Scrubber interface {
	// Run overwrites what [Consent.Scrub] asks for until ctx ends; the next Run
	// goes on where it stopped, also after a crash. Its error is nil: it logs
	// what is in the way, and tries again.
	Run(ctx context.Context) error
	// Scrubbed returns how far it is.
	Scrubbed(ctx context.Context) (Scrubbed, error)
}

// Scrubbed is how far the overwriting of what was erased is.
type Scrubbed struct {
	// Asked counts how often it was asked for, ever, and Done how many of these
	// are through: who finds Asked at 5 after an erasure waits for Done to be 5.
	Asked, Done int64
	// Since is when the oldest that is not through was asked for; zero: all are.
	Since time.Time
	// Whole is how many bytes of free space the run at this moment looks
	// through, and Left how many of them it has still to; zero: none runs.
	Whole, Left int64
	// Written is how many bytes were overwritten since the data was opened.
	Written int64
}

// Due says whether something that was erased is not overwritten yet.
func (s Scrubbed) Due() bool { return s.Done < s.Asked }

// Health is how well one file of the engine keeps what it is given.
type Health struct {
	Commits int64 // transactions that were made durable
	Faults  int64 // times that one could not be
	Trusted bool  // false: after a fault, until a later change was made durable
}

// Durable is a file of the engine.
type Durable interface {
	// Ready returns nil when a change was made durable within the last second, or
	// makes a small one now. Its error is why nothing can be kept.
	Ready(ctx context.Context) error
	// Health counts.
	Health() Health
}
