package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"offramp/store/failpoint"
)

const (
	// roundPages is how many pages one round overwrites at most: that long the
	// writer is held up.
	roundPages = 256
	// lookPages is how many pages one round looks at.
	lookPages = 2048
	// keepPages is after how many pages it is kept how far a pass is. After a
	// crash they are looked at again; what is overwritten already is not again.
	keepPages = 8192
)

// overwriting is a pass through the free pages of the spool.
//
// It writes zeros into the leaves of the list of free pages, of which SQLite
// reads nothing, past SQLite and into the file itself: each page once, where a
// table that fills them would write each twice, grow the file by the mail that
// comes meanwhile, and owe all of it again after a crash. That is safe while
//
//   - the writer's goroutine does it and holds the lock for writing, so that
//     neither this process nor another one writes beside it;
//   - all of the log is copied back: then every reader sees the page as free, and
//     no copy of the page is put back over the zeros;
//   - the log was cut off when the pass began, and since then what becomes free
//     is overwritten in the log: then a crash puts nothing back either.
type overwriting struct {
	s     *Spool
	raw   rawFile
	size  int
	free  pageSet // when it began or went on
	next  uint32  // page
	kept  uint32  // next as it is in the file
	bytes []byte
}

// Its record is in the table meta while it goes on: the next page, 0 until it
// has begun.
const metaPass = "scrub"

// pass returns where a pass is, if one goes on.
func (s *Spool) pass(ctx context.Context) (next uint32, found bool, err error) {
	err = s.file.readers.do(ctx, func(c *conn) (err error) {
		next, found, err = readPass(c)
		return err
	})
	return next, found, err
}

func readPass(c *conn) (next uint32, found bool, err error) {
	found, err = c.one(selectMeta, func(r row) {
		if v := r.blob(0); len(v) == 4 {
			next = binary.BigEndian.Uint32(v)
		}
	}, metaPass)
	return next, found, err
}

func (s *Spool) putPass(ctx context.Context, next uint32) error {
	return s.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec(putMeta, metaPass, binary.BigEndian.AppendUint32(nil, next))
		return err
	}})
}

// secure has what becomes free overwritten while a pass goes on.
func secure(c *conn) error {
	_, found, err := readPass(c)
	if err != nil || !found {
		return err
	}
	return c.pragma("PRAGMA secure_delete = ON")
}

// overwrite begins a pass, or goes on with the one that was begun.
func (s *Spool) overwrite(ctx context.Context) (*overwriting, error) {
	raw, err := s.file.itself()
	if err != nil {
		return nil, err
	}
	o := &overwriting{s: s, raw: raw, size: pageSize(spoolFile)}
	next, found, err := s.pass(ctx)
	if err != nil {
		return nil, err
	}
	if !found {
		// First the record: with it every connection overwrites what it frees.
		if err := s.putPass(ctx, 0); err != nil {
			return nil, err
		}
	}
	_, _ = readFreelist(raw, o.size) // from the disk, before the writer waits for it
	if o.next = next; next > 0 {
		err = o.settled(ctx, func(*conn, *freelist) error { return nil })
	} else {
		err = o.begin(ctx)
	}
	o.kept = o.next
	return o, err
}

// begin cuts off the log, and overwrites what is not in use of the trunks.
func (o *overwriting) begin(ctx context.Context) error {
	err := o.s.file.patiently(ctx, func(c *conn) (bool, error) {
		if err := secure(c); err != nil {
			return false, err
		}
		return o.alone(c, func(c *conn) (bool, error) {
			if done, err := o.s.file.cut(c); err != nil || !done {
				return false, err
			}
			// The trunks as they were must not be written again from memory.
			return true, c.pragma("PRAGMA shrink_memory")
		}, func(_ *conn, list *freelist) error {
			for _, t := range list.trunks {
				if _, err := o.raw.WriteAt(make([]byte, o.size-t.used), int64(t.page-1)*int64(o.size)+int64(t.used)); err != nil {
					return fmt.Errorf("overwrite free page %d: %w", t.page, err)
				}
			}
			return nil
		})
	})
	if err == nil {
		err = o.sync(ctx)
	}
	if err != nil {
		return err
	}
	failpoint.Hit("scrub.begun")
	o.next = 2 // the first is never free
	return o.s.putPass(ctx, o.next)
}

// settled calls run with the list of free pages once all of the log is copied
// back, on the writer's goroutine.
func (o *overwriting) settled(ctx context.Context, run func(*conn, *freelist) error) error {
	return o.s.file.patiently(ctx, func(c *conn) (bool, error) {
		return o.alone(c, copiedBack, run)
	})
}

// alone has the log copied back, and calls run while no other program can write:
// what an operator's sqlite3 shell does meanwhile waits.
func (o *overwriting) alone(c *conn, copied func(*conn) (bool, error), run func(*conn, *freelist) error) (done bool, err error) {
	before, err := dataVersion(c)
	if err != nil {
		return false, err
	}
	if done, err := copied(c); err != nil || !done {
		return false, err
	}
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return false, unavailable(err)
	}
	defer func() { err = errors.Join(err, c.rollback()) }() // nothing was written
	if now, err := dataVersion(c); err != nil || now != before {
		return false, err // somebody wrote in between
	}
	return true, o.look(c, run)
}

// dataVersion changes when another connection commits.
func dataVersion(c *conn) (version int64, err error) {
	_, err = c.one("PRAGMA data_version", func(r row) { version = r.int(0) })
	return version, err
}

func (o *overwriting) look(c *conn, run func(*conn, *freelist) error) error {
	list, err := readFreelist(o.raw, o.size)
	if err != nil {
		return err
	}
	if o.free == nil {
		o.free = list.leaves
	}
	return run(c, list)
}

