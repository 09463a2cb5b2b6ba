package queue

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
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

// Bodies opens bodies; see [store.Spool].
type Bodies interface {
	Body(ctx context.Context, id string) (io.ReadCloser, error)
}

// Reports is what bounces need of the spool; see [store.Spool].
type Reports interface {
	Failures(ctx context.Context, limit int) ([]store.Failure, error)
	Report(ctx context.Context, bounce *store.Bounce, reported []int64) error
}

// Spool is the storage mail is delivered from.
type Spool interface {
	Leases
	Bodies
	Reports
}

// Lists knows the lists; see [store.Consent].
type Lists interface {
	List(ctx context.Context, id string) (store.List, error)
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
}

// Parts is what a queue works with.
type Parts struct {
	Spool    Spool
	Lists    Lists
	Events   Events
	Verdicts Verdicts
	Renderer *render.Renderer
	Hops     *nexthop.Hops
	Refusals Refusals // nil: nobody is told
	Traffic  Traffic  // nil: not counted
	Hostname string   // ours, in bounces

	Now   func() time.Time // nil: time.Now
	Rand  func() float64   // [0,1), safe for concurrent use; nil: math/rand
	Log   *slog.Logger     // nil: nothing is logged
	Stats *Stats           // nil: not counted
}

// Traffic counts what opt-outs stop after acceptance.
type Traffic interface {
	Drop(m *store.Message)
}

// Queue is the order of work on the spool. Make it with [New].
type Queue struct {
	Parts
	config   Config
	schedule schedule
	woken    chan struct{} // capacity 1
	flushed  chan struct{} // capacity 1
	failures chan struct{} // capacity 1
	// unreported counts recipients that failed and wait for their bounce.
	unreported atomic.Int64
}

// New returns a queue, or every fault of c. A zero value in c stands for its default.
func New(c Config, p Parts) (*Queue, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Rand == nil {
		p.Rand = rand.Float64
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Stats == nil {
		p.Stats = &Stats{}
	}
	q := &Queue{Parts: p, config: c, woken: make(chan struct{}, 1), flushed: make(chan struct{}, 1), failures: make(chan struct{}, 1)}
	q.schedule = schedule{min: c.RetryMin, max: c.RetryMax, expire: c.Expire, bounceExpire: c.BounceExpire, rand: p.Rand}
	return q, nil
}

// Wake says that something is due in the spool. It never waits.
func (q *Queue) Wake() { poke(q.woken) }

// Flush says that an operator made mail in the spool due. It is tried at once,
// also where a destination could not be reached a moment ago. It never waits.
func (q *Queue) Flush() {
	q.Hops.Forget()
	poke(q.flushed)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends. It then starts nothing any more, gives
// deliveries that run the time to end, cuts off those that do not, and returns
// when every lease is ended. The error is nil: what goes wrong is recorded and
// logged where it happens.
func (q *Queue) Run(ctx context.Context) error {
	most := q.Hops.Connections()
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	r := &runner{
		q:            q,
		work:         make(chan *task, most),
		ended:        make(chan ending, most),
		answers:      make(chan *destination, most),
		destinations: make(map[string]*destination),
	}
	var workers sync.WaitGroup
	for range most {
		workers.Go(func() {
			var buf []byte
			for t := range r.work {
				r.ended <- ending{t, q.carryOut(hard, t, &buf)}
			}
		})
	}
	var reporter sync.WaitGroup
	reporter.Go(func() { q.report(ctx, hard) })

	r.run(ctx)
	q.Hops.Retire()
	deadline := time.AfterFunc(q.config.Drain, func() {
		cut()
		q.Hops.Sever()
	})
	defer deadline.Stop()
	r.giveBack(hard)
	close(r.work)
	for r.busy > 0 {
		r.settled(<-r.ended)
	}
	workers.Wait()
	reporter.Wait()
	q.Hops.Retire()
	return nil
}
