package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/store"
)

// truncate copies the log back and cuts it off. A reader that still needs the
// log makes it wait; mail goes on meanwhile.
func (f *file) truncate(ctx context.Context) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		busy := true
		err := f.alone(ctx, func(c *conn) error {
			_, err := c.one("PRAGMA wal_checkpoint(TRUNCATE)", func(r row) { busy = r.int(0) != 0 })
			return err
		})
		if err == nil && !busy {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(err, ctx.Err())
		}
	}
}

// alone runs f on the writer's connection outside a transaction.
func (f *file) alone(ctx context.Context, run func(*conn) error) error {
	return f.write(ctx, &op{run: run, alone: true})
}

// The pages that are free hold what was in them until they are used again.
// They are used once, by a table that is emptied at once, with everything that
// is deleted overwritten.
const (
	freePages    = "PRAGMA freelist_count"
	makeScratch  = "CREATE TABLE IF NOT EXISTS scratch (data BLOB)"
	fillScratch  = "INSERT INTO scratch (data) VALUES (zeroblob(?))"
	emptyScratch = "DELETE FROM scratch WHERE rowid = (SELECT min(rowid) FROM scratch)"
	dropScratch  = "DROP TABLE IF EXISTS scratch"
	perScrub     = 1024 // pages in one transaction, so that mail is not held up
)

// Scrub overwrites what has left the spool.
func (s *Spool) Scrub(ctx context.Context) error {
	if err := s.scrub(ctx); err != nil {
		return fail("scrub", err)
	}
	return nil
}

func (s *Spool) scrub(ctx context.Context) error {
	select {
	case s.scrubs <- struct{}{}:
		defer func() { <-s.scrubs }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// What is freed from here on is overwritten too, until the end.
	if err := s.secure(ctx, "ON"); err != nil {
		return err
	}
	var left int64
	if err := s.file.alone(ctx, func(c *conn) error {
		_, err := c.one(freePages, func(r row) { left = r.int(0) })
		return err
	}); err != nil {
		return err
	}
	if err := s.wipe(ctx, left); err != nil {
		return errors.Join(err, s.secure(context.WithoutCancel(ctx), "FAST"))
	}
	if err := s.secure(ctx, "FAST"); err != nil {
		return err
	}
	return s.file.truncate(ctx)
}

// wipe uses so many free pages and frees them again. All are used before the
// first is freed, since a page that was wiped must not be taken twice.
func (s *Spool) wipe(ctx context.Context, pages int64) (err error) {
	if pages == 0 {
		return nil
	}
	defer func() {
		err = errors.Join(err, s.step(context.WithoutCancel(ctx), 0, func(c *conn) error {
			_, err := c.exec(dropScratch)
			return err
		}))
	}()
	size := int64(pageSize(spoolFile))
	rows := 0
	for ; pages > 0; rows++ {
		n := min(pages, perScrub)
		pages -= n
		if err := s.step(ctx, n*size, func(c *conn) error {
			if _, err := c.exec(makeScratch); err != nil {
				return err
			}
			_, err := c.exec(fillScratch, n*(size-4))
			return err
		}); err != nil {
			return err
		}
	}
	for range rows {
		if err := s.step(ctx, perScrub*size, func(c *conn) error {
			_, err := c.exec(emptyScratch)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spool) step(ctx context.Context, cost int64, run func(*conn) error) error {
	if err := s.file.write(ctx, &op{cost: int(cost), run: run}); err != nil {
		return fmt.Errorf("overwrite free pages: %w", err)
	}
	return nil
}

func (s *Spool) secure(ctx context.Context, mode string) error {
	return s.file.alone(ctx, func(c *conn) error { return c.pragma("PRAGMA secure_delete = " + mode) })
}
