package sqlite

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"offramp/store"
)

// errClosed is what operations get after Close.
var errClosed = fmt.Errorf("%w: closed", store.ErrUnavailable)

// errNotSynced is that what was written into a file may not be on the disk.
var errNotSynced = fmt.Errorf("%w: not synced", store.ErrUnavailable)

// mapped wraps err in the sentinel of package store that says to a caller what
// it can do about it. Errors that carry a sentinel already stay as they are.
func mapped(err error) error {
	if err == nil {
		return nil
	}
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	sentinel := sentinelOf(e)
	if sentinel == nil || errors.Is(err, sentinel) {
		return err
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}

func sentinelOf(e sqlite3.Error) error {
	switch e.Code {
	case sqlite3.ErrFull:
		return store.ErrFull
	case sqlite3.ErrIoErr:
		// A full volume shows here when it is the fsync that finds out.
		if e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT {
			return store.ErrFull
		}
		return store.ErrUnavailable
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrReadonly, sqlite3.ErrCantOpen,
		sqlite3.ErrNomem, sqlite3.ErrInterrupt, sqlite3.ErrProtocol, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return store.ErrUnavailable
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrFormat:
		return store.ErrDamaged
	}
	return nil
}

// distrusts reports whether err means that the connection must not be used
// again: after a failed fsync the kernel may have thrown the pages away, so a
// second fsync that succeeds proves nothing (fsyncgate, 2018).
func distrusts(err error) bool {
	if errors.Is(err, errNotSynced) {
		return true
	}
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrCantOpen, sqlite3.ErrReadonly, sqlite3.ErrNomem:
		return true
	}
	return false
}
