package queue

import (
	"context"
	"io"
	"log/slog"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/nexthop"
	"offramp/gateway/render"
	"offramp/store"
)

// Leases is what the runner needs of the spool; see [store.Spool].
type Leases interface {
	Lease(ctx context.Context, now time.Time, limit int, skip []string) ([]store.Job, error)
	Next(ctx context.Context, skip []string) (next time.Time, ok bool, err error)
	Settle(ctx context.Context, results ...store.Result) error
}

// Lines puts off whole lines; see [store.Spool].
type Lines interface {
	PutOff(ctx context.Context, l store.Line) (off, left int, err error)
}

// Bodies opens bodies; see [store.Spool].
type Bodies interface {
	Body(ctx context.Context, id string) (io.ReadCloser, error)
}

// Reports is what bounces need of the spool; see [store.Spool].
type Reports interface {
	Failures(ctx context.Context, limit int) ([]store.Failure, error)
	Report(ctx context.Context, bounce *store.Bounce, reported []int64) error
}

// Held looks again at mail that is held as damaged; see [store.Spool].
type Held interface {
	Recheck(ctx context.Context) (int, error)
}

// Spool is the storage mail is delivered from.
type Spool interface {
	Leases
	Lines
	Bodies
	Reports
	Held
}

// Lists knows the lists; see [store.Consent].
type Lists interface {
	List(ctx context.Context, id string) (store.List, error)
}

// Codes keeps the recipients of codes; see [store.Consent].
type Codes interface {
	KeepCode(ctx context.Context, c store.Code) (kept bool, err error)
}

// Events keeps what happened; see [store.Consent].
type Events interface {
	AddEvents(ctx context.Context, events ...store.Event) error
}

// Verdicts decides on a recipient (room consent).
type Verdicts interface {
	// Start takes the gate: an opt-out of the recipient that is not on disk
	// yet is not answered before it is given back by done. Start never waits,
	// so one transaction may hold the gates of several recipients.
	Start(recipient envelope.Address) (done func())
	// Admit says whether mail of list may be sent now; list is empty for exempt
	// mail. holder names message and recipient, the same at every attempt.
	// Unless the mail is dropped, ended is called until it returns no error,
	// with how the attempt ended: a limit holds the person's turn until then.
	Admit(ctx context.Context, recipient envelope.Address, list, holder string) (v store.Verdict, ended func(context.Context, store.Outcome) error, err error)
	// Verified waits until Admit can admit anybody. It returns an error only
	// when ctx ends.
	Verified(ctx context.Context) error
}

// Contacts knows when mail of a list first reached a person; see [store.Consent].
type Contacts interface {
	FirstSent(ctx context.Context, recipient, list string) (time.Time, error)
}

// Parts is what a queue works with.
type Parts struct {
	Spool    Spool
	Lists    Lists
	Codes    Codes
	Events   Events
	Verdicts Verdicts
	Contacts Contacts // nil: every message counts as one of many
	Renderer *render.Renderer
	Hops     *nexthop.Hops
	Refusals Refusals // nil: nobody is notified
	Traffic  Traffic  // nil: not counted
	Hostname string   // ours, in bounces

	Now   func() time.Time // nil: time.Now
	Sure  func() time.Time // by which mail is given up, see package clock; nil: Now
	Rand  func() float64   // [0,1), safe for concurrent use; nil: math/rand
	Log   *slog.Logger     // nil: nothing is logged
	Stats *Stats           // nil: not counted
}

// Traffic counts what opt-outs stop after acceptance.
type Traffic interface {
	Drop(m *store.Message)
}
