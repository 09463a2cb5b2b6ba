package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"offramp/store"
)

const (
	// lookEvery is how often it is looked which consumers there are: other nodes and
	// commands change them, too.
	lookEvery = 5 * time.Second
	// headEvery is the wait after a store that does not answer.
	headEvery = time.Second
)

// running is a consumer that is being sent events.
type running struct {
	version int64
	wake    chan struct{} // holds a token when there are new events
	stop    context.CancelFunc
	stopped bool
}

// Run sends events until ctx ends. It returns when everything that was being sent has
// ended, and what was acknowledged is recorded.
func (o *Outbox) Run(ctx context.Context) error {
	o.begin()
	if _, err := io.ReadFull(o.Random, o.holder[:]); err != nil {
		return fmt.Errorf("%w: %w", errHolder, err)
	}
	m := &manager{o: o, running: map[string]*running{}, ended: make(chan string), rest: map[string]rest{}}
	var watching sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil { // after a panic, too: without it nothing new would be sent
			o.guard("watch the ledger", func() { m.watch(ctx) })
			rests(ctx)
		}
	})
	m.run(ctx)
	watching.Wait()
	return nil
}

// guard logs a panic.
func (o *Outbox) guard(what string, f func()) {
	defer func() {
		if cause := recover(); cause != nil {
			o.Log.Error("panic in the outbox", "while", what, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
	}()
	f()
}

// rest is until when a consumer is left alone that could not be followed, unless it is
// changed.
type rest struct {
	until   time.Time
	version int64
}

// manager starts and stops what sends events to each consumer.
type manager struct {
	o     *Outbox
	ended chan string // name of a consumer whose goroutine ended
	wg    sync.WaitGroup

	mu      sync.Mutex
	running map[string]*running
	rest    map[string]rest
	silent  bool // something is wrong with the store, which was logged
}

func (m *manager) run(ctx context.Context) {
	timer := time.NewTicker(lookEvery)
	defer timer.Stop()
	for {
		m.look(ctx)
		select {
		case <-ctx.Done():
			m.end()
			return
		case <-timer.C:
		case <-m.o.changed:
		case name := <-m.ended:
			m.forget(name)
		}
	}
}

// end waits for all goroutines, whose context has ended.
func (m *manager) end() {
	done := make(chan struct{})
	go func() {
		m.wg.Wait()
		close(done)
	}()
	for {
		select {
		case <-m.ended:
		case <-done:
			return
		}
	}
}

func (m *manager) forget(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if one := m.running[name]; one != nil {
		if !one.stopped {
			m.rest[name] = rest{m.o.Now().Add(lookEvery), one.version}
		}
		one.stop()
		delete(m.running, name)
	}
}

// look starts what is to run and stops what is not, or was changed.
func (m *manager) look(ctx context.Context) {
	all, missing, err := m.o.all(ctx)
	fault := errors.Join(missing, err)
	if fault != nil && !m.silent && ctx.Err() == nil {
		m.o.Log.Error("consumers of events cannot be read or added", "error", fault)
	}
	if m.silent = fault != nil; err != nil {
		return
	}
	m.o.Stats.see(all)
	m.mu.Lock()
	defer m.mu.Unlock()
	there := map[string]bool{}
	for _, c := range all {
		_, known := m.o.Kinds[c.Kind]
		there[c.Name] = known && c.State == store.ConsumerActive && !c.Damaged
		one := m.running[c.Name]
		switch {
		case one != nil && !one.stopped && (one.version != c.Version || !there[c.Name]):
			one.stopped = true
			one.stop()
		case one == nil && there[c.Name] && (m.rest[c.Name].version != c.Version || !m.rest[c.Name].until.After(m.o.Now())):
			m.start(ctx, c)
		}
	}
	maps.DeleteFunc(m.rest, func(_ string, r rest) bool { return !r.until.After(m.o.Now()) })
	for name, one := range m.running {
		if !there[name] && !one.stopped {
			one.stopped = true
			one.stop()
		}
	}
}

// start sends events to a consumer in a goroutine of its own.
func (m *manager) start(ctx context.Context, c store.Consumer) {
	ctx, stop := context.WithCancel(ctx)
	one := &running{version: c.Version, wake: make(chan struct{}, 1), stop: stop}
	m.running[c.Name] = one
	delete(m.rest, c.Name)
	m.wg.Go(func() {
		m.o.guard("send events to "+c.Name, func() { m.o.follow(ctx, c.Name, one.wake) })
		m.ended <- c.Name
	})
}

// rests waits for a moment after something went wrong.
func rests(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(headEvery):
	}
}

// watch wakes everything that runs when there are new events.
func (m *manager) watch(ctx context.Context) {
	last := int64(0)
	for ctx.Err() == nil {
		head, err := m.o.Ledger.AwaitEvents(ctx, last)
		if err != nil {
			rests(ctx)
		}
		last = max(last, head)
		m.o.Stats.heard(last)
		m.mu.Lock()
		for _, one := range m.running {
			select {
			case one.wake <- struct{}{}:
			default:
			}
		}
		m.mu.Unlock()
	}
}
