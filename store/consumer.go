package store

import (
	"context"
	"time"
)

// ConsumerState says whether a consumer is sent events.
type ConsumerState string

// The states of a consumer.
const (
	ConsumerActive ConsumerState = "active"
	ConsumerPaused ConsumerState = "paused" // by the operator
	ConsumerFailed ConsumerState = "failed" // nothing got through for so long that nothing is tried any more
)

// Consumer is another system that is sent the events, and how far it came. It is a
// [Reader], too, of the same name: what it acknowledged is what that reader has
// taken over.
type Consumer struct {
	Name string // 1 to 64 characters
	Kind string // how it is reached, such as webhook
	// Settings are those of its kind, with its secrets. On the disk nobody reads them
	// without the key of the data.
	Settings []byte
	Lists    []string    // the only lists it is told of; empty: it is told of all
	Kinds    []EventKind // the only kinds of events it is told of; empty: those that its kind is for
	State    ConsumerState
	Created  time.Time

	Cursor int64   // everything up to this event is acknowledged, or was not for it
	Done   []int64 // events after the cursor that are acknowledged already, in order
	Skip   int64   // this event is passed over by the operator's will; 0: none

	// Of the event that holds up the cursor, when one does:
	Failing  time.Time // when it was tried first; zero: nothing holds it up
	Stuck    int64     // its ID
	Attempts int       // how often it was tried
	Next     time.Time // when it is tried next
	Error    string    // what went wrong, at most 256 bytes, without anything that the receiver said

	Missed  int64 // how many events left the ledger by age before they were sent, since the operator last changed it
	Version int64 // of the record as the operator set it; given by the engine

	Holder [16]byte  // who sends it events, see [Consumers.LeaseConsumer]
	Until  time.Time // when the lease ends; zero: there is none

	// Damaged says that the record is not what was written. Then Settings are nil, and
	// it must be set anew.
	Damaged bool
}

// MaxConsumers is how many consumers there may be.
const MaxConsumers = 100

// Progress is what the holder of a consumer has to record.
type Progress struct {
	Name    string
	Holder  [16]byte
	Version int64     // of the consumer as the holder knows it
	Now     time.Time // for the reader, and for the lease
	Until   time.Time // to when the lease is prolonged
	Cursor  int64     // less than the one recorded: it stays
	Done    []int64   // see [Consumer.Done]
	State   ConsumerState
	Missed  int64 // is added

	Failing  time.Time
	Stuck    int64
	Attempts int
	Next     time.Time
	Error    string
}

// Consumers are the other systems that are sent the events.
//
// At most one holder sends events to a consumer at a time, by a lease that has an
// end; it belongs to no process. An engine that knows that the holder is gone may end it
// earlier. What the operator changes makes a new version of
// the record, which the holder notices with its next progress.
type Consumers interface {
	// AddConsumer adds c and its reader, whose Through is the cursor unless it came
	// further before. It returns ErrChanged when the name is taken, and ErrFull when
	// there are MaxConsumers.
	AddConsumer(ctx context.Context, c Consumer) error
	// Consumer returns one or ErrNotFound.
	Consumer(ctx context.Context, name string) (Consumer, error)
	// Consumers returns all of them by name.
	Consumers(ctx context.Context) ([]Consumer, error)
	// ChangeConsumer replaces what the operator sets: settings, lists, kinds, state,
	// cursor and skip, as one new version; what held it up, and what it missed, is
	// forgotten, and where the cursor is another one, what was done after it. It returns ErrNotFound, or ErrChanged with nothing written when
	// c.Version is not the one recorded.
	ChangeConsumer(ctx context.Context, c Consumer) error
	// RemoveConsumer removes a consumer and its reader, or returns ErrNotFound.
	RemoveConsumer(ctx context.Context, name string) error

	// LeaseConsumer makes holder the one who sends it events, until then, and returns
	// the record as it is then. It returns ErrHeld when another one's lease has not
	// ended by now, and ErrNotFound.
	LeaseConsumer(ctx context.Context, name string, holder [16]byte, now, until time.Time) (Consumer, error)
	// RecordProgress records p and has the reader acknowledge p.Cursor, in one
	// transaction. It returns ErrHeld when the holder is another by now, ErrChanged
	// when the version is, and ErrNotFound; nothing is written then.
	RecordProgress(ctx context.Context, p Progress) error
	// ReleaseConsumer ends a lease, when holder has it.
	ReleaseConsumer(ctx context.Context, name string, holder [16]byte) error
}

// Ledger is what a consumer is sent events from.
type Ledger interface {
	Events(ctx context.Context, f EventFilter) ([]Event, error)
	Head(ctx context.Context) (Head, error)
	// AwaitEvents returns the ID of the last event once it is greater than after, or
	// the error of ctx. It learns at once of what this engine commits, and within a
	// second of what others do.
	AwaitEvents(ctx context.Context, after int64) (last int64, err error)
}
