// Package outbox sends the events of the ledger to other systems, each at least once
// and those of one person in order. A consumer is such a system with a cursor: what is
// before it is acknowledged. How an event reaches it is the affair of its kind.
package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"offramp/store"
)

// Receiver sends events to one consumer. Send is called from several goroutines, never
// twice at the same time for one person, with the events of a person in order. The
// first done of them are acknowledged, and err says why the next one is not. Without an
// error at least one of them is, and the others come again at once: a receiver that
// takes one after another stops before the time of ctx is over.
type Receiver interface {
	Send(ctx context.Context, events []store.Event) (done int, err error)
}

// Failure is an error of a [Receiver] that says more than that nothing got through.
type Failure struct {
	// Text is recorded and shown, so it holds nothing that the receiver said: that
	// could name a person.
	Text string
	// Refused says that the receiver is there and will not have these events, so that
	// others may get through.
	Refused bool
	// Apart, with Refused, says that the fault is of something that concerns these
	// events alone: it says nothing about what others will find.
	Apart bool
	// After is how long it asks not to be called; 0: it does not say.
	After time.Duration
}

func (f *Failure) Error() string { return f.Text }

// Kind is a way to reach consumers.
type Kind struct {
	// Open makes the receiver of a consumer. Its error is recorded and shown, too.
	Open func(c store.Consumer) (Receiver, error)
	// Events are the kinds that a consumer gets that names none.
	Events []store.EventKind
	Lanes  int // calls at a time at most; 0: Config.Lanes
	Batch  int // events of a call at most; 0: 1
	// Longest is how long a call may take; 0: 20 s.
	Longest time.Duration
}

// lease is how long a consumer of the kind is held at a time: a call must end before
// another one may send.
func (k Kind) lease() time.Duration { return max(leaseTime, k.Longest+renewEvery+grace) }

// Outbox sends events to all consumers while Run runs. Its fields are set before.
type Outbox struct {
	Config    Config
	Consumers store.Consumers
	Ledger    store.Ledger
	// Kinds are the ways to reach consumers, by name. A consumer of another kind is
	// kept and sent nothing.
	Kinds map[string]Kind
	// Own are consumers that the settings name instead of the operator's commands: they
	// are added when they are not there, and have the settings that stand here.
	Own []store.Consumer
	// Waits are how long it is waited after the first failure of an event, the second
	// and so on; the last one stays. nil: 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h.
	Waits  []time.Duration
	Random io.Reader        // nil: crypto/rand
	Now    func() time.Time // nil: time.Now
	// Sure is the time that has come for certain, whatever the clock shows: an event is
	// not given up by a wrong clock. nil: Now.
	Sure  func() time.Time
	Log   *slog.Logger // nil: nothing is logged
	Stats *Stats       // nil: nothing is counted

	once    sync.Once
	changed chan struct{} // holds one token when the operator changed something
	holder  [16]byte
}

var errHolder = errors.New("no name for the holder of leases")

func (o *Outbox) begin() {
	o.once.Do(func() {
		o.changed = make(chan struct{}, 1)
		if o.Now == nil {
			o.Now = time.Now
		}
		if o.Sure == nil {
			o.Sure = o.Now
		}
		if o.Log == nil {
			o.Log = slog.New(slog.DiscardHandler)
		}
		if o.Random == nil {
			o.Random = rand.Reader
		}
		if len(o.Waits) == 0 {
			o.Waits = usualWaits()
		}
		if o.Stats == nil {
			o.Stats = new(Stats)
		}
		o.Config = o.Config.withDefaults()
	})
}

// lanes is how many calls a kind takes at a time.
func (o *Outbox) lanes(k Kind) int {
	if k.Lanes > 0 {
		return k.Lanes
	}
	return o.Config.Lanes
}
