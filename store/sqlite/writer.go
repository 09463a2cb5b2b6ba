package sqlite

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"offramp/store"
	"offramp/store/failpoint"
)

// writer owns the writing connection of one file and the goroutine that uses it.
type writer struct {
	dsn string
	// setup is run on each new connection before its first batch.
	setup func(*conn) error
	// settle, when set, is called at the end of each transaction, within it.
	settle func(*conn) error
	// kept, when set, is called after each transaction that was kept.
	kept func()
	// rolledBack, when set, is called when a transaction was not kept.
	rolledBack func()
	log        *slog.Logger
	name       string
	// checkpointPages is how long the log may grow before it is copied back.
	checkpointPages int64

	commits atomic.Int64 // transactions that were kept
	trust   trust
	// running is held for as long as a transaction takes.
	running sync.Mutex

	mu      sync.Mutex
	waiting []*op
	closed  bool
	wake    chan struct{} // holds one token when there is something to do
	ended   chan struct{}

	// Of the goroutine alone:
	c       *conn // nil: to be opened
	batches int
	stuck   bool // the last checkpoint failed and was logged
	full    bool // a batch found no space: checkpoint the log, however short it is
}

// start opens the connection and starts the goroutine; close ends both.
func (w *writer) start() error {
	w.wake = make(chan struct{}, 1)
	w.ended = make(chan struct{})
	if err := w.open(); err != nil {
		return err
	}
	go w.loop()
	return nil
}

func (w *writer) open() error {
	c, err := openConn(w.dsn)
	if err != nil {
		return err
	}
	// Checkpoints are ours to time: between batches, not inside a COMMIT
	// that sessions wait for. What the log needs it keeps on disk, so that a
	// full volume still has space for the deletions that empty it.
	for _, p := range []string{"PRAGMA wal_autocheckpoint = 0", "PRAGMA journal_size_limit = 67108864", "PRAGMA temp_store = MEMORY"} {
		if err := c.pragma(p); err != nil {
			return errors.Join(err, c.close())
		}
	}
	if err := w.setup(c); err != nil {
		return errors.Join(err, c.close())
	}
	w.c = c
	return nil
}

// close waits for what is enqueued, empties the log and closes the connection.
func (w *writer) close() error {
	w.mu.Lock()
	already := w.closed
	w.closed = true
	w.mu.Unlock()
	if !already {
		close(w.wake)
	}
	<-w.ended
	if already || w.c == nil {
		return nil
	}
	// Readers are closed by now; what cannot be copied back stays in the log
	// and is found there by the next start.
	if err := w.c.pragma("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		w.log.Warn("write-ahead log not checkpointed at the end", "file", w.name, "error", err)
	}
	return w.c.close()
}

func (w *writer) loop() {
	defer close(w.ended)
	for open := true; open; {
		_, open = <-w.wake
		for batch, more := w.take(); more; batch, more = w.take() {
			w.commit(batch)
			w.guard(w.checkpoint)
		}
	}
}

// commit answers every op of batch. Most batches are one transaction. When
// one op fails after it wrote something, or there is no space for all of them
// together, each gets a transaction of its own, so that none harms another.
func (w *writer) commit(batch []*op) {
	if len(batch) == 0 {
		return
	}
	if batch[0].alone {
		w.answer(batch, w.outside(batch[0]))
		return
	}
	again, err := w.transaction(batch)
	if err == nil || !again || len(batch) == 1 {
		w.answer(batch, err)
		return
	}
	for i := range batch {
		_, err := w.transaction(batch[i : i+1])
		w.answer(batch[i:i+1], err)
	}
}

// answer reports to the callers of ops; err, when set, is that of all of them.
func (w *writer) answer(ops []*op, err error) {
	w.full = w.full || errors.Is(err, store.ErrFull)
	for _, o := range ops {
		if err != nil {
			o.err = err
		}
		if o.err == nil && o.committed != nil {
			w.guard(o.committed)
		}
		close(o.done)
	}
}

