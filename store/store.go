// Package store names the records Offramp keeps and what an engine promises
// about them. An engine (store/sqlite) implements every method of [Consent]
// and [Spool]; the rooms above declare the one to three methods they use.
//
// Rules every engine keeps, and store/storetest checks:
//
//   - A method that changes something returns nil only when the change is on
//     disk. A change is whole or absent, also after kill -9 and power loss.
//   - Times are kept to the microsecond and returned in UTC.
//   - Recipient in a record of [Consent] is the lookup key of an address
//     (gateway/envelope), never its spelling (that is in Code.Address alone);
//     in a record of [Spool] it is the spelling that goes on the wire.
//   - Errors wrap one of the sentinels below where a caller can act on it.
package store

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound says that the record asked for does not exist.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable says that the engine cannot answer now and that the same
	// call may succeed later: locked, read-only, connection lost, I/O error.
	ErrUnavailable = errors.New("store unavailable")
	// ErrFull says that there is no space left. Nothing was kept.
	ErrFull = errors.New("store full")
	// ErrDamaged says that what was read is not what was written.
	ErrDamaged = errors.New("record damaged")
	// ErrMessage says that one message of the spool is not what was written, while
	// its file can be read. It wraps ErrDamaged; an ErrDamaged that is no
	// ErrMessage is about a file, whatever was asked for.
	ErrMessage = fmt.Errorf("message: %w", ErrDamaged)
	// ErrUncertain says that records which stop mail are damaged or lost, and that
	// what is asked depends on them: nothing may be sent until they are repaired.
	// What a person asks for can still be recorded.
	ErrUncertain = errors.New("records that stop mail are damaged")
	// ErrNewer says that a newer release wrote the data, so this one must not.
	ErrNewer = errors.New("data written by a newer release")
	// ErrOlder says that an older release wrote the data, which is only read now
	// and so not brought up to date.
	ErrOlder = errors.New("data written by an older release")
	// ErrChanged says that what was to be changed is not what the caller saw.
	ErrChanged = errors.New("changed meanwhile")
	// ErrKey says that the key for hashes of people is not the one the data was
	// created with, so that nobody who had everything erased would be recognised.
	ErrKey = errors.New("not the key of the data")
	// ErrHeld says that somebody else has the lease.
	ErrHeld = errors.New("held by another")
	// ErrInUse says that another process serves from the same data.
	ErrInUse = errors.New("data in use by another process")
)
