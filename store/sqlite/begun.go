package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"offramp/store"
)

// ErrHalf says that people's choices are gone and mail that waits is not. No repair
// brings them back.
var ErrHalf = fmt.Errorf("%w: %s is missing or empty beside %s, and without it nobody's opt-out is known", store.ErrDamaged, consentFile, spoolFile)

// Begun says whether a folder has data. The error ErrHalf, which wraps store.ErrDamaged,
// says that the file of people's choices is gone from beside queued mail: it is made
// first, so it was there, and mail must not go to who opted out. The other way
// round nobody is harmed by going on, but mail may have been lost.
func Begun(dir string) (bool, error) {
	people, err := sizeOf(dir, consentFile)
	mail, mailErr := sizeOf(dir, spoolFile)
	if err := errors.Join(err, mailErr); err != nil {
		return false, err
	}
	if people == 0 && mail > 0 {
		return false, ErrHalf
	}
	return people > 0, nil
}

// sizeOf is the size of a file that may be missing.
func sizeOf(dir, name string) (int64, error) {
	info, err := os.Stat(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// whole refuses data of which the half is gone that must be there.
func whole(o Options) error {
	begun, err := Begun(o.Dir)
	if err != nil {
		return err
	}
	mail, err := sizeOf(o.Dir, spoolFile)
	if begun && mail == 0 && err == nil {
		o.Log.Warn("the file of waiting mail is missing or empty beside the file of choices; the queue starts empty. If mail was queued, stop and restore the file", "file", spoolFile)
	}
	return err
}

// hollow refuses a file of choices without any table where there must be one: to
// make the tables would start anew without anybody's opt-out. A crash while the
// folder was being made leaves such a file, but no queue beside it.
func hollow(ctx context.Context, f *file, o Options) error {
	mail, err := sizeOf(o.Dir, spoolFile)
	if err != nil || mail == 0 && !o.Existing {
		return err
	}
	tables := int64(0)
	err = f.readers.do(ctx, func(c *conn) error {
		_, err := c.one("SELECT count(*) FROM sqlite_master", func(r row) { tables = r.int(0) })
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", f.path, unavailable(err))
	case tables > 0:
		return nil
	case mail > 0:
		return ErrHalf
	}
	return fmt.Errorf("%s: %w: %s has no tables, and without them nobody's opt-out is known: restore it, or run `offramp init --data` in a new installation", o.Dir, store.ErrNotFound, consentFile)
}