// guard runs f, which touches what is kept in memory. After a panic that may
// be wrong; opening the connection again reads it again.
func (w *writer) guard(f func()) {
	defer func() {
		if p := recover(); p != nil && w.c != nil {
			w.distrust(fmt.Errorf("panic after a commit: %v", p))
		}
	}()
	f()
}

// transaction runs ops in one transaction. When it returns an error nothing
// was kept, and again says whether one op alone may succeed. An op that
// failed before it wrote anything has its own error in op.err and does no harm.
func (w *writer) transaction(ops []*op) (again bool, err error) {
	if err := w.reopen(); err != nil {
		return false, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: panic: %v", store.ErrUnavailable, p)
			w.distrust(err)
		} else if err != nil {
			w.undo(err)
		}
	}()
	w.running.Lock()
	defer w.running.Unlock()
	if _, err := w.c.exec("BEGIN IMMEDIATE"); err != nil {
		w.trust.failed()
		return false, unavailable(err)
	}
	if err := w.runAll(ops); err != nil {
		return true, err
	}
	if w.settle != nil {
		if err := w.settle(w.c); err != nil {
			return true, err
		}
	}
	failpoint.Hit(w.name + ".commit")
	if _, err := w.c.exec("COMMIT"); err != nil {
		w.trust.failed()
		return errors.Is(err, store.ErrFull) && !distrusts(err), unavailable(err)
	}
	failpoint.Hit(w.name + ".committed")
	w.commits.Add(1)
	w.trust.kept()
	if w.kept != nil {
		w.kept()
	}
	return false, nil
}

// between waits until the transaction that runs, if one does, is over.
func (w *writer) between() {
	w.running.Lock()
	defer w.running.Unlock()
}

// outside runs an op outside a transaction.
func (w *writer) outside(o *op) error {
	if err := w.reopen(); err != nil {
		return err
	}
	err := run(o.run, w.c)
	if distrusts(err) {
		w.distrust(err)
	}
	return err
}

// runAll runs ops, and before those that free what others add. It returns an
// error when the transaction cannot go on.
func (w *writer) runAll(ops []*op) error {
	for _, o := range ops {
		o.wrote, o.err = false, nil
		if o.before == nil {
			continue
		}
		if err := w.runOne(o, o.before); err != nil {
			return err
		}
		o.wrote = w.c.written > 0
	}
	for _, o := range ops {
		if o.err != nil {
			continue
		}
		if err := w.runOne(o, o.run); err != nil {
			return err
		}
	}
	return nil
}

// runOne runs one op, or its beginning. It returns an error when the transaction
// cannot go on.
func (w *writer) runOne(o *op, part func(*conn) error) error {
	w.c.written = 0
	o.err = run(part, w.c)
	if o.err == nil || !o.wrote && w.c.written == 0 && !w.c.c.AutoCommit() && !distrusts(o.err) {
		return nil
	}
	return o.err
}

// run calls part of an op and turns a panic into an error, so that the faulty
// operation fails alone.
func run(part func(*conn) error, c *conn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a database operation: %v", p)
		}
	}()
	return mapped(part(c))
}

// undo rolls back, and drops a connection that cannot be trusted any more.
func (w *writer) undo(cause error) {
	if w.rolledBack != nil {
		w.rolledBack()
	}
	if err := w.c.rollback(); err != nil || distrusts(cause) {
		w.distrust(errors.Join(cause, err))
	}
}

func (w *writer) distrust(cause error) {
	w.trust.lost(cause)
	w.log.Error("database connection closed after an error", "file", w.name, "error", cause)
	if err := w.c.close(); err != nil {
		w.log.Warn("database connection did not close", "file", w.name, "error", err)
	}
	w.c = nil
}

// unavailable marks errors of opening and beginning, after which nothing was
// tried and the same call may succeed later.
func unavailable(err error) error {
	for _, s := range []error{store.ErrUnavailable, store.ErrFull, store.ErrDamaged} {
		if errors.Is(err, s) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}
