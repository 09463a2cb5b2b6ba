package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"offramp/store"
)

// trust is whether a file keeps what it is given. After a failed fsync the
// kernel may have thrown away what was written, and a second fsync that succeeds
// proves nothing about the first. So nothing more is taken until a new connection
// has written the log into the file again and made a change of its own durable.
type trust struct {
	mu     sync.Mutex
	faults int64
	fault  error     // why the file is not trusted; nil: it is
	again  time.Time // when it is tried next
	last   time.Time // when a change was last made durable
}

// trustAgain is how long to wait after the file failed to prove itself.
const trustAgain = time.Second

func (t *trust) kept() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
	t.fault = nil
}

// failed counts a transaction that was not kept.
func (t *trust) failed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults++
}

// lost ends the trust.
func (t *trust) lost(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault = cause
	t.last = time.Time{}
}

// wait puts the next try off.
func (t *trust) wait(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults++
	t.fault, t.again = cause, time.Now().Add(trustAgain)
}

// tried returns the fault, if it is too early to try again.
func (t *trust) tried() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fault != nil && time.Now().Before(t.again) {
		return t.fault
	}
	return nil
}

func (t *trust) state() (faults int64, last time.Time, fault error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.faults, t.last, t.fault
}

// reopen opens the connection that was closed after an error, once the file has
// proved itself. Until then nothing is taken.
func (w *writer) reopen() error {
	if w.c != nil {
		return nil
	}
	if err := w.trust.tried(); err != nil {
		return unavailable(err)
	}
	err := w.open()
	if err == nil {
		err = w.prove()
	}
	if err != nil {
		if w.c != nil {
			err = errors.Join(err, w.c.close())
			w.c = nil
		}
		err = unavailable(fmt.Errorf("%s: not trusted: %w", w.name, err))
		w.trust.wait(err)
		return err
	}
	w.trust.kept()
	w.log.Info("database connection reopened", "file", w.name)
	return nil
}

// prove writes all that the log holds into the file again, and makes a change
// of its own durable.
func (w *writer) prove() error {
	if _, err := w.c.one("PRAGMA wal_checkpoint(PASSIVE)", func(row) {}); err != nil {
		return err
	}
	if _, err := w.c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := note(w.c); err != nil {
		return errors.Join(err, w.c.rollback())
	}
	if _, err := w.c.exec("COMMIT"); err != nil {
		return errors.Join(err, w.c.rollback())
	}
	return nil
}

const metaReady = "ready"

// note makes the small change by which a file shows that it keeps what it is given.
func note(c *conn) error {
	var n uint64
	if _, err := c.one(selectMeta, func(r row) {
		if v := r.blob(0); len(v) == 8 {
			n = binary.BigEndian.Uint64(v)
		}
	}, metaReady); err != nil {
		return err
	}
	_, err := c.exec(putMeta, metaReady, binary.BigEndian.AppendUint64(nil, n+1))
	return err
}

// readyFor is how long a change that was made durable shows that others can be.
const readyFor = time.Second

// ready implements store.Durable.
func (f *file) ready(ctx context.Context) error {
	if f.writer == nil {
		return errReadOnly
	}
	if _, last, fault := f.writer.trust.state(); fault == nil && time.Since(last) < readyFor {
		return nil
	}
	return f.write(ctx, &op{run: note})
}

func (f *file) health() store.Health {
	if f.writer == nil {
		return store.Health{}
	}
	faults, _, fault := f.writer.trust.state()
	return store.Health{Commits: f.writer.commits.Load(), Faults: faults, Trusted: fault == nil}
}

// Ready says whether mail can be kept.
func (s *Spool) Ready(ctx context.Context) error { return fail("ready", s.file.ready(ctx)) }

// Health counts what spool.db kept.
func (s *Spool) Health() store.Health { return s.file.health() }

// Ready says whether choices can be kept.
func (s *Consent) Ready(ctx context.Context) error { return fail("ready", s.file.ready(ctx)) }

// Health counts what offramp.db kept.
func (s *Consent) Health() store.Health { return s.file.health() }
