package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"offramp/store"
)

// Salvaged is what Salvage did.
type Salvaged struct {
	// Damaged says that spool.db was damaged; without it nothing was changed.
	Damaged bool
	// Kept is how many messages were whole and are in the new file.
	Kept int
	// Lost are the others.
	Lost []Lost
	// Old is where the damaged file is now.
	Old string
}

// Lost is a message that was not whole, as far as it can be read.
type Lost struct {
	ID         string   // queue id; empty: not legible
	Sender     string   // reverse-path
	Recipients []string // those that got nothing, as far as they are legible
	Why        string
}

// salvageDir is where the new file is made, in the data folder.
const salvageDir = "spool.salvage"

// Salvage makes a new spool.db of every whole message of a damaged one, which
// stays beside it under another name. No server may have the folder open: else
// the error is store.ErrInUse. Cut off at any moment, it can be called again: the
// new file takes the place of the other in one step.
func Salvage(ctx context.Context, o Options) (done Salvaged, err error) {
	o = o.withDefaults()
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return done, err
	}
	lock, err := acquire(filepath.Join(o.Dir, lockFile))
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	path := filepath.Join(o.Dir, spoolFile)
	if _, err := os.Stat(path); err != nil {
		return done, fmt.Errorf("%s: %w: %w", path, store.ErrNotFound, err)
	}
	whole, err := sound(ctx, path, o)
	if err != nil || whole {
		return done, err
	}
	done.Damaged = true
	fresh := filepath.Join(o.Dir, salvageDir)
	if err := errors.Join(os.RemoveAll(fresh), os.Mkdir(fresh, 0o700)); err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }()
	if err := rebuild(ctx, path, fresh, o, &done); err != nil {
		return done, fmt.Errorf("salvage: %w", err)
	}
	done.Old, err = replace(path, filepath.Join(fresh, spoolFile), o.Now().UTC().Format("20060102T150405Z"))
	return done, err
}

// sound says whether a file is whole: its structure, and whose mail its rows say
// there is. Bodies are not read: each has its own checksum.
func sound(ctx context.Context, path string, o Options) (whole bool, err error) {
	c, err := openConn(dsn(path, forWriting, o.BusyTimeout))
	if errors.Is(err, store.ErrDamaged) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	whole = true
	err = c.query("PRAGMA integrity_check(1)", func(r row) error {
		whole = whole && r.text(0) == "ok"
		return nil
	})
	if err == nil {
		_, err = schemaOf(c)
	}
	// What an earlier release left has no checksums before the first start.
	if sealed, _ := hasSeals(c); err == nil && whole && sealed {
		e := examined{}
		err = errors.Join(e.recipients(ctx, c, o.Now()), e.messages(ctx, c))
		whole = e.text() == ""
	}
	if unreadable(err) {
		return false, nil
	}
	return whole, err
}

// hasSeals says whether recipients have checksums.
func hasSeals(c *conn) (has bool, err error) {
	_, err = c.one("SELECT count(*) FROM pragma_table_info('recipients') WHERE name = 'seal'", func(r row) { has = r.bool(0) })
	return has, err
}

// unreadable says whether err is about what was read: a page that makes no
// sense, or a sector that the disk does not give.
func unreadable(err error) bool {
	var e sqlite3.Error
	return errors.Is(err, store.ErrDamaged) ||
		errors.As(err, &e) && (e.ExtendedCode == sqlite3.ErrIoErrRead || e.ExtendedCode == sqlite3.ErrIoErrShortRead)
}

func isConstraint(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrConstraint
}

// rebuild reads the damaged file into a new one.
func rebuild(ctx context.Context, path, fresh string, o Options, done *Salvaged) (err error) {
	into := o
	into.Dir = fresh
	f, err := openFile(ctx, into, spoolFile)
	if err != nil {
		return err
	}
	to := newSpool(f, into)
	defer func() { err = errors.Join(err, f.close()) }()
	if err := to.start(ctx); err != nil {
		return err
	}
	from, err := openDamaged(ctx, path, fresh, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	g := &salvage{from: from, to: to, done: done, ids: make(map[int64]string), found: make(map[int64][]store.Recipient)}
	if g.sealed, err = hasSeals(from); err != nil {
		return err
	}
	return g.run(ctx)
}

// openDamaged opens the damaged file. Where its first page makes no sense, a
// copy of it gets that of a new file: all spools have their tables in the same
// places.
func openDamaged(ctx context.Context, path, fresh string, o Options) (*conn, error) {
	c, err := openConn(dsn(path, forWriting, o.BusyTimeout))
	if err == nil {
		if _, err = c.one("SELECT count(*) FROM sqlite_schema", func(row) {}); err == nil {
			return c, nil
		}
		err = errors.Join(err, c.close())
	}
	if !unreadable(err) {
		return nil, err
	}
	work := filepath.Join(fresh, "copy")
	if err := os.Mkdir(work, 0o700); err != nil {
		return nil, err
	}
	f, err := openFile(ctx, Options{Dir: work}.withDefaults(), spoolFile)
	if err != nil {
		return nil, err
	}
	if err := f.close(); err != nil {
		return nil, err
	}
	copied := filepath.Join(work, spoolFile)
	first := make([]byte, pageSize(spoolFile))
	if err := readFirst(copied, first); err != nil {
		return nil, err
	}
	if err := copyFile(path, copied); err != nil {
		return nil, err
	}
	if err := putFirst(copied, first); err != nil {
		return nil, err
	}
	return openConn(dsn(copied, forWriting, o.BusyTimeout))
}

// replace puts the new file in the place of the damaged one, which it keeps.
func replace(path, with, when string) (old string, err error) {
	// What was in the log of the damaged file is in the file by now, or it would
	// be put into the new one.
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return "", fmt.Errorf("%w: %s-wal cannot be copied back: copy the data folder to another disk, and repair it there", store.ErrDamaged, path)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	old = path + ".damaged-" + when
	if err := errors.Join(os.Link(path, old), os.Rename(with, path)); err != nil {
		return "", err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return old, err
	}
	return old, errors.Join(dir.Sync(), dir.Close())
}