// left is how many bytes of free pages are still to be looked at.
func (o *overwriting) left() int64 { return o.free.count(o.next) * int64(o.size) }

// round looks at some pages and overwrites those that hold something.
func (o *overwriting) round(ctx context.Context) (wrote int64, err error) {
	pages, next, err := o.find()
	if err != nil {
		return 0, err
	}
	if len(pages) > 0 {
		if err := o.settled(ctx, func(_ *conn, list *freelist) (err error) {
			wrote, err = o.zero(pages, list)
			return err
		}); err != nil {
			return wrote, err
		}
		if err := o.sync(ctx); err != nil {
			return wrote, err
		}
	}
	failpoint.Hit("scrub.round")
	o.next = next
	if o.next < o.kept+keepPages {
		return wrote, nil
	}
	o.kept = o.next
	return wrote, o.s.putPass(ctx, o.next)
}

// find reads pages, beside the writer, and returns those that hold something
// and where the next round begins. A page that is used and free again by then
// was overwritten when it became free.
func (o *overwriting) find() (found []uint32, next uint32, err error) {
	page, looked := o.free.next(o.next), 0
	for page > 0 && looked < lookPages && len(found) < roundPages {
		n := o.run(page, min(64, lookPages-looked, roundPages-len(found)))
		o.bytes = append(o.bytes[:0], make([]byte, n*o.size)...)
		if _, err := o.raw.ReadAt(o.bytes, int64(page-1)*int64(o.size)); err != nil {
			return nil, 0, fmt.Errorf("read free page %d: %w", page, err)
		}
		for i := range n {
			if !zeros(o.bytes[i*o.size : (i+1)*o.size]) {
				found = append(found, page+uint32(i))
			}
		}
		looked += n
		page = o.free.next(page + uint32(n))
	}
	if page == 0 {
		page = uint32(len(o.free)) * 64 // behind the last
	}
	return found, page, nil
}

// run is how many pages in a row are free, from page on, at most most.
func (o *overwriting) run(page uint32, most int) int {
	n := 1
	for n < most && o.free.has(page+uint32(n)) {
		n++
	}
	return n
}

var nothing = make([]byte, 64<<10)

func zeros(b []byte) bool {
	return bytes.Equal(b, nothing[:len(b)])
}

// zero overwrites those of pages that are leaves of the list.
func (o *overwriting) zero(pages []uint32, list *freelist) (wrote int64, err error) {
	for len(pages) > 0 {
		n := 0
		for n < len(pages) && (n+1)*o.size <= len(nothing) && pages[n] == pages[0]+uint32(n) && list.leaves.has(pages[n]) {
			n++
		}
		if n > 0 {
			if _, err := o.raw.WriteAt(nothing[:n*o.size], int64(pages[0]-1)*int64(o.size)); err != nil {
				return wrote, fmt.Errorf("overwrite free page %d: %w", pages[0], err)
			}
			wrote += int64(n * o.size)
		}
		pages = pages[max(n, 1):]
	}
	return wrote, nil
}

// sync makes it durable. What failed to be is not taken for written, and the
// file is not trusted until it proved itself.
func (o *overwriting) sync(ctx context.Context) error {
	err := o.raw.Sync()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("overwrite free pages: %w: %w", errNotSynced, err)
	return errors.Join(err, o.s.file.alone(ctx, func(*conn) error { return err }))
}

// endPass ends the pass: what becomes free is left as it is again.
func (s *Spool) endPass(ctx context.Context) error {
	if err := s.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec(deleteMeta, metaPass)
		return err
	}}); err != nil {
		return err
	}
	return s.file.alone(ctx, func(c *conn) error { return c.pragma("PRAGMA secure_delete = " + secureDelete(spoolFile)) })
}

// alone runs f on the writer's connection outside a transaction.
func (f *file) alone(ctx context.Context, run func(*conn) error) error {
	return f.write(ctx, &op{run: run, alone: true})
}

// patiently runs f alone until it says that it is done: it is not while somebody
// reads what was before. Mail goes on meanwhile.
func (f *file) patiently(ctx context.Context, run func(*conn) (done bool, err error)) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		done := false
		if err := f.alone(ctx, func(c *conn) (err error) {
			done, err = run(c)
			return err
		}); err != nil || done {
			return err
		}
		if !pause(ctx, wait, nil) {
			return ctx.Err()
		}
	}
}

// truncate copies the log back and cuts it off.
func (f *file) truncate(ctx context.Context) error { return f.patiently(ctx, f.cut) }

// cutPatience is how long the writer is held up for readers when the log is cut.
const cutPatience = 20 // milliseconds

// cut copies the log back and cuts it off, unless somebody still reads it.
func (f *file) cut(c *conn) (done bool, err error) {
	if err := c.pragma(fmt.Sprint("PRAGMA busy_timeout = ", cutPatience)); err != nil {
		return false, err
	}
	_, err = c.one("PRAGMA wal_checkpoint(TRUNCATE)", func(r row) { done = r.int(0) == 0 })
	return done, errors.Join(err, c.pragma(fmt.Sprint("PRAGMA busy_timeout = ", f.busy.Milliseconds())))
}

// copiedBack copies the log back, and says whether all of it is in the file.
func copiedBack(c *conn) (all bool, err error) {
	for _, how := range []string{"NOOP", "PASSIVE"} {
		if _, err = c.one("PRAGMA wal_checkpoint("+how+")", func(r row) { all = r.int(0) == 0 && r.int(1) == r.int(2) }); err != nil || all {
			return all, err
		}
	}
	return false, nil
}
