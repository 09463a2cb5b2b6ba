package store

import (
	"context"
	"time"
)

// Target is where the system that sends a list takes a person's opt-out from
// it: what stood in the List-Unsubscribe field of its own mail.
type Target struct {
	Recipient string
	List      string
	URI       string    // http or https for a one-click POST (RFC 8058), or mailto; at most [MaxTarget] bytes
	Since     time.Time // of the message it stood in
}

// MaxTarget is the longest URI of a target, in bytes.
const MaxTarget = 2000

// Targets is what an engine keeps of the senders' own ways out.
//
// There is at most one for each person and list. They are no records of what a
// person wants: nothing is stopped or sent because of them. [Consent.Erase]
// removes a person's targets in its transaction, and [Consent.Retire] those that
// are older than the events that it removes. [Consent.Person] returns them.
type Targets interface {
	// KeepTargets makes targets durable, all of them in one transaction, before
	// the mail leaves that takes their place. One whose Since is not before that
	// of the one recorded replaces it. Keeping what is there already, with a Since
	// that is less than a day later, writes nothing. Of a person who was erased
	// nothing is kept, which is no error.
	KeepTargets(ctx context.Context, targets ...Target) error
	// TargetsOf returns a person's target for list, or all of them by list for
	// [AllLists].
	TargetsOf(ctx context.Context, recipient, list string) ([]Target, error)
}
