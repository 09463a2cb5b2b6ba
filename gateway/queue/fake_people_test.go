package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"offramp/gateway/envelope"
	"offramp/store"
)

// people is the consent room: verdicts, lists and events, and the order in
// which it was asked.
type people struct {
	mu       sync.Mutex
	dropped  map[string]store.Reason // by address
	err      error
	panics   bool
	lists    map[string]store.List
	lost     string // list that is not in the store
	events   []store.Event
	steps    []string
	open     int
	asked    map[string]string // list by address
	onAsk    func()
	eventErr error
	ended    map[string][]store.Outcome // by holder
	endErr   error
	codes    map[string]store.Code // that were kept, by address
	codeErr  error
	unkept   string        // address of a person who was erased
	limited  string        // address of a person who wants one message
	turn     string        // who has their turn
	doubtful string        // address of a person whose records are damaged
	verified chan struct{} // nil: they are
}

func (p *people) note(step string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, step)
}

func (p *people) Start(a envelope.Address) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, "start")
	p.open++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.steps = append(p.steps, "done")
		p.open--
	})
}

func (p *people) Verified(ctx context.Context) error {
	if p.verified == nil {
		return nil
	}
	select {
	case p.verified <- struct{}{}: // somebody waits
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-p.verified:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *people) Admit(_ context.Context, a envelope.Address, list, holder string) (store.Verdict, func(context.Context, store.Outcome) error, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.panics {
		panic("verdict")
	}
	p.steps = append(p.steps, "verdict")
	if p.asked == nil {
		p.asked = make(map[string]string)
	}
	p.asked[a.String()] = list
	if p.err != nil {
		return store.Verdict{}, nil, p.err
	}
	if p.doubtful == a.String() {
		return store.Verdict{}, nil, fmt.Errorf("verdict: %w: %w", store.ErrUncertain, store.ErrDamaged)
	}
	if p.onAsk != nil {
		p.onAsk()
	}
	if reason, drop := p.dropped[a.String()]; drop {
		return store.Verdict{Drop: true, Reason: reason}, nil, nil
	}
	if p.limited == a.String() {
		if p.turn != "" && p.turn != holder {
			return store.Verdict{Drop: true, Reason: store.ReasonLimited}, nil, nil
		}
		p.turn = holder
	}
	return store.Verdict{}, func(_ context.Context, o store.Outcome) error { return p.end(holder, o) }, nil
}

// end notes how an attempt ended.
func (p *people) end(holder string, o store.Outcome) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.endErr; err != nil {
		p.endErr = nil
		return err
	}
	if p.ended == nil {
		p.ended = make(map[string][]store.Outcome)
	}
	p.ended[holder] = append(p.ended[holder], o)
	if o == store.NotSent && p.turn == holder {
		p.turn = ""
	}
	return nil
}

func (p *people) outcomes(holder string) []store.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ended[holder])
}

func (p *people) KeepCode(_ context.Context, c store.Code) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, "code")
	if p.codeErr != nil || c.Address == p.unkept {
		return false, p.codeErr
	}
	if p.codes == nil {
		p.codes = make(map[string]store.Code)
	}
	p.codes[c.Address] = c
	return true, nil
}

func (p *people) List(_ context.Context, id string) (store.List, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return store.List{}, p.err
	}
	if id == p.lost {
		return store.List{}, fmt.Errorf("list %s: %w", id, store.ErrNotFound)
	}
	l, ok := p.lists[id]
	if !ok {
		l = store.List{ID: id}
	}
	return l, nil
}

func (p *people) AddEvents(_ context.Context, events ...store.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.eventErr != nil {
		err := p.eventErr
		if !errors.Is(err, store.ErrDamaged) { // which lasts
			p.eventErr = nil
		}
		return err
	}
	for _, e := range events {
		if !slices.ContainsFunc(p.events, func(o store.Event) bool { return o.Once == e.Once }) {
			p.events = append(p.events, e)
		}
	}
	return nil
}
