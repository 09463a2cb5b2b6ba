package sqlite

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"offramp/store"
)

// inspection is what is known of damage to the queue's file.
type inspection struct {
	alarm alarm
	last  atomic.Pointer[inspected] // nil: the first has not ended
	ended chan struct{}             // closed once the first was tried
	stop  func()                    // nil: nothing runs
}

// inspected is how an inspection ended.
type inspected struct {
	text string // what was found; empty: nothing
	told int64  // records found damaged when they were needed, before it began
}

// inspectAgain is how long after an inspection that failed the next one is.
const inspectAgain = 10 * time.Minute

// inspectAlways has the file examined until close.
func (s *Spool) inspectAlways() {
	s.inspection.stop = background(s.inspection.alarm.log, "the file of queued mail was examined", s.inspecting)
}

func (s *Spool) close() error {
	if s.inspection.stop != nil {
		s.inspection.stop()
	}
	if s.history.stop != nil {
		s.history.stop()
	}
	return s.file.close()
}

// inspecting examines the file at once and then daily. It ends with ctx.
func (s *Spool) inspecting(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		wait := reverify
		if err := s.inspect(ctx); err != nil && ctx.Err() == nil {
			s.inspection.alarm.log.Error("the file of queued mail cannot be examined", "file", spoolFile, "error", err)
			wait = inspectAgain
		}
		if first {
			close(s.inspection.ended)
		}
		pause(ctx, wait, nil)
	}
}

// inspect examines the file once, on a connection of its own: it takes none from
// who delivers.
func (s *Spool) inspect(ctx context.Context) error {
	i := &s.inspection
	told, begun := i.alarm.count.Load(), time.Now()
	e, err := s.examineFile(ctx)
	text := e.text()
	if unreadable(err) {
		text, err = "it cannot be read", nil
	}
	if err != nil {
		return err
	}
	i.last.Store(&inspected{text: text, told: told})
	if text != "" {
		i.alarm.log.Error("damage in the file of queued mail, what can be read is delivered: stop the server and run `offramp repair`", "file", spoolFile, "damage", text)
		return nil
	}
	i.alarm.log.Debug("the file of queued mail is examined", "file", spoolFile, "all", !e.partly, "duration", time.Since(begun))
	return nil
}

func (s *Spool) examineFile(ctx context.Context) (e examined, err error) {
	c, err := openConn(s.file.readers.dsn)
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return examine(ctx, c, s.now())
}

// damaged counts and logs what was found damaged when it was needed.
func (s *Spool) damaged(err error) {
	s.inspection.alarm.needed("queued mail is damaged, and is held or left as it is", spoolFile, err)
}

// Inspected waits until the file was examined once, or could not be.
func (s *Spool) Inspected(ctx context.Context) error {
	return await(ctx, s.inspection.ended)
}

// Integrity says what is known of damage to queued mail.
func (s *Spool) Integrity() store.Integrity {
	i := store.Integrity{Found: s.inspection.alarm.count.Load()}
	told := int64(0)
	if last := s.inspection.last.Load(); last != nil {
		i.Verified, i.Damage, told = true, last.text, last.told
	}
	if i.Damage == "" && i.Found > told {
		i.Damage = "queued mail was found damaged when it was to be delivered"
	}
	return i
}
