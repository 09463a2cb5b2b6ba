package sqlite

import (
	"context"
	"slices"
	"sync/atomic"
)

// maxBatch bounds one transaction: bytes of its operations.
const maxBatch = 8 << 20

// op is one operation that waits for its commit.
type op struct {
	// run makes the change inside a transaction. It may be called again after
	// a rollback, so it must set what it returns each time.
	run func(*conn) error
	// committed, when set, is called in commit order before the caller gets
	// its answer, and only after COMMIT returned.
	committed func()
	// alone has run called outside a transaction, for what cannot be in one.
	alone bool
	// frees says that run deletes. Of one batch such ops come last: a page that
	// is freed and used again in one transaction would keep what was in it behind
	// what is put there.
	frees bool
	// before, when set, is called in the same transaction, and before any op
	// frees: what an op that deletes adds as well.
	before func(*conn) error
	wrote  bool // before did
	cost   int  // bytes
	state  atomic.Int32
	err    error
	done   chan struct{}
}

// The states of an op.
const (
	opWaits int32 = iota
	opBegun
	opWithdrawn
)

// do has run made durable and returns its error, or that of the commit. When
// ctx ends before the operation was started, it never is; after that do waits
// for the outcome.
func (w *writer) do(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.done = make(chan struct{})
	if err := w.enqueue(o); err != nil {
		return err
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		if o.state.CompareAndSwap(opWaits, opWithdrawn) {
			return ctx.Err()
		}
		<-o.done
	}
	return o.err
}

// later has o made durable without waiting for it.
func (w *writer) later(o *op) error {
	o.done = make(chan struct{})
	return w.enqueue(o)
}

func (w *writer) enqueue(o *op) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	w.waiting = append(w.waiting, o)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return nil
}

// take removes the next batch from those that wait. more is false when
// nothing waited; a batch can be empty when its callers gave up.
func (w *writer) take() (batch []*op, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	cost, n := 0, 0
	for ; n < len(w.waiting) && (n == 0 || cost+w.waiting[n].cost <= maxBatch && !w.waiting[n].alone); n++ {
		o := w.waiting[n]
		if n > 0 && w.waiting[n-1].alone {
			break
		}
		if o.state.CompareAndSwap(opWaits, opBegun) {
			batch = append(batch, o)
			cost += o.cost
		}
	}
	rest := copy(w.waiting, w.waiting[n:])
	clear(w.waiting[rest:])
	w.waiting = w.waiting[:rest]
	slices.SortStableFunc(batch, func(a, b *op) int {
		switch {
		case a.frees == b.frees:
			return 0
		case b.frees:
			return -1
		}
		return 1
	})
	return batch, n > 0
}
