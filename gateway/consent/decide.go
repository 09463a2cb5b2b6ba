package consent

import (
	"context"
	"errors"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Wish is what a person wants of one list, or of all.
type Wish struct {
	List  string // canonical identifier, or store.AllLists
	State store.State
	Until time.Time       // of store.Paused
	Every store.Frequency // of store.Limited; of store.Paused what holds afterwards
}

// Decision is what a person decided at one moment. All of it is recorded or
// nothing.
type Decision struct {
	Recipient envelope.Address
	Wishes    []Wish
	// RefuseSharing, when set, says whether third-party lists are closed to
	// the person.
	RefuseSharing *bool
	// Signal says that the browser asked for it (Sec-GPC: 1).
	Signal bool
	// If, when set, is what the person saw. Decide fails with an error that
	// wraps store.ErrChanged when something else stands by now.
	If *store.Person
}

// LongestPause is how far ahead a pause may end.
const LongestPause = 2 * 366 * 24 * time.Hour

var (
	// ErrDate says that a pause ends in the past, or later than LongestPause.
	ErrDate = errors.New("not a date a pause can end at")
	// ErrWish says that a wish is none: an unknown state or frequency, or two
	// for one list.
	ErrWish = errors.New("not a wish")
)

// Decide records a decision. It returns the IDs of the events that were added:
// none when everything stood already. An error together with events says, as
// with [Consent.OptOut], that the decision is on disk, but that mail was being
// started and had not ended in time.
func (c *Consent) Decide(ctx context.Context, d Decision, way store.Way, ev Evidence) (events []int64, err error) {
	panic("to be built")
}

// Person returns all that is recorded about a recipient but the events.
func (c *Consent) Person(ctx context.Context, recipient envelope.Address) (store.Person, error) {
	panic("to be built")
}

// Explain records why a person left, in their own words or by a keyword. text
// is cut to 512 octets.
func (c *Consent) Explain(ctx context.Context, s Subject, text string, way store.Way, ev Evidence) error {
	panic("to be built")
}

// Erase forgets who a recipient is: what was chosen stays under a keyed hash,
// with all lists left; address, history, evidence and waiting list mail go. It
// returns when the address is in no file of the store any more, but for mail
// of no list that still waits. Repeating it is harmless.
func (c *Consent) Erase(ctx context.Context, recipient envelope.Address, way store.Way, ev Evidence) error {
	panic("to be built")
}
