package queue

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

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

// New returns a queue, or every error in c. A zero value in c means its default.
func New(c Config, p Parts) (*Queue, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Sure == nil {
		p.Sure = p.Now
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
	most, lanesMost := q.Hops.Connections(), 0
	if q.Hops.Direct() {
		lanesMost = LanesEach * most
		most += lanesMost
	}
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	r := &runner{
		q:            q,
		work:         make(chan *task, most),
		ended:        make(chan ending, most),
		answers:      make(chan *task, most),
		destinations: make(map[string]*destination),
		lanes:        lanes{most: lanesMost, trials: make(map[*task]*trial)},
	}
	var workers sync.WaitGroup
	for range most {
		workers.Go(func() {
			var buf []byte
			for t := range r.work {
				r.ended <- ending{t, q.process(hard, t, &buf)}
			}
		})
	}
	var reporter sync.WaitGroup // and who rechecks
	reporter.Go(func() { q.report(ctx, hard) })
	reporter.Go(func() { q.recheck(ctx) })

	if q.Verdicts.Verified(ctx) == nil {
		r.run(ctx)
	}
	q.Hops.Retire()
	deadline := time.AfterFunc(q.config.Drain, func() {
		cut()
		q.Hops.Sever()
	})
	defer deadline.Stop()
	r.returnLeases(hard)
	close(r.work)
	for r.running() > 0 {
		r.settled(<-r.ended)
	}
	workers.Wait()
	reporter.Wait()
	q.Hops.Retire()
	return nil
}
