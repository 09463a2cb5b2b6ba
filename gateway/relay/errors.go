package relay

import (
	"errors"

	"offramp/gateway/mime"
)

// Why a message is refused for good. Everything else that Accept returns is
// temporary: the client keeps the message and tries again.
var (
	// ErrLoop says that the message has passed more servers than it should.
	ErrLoop = errors.New("too many hops")
	// ErrTooLarge says that the message is over MaxMessageSize.
	ErrTooLarge = errors.New("message too large")
	// ErrHeaderTooLarge says that the header, one field of it, or the number
	// of its fields is over the limit.
	ErrHeaderTooLarge = mime.ErrHeaderTooLarge
	// ErrBareNewline says that a CR or LF stood alone, with BareNewline=reject.
	ErrBareNewline = mime.ErrBareNewline
	// ErrNUL says that the message holds a NUL where none can be carried.
	ErrNUL = mime.ErrNUL
	// ErrAllSuppressed says that nobody is left to send to, with
	// Suppressed=reject.
	ErrAllSuppressed = errors.New("every recipient is suppressed")
)

// ErrMailboxFull says that strangers sent as much to the postmaster as they may in
// a day. It is temporary.
var ErrMailboxFull = errors.New("too much mail to postmaster today")

// Permanent says whether err means that the same message would be refused
// again.
func Permanent(err error) bool {
	for _, target := range []error{ErrLoop, ErrTooLarge, ErrHeaderTooLarge, ErrBareNewline, ErrNUL, ErrAllSuppressed} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
