// Package consent is the only place that changes what people chose, and the
// place that says whether mail may be sent to them.
//
// A change is its records with their events and evidence in one transaction,
// and repeating it is a success that changes nothing. A change that stops mail
// returns only after every attempt that began before it has sent MAIL
// writes to ([Consent.Start]): once its caller has answered, no attempt for
// that recipient and list begins any more. Then an event of its own says since
// when it is in force.
//
// Mail is judged twice: when it is accepted ([Consent.Verdict]) and directly
// before each attempt ([Consent.Admit]). Only the second counts against a
// limit: there a message takes the person's turn, in the store, so that of any
// number of attempts on any number of connections one gets it.
package consent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Changes records what people choose, and what else stops mail to them; see
// [store.Consent].
type Changes interface {
	Decide(ctx context.Context, c store.Change) (events []int64, err error)
	Suppress(ctx context.Context, s store.Suppression, e store.Event) (changed bool, err error)
	Unsuppress(ctx context.Context, s store.Suppression, e store.Event) (changed bool, err error)
}

// Bounces counts bounces; see [store.Consent].
type Bounces interface {
	CountBounce(ctx context.Context, b store.SoftBounce, e store.Event) (store.BounceRun, error)
	EndBounces(ctx context.Context, recipient string, delivered time.Time) (ended bool, err error)
}

// Erasure forgets people; see [store.Consent].
type Erasure interface {
	Erase(ctx context.Context, recipient string, e store.Event) error
	Scrub(ctx context.Context) error
}

// Ledger keeps events; see [store.Consent].
type Ledger interface {
	AddEvents(ctx context.Context, events ...store.Event) error
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
	Retire(ctx context.Context, before time.Time, e store.Event) (int64, error)
}

// Store changes what is recorded.
type Store interface {
	Changes
	Bounces
	Erasure
	Ledger
}

// Records reads what is recorded. It must see every change as soon as the
// method of Store that made it has returned.
type Records interface {
	Standing(ctx context.Context, recipient, list string) (store.Standing, error)
	Person(ctx context.Context, recipient string) (store.Person, error)
	Verified(ctx context.Context) error
}

// Turns keeps when people were sent mail; see [store.Consent].
type Turns interface {
	TakeTurn(ctx context.Context, t store.Turn) (ok, all bool, err error)
	GiveTurn(ctx context.Context, t store.Turn) error
	Sent(ctx context.Context, contacts ...store.Contact) error
}

// Lists knows the lists; see [store.Consent].
type Lists interface {
	List(ctx context.Context, id string) (store.List, error)
}

// Mail is what waits to be delivered; see [store.Spool].
type Mail interface {
	Forget(ctx context.Context, match func(address string) bool) (int, error)
}

// History is what became of mail; see [store.History].
type History interface {
	ForgetFates(ctx context.Context, person string) (int, error)
}

// Copies is mail that came back and is kept for the operator. Whoever is erased
// may be named in it.
type Copies interface {
	Empty() error
}

// Consent changes and reads choices and suppressions. All methods can be
// called by many goroutines. Store and Records must be set, Turns and Lists
// too where mail is judged, and a Consent must not be copied: every package
// shares the one that delivery starts attempts with.
type Consent struct {
	Config  Config
	Store   Store
	Records Records
	Turns   Turns
	Lists   Lists
	Mail    Mail             // nil: no mail waits
	History History          // nil: none is kept
	Copies  Copies           // nil: none are kept
	Imports Imports          // nil: nothing is imported
	Now     func() time.Time // nil: time.Now
	// Sure is the time by which records are old and pauses, limits and
	// suppressions end; see package clock. nil: Now.
	Sure func() time.Time
	// Latest is the time of a message that limits are measured from; nil: Now.
	Latest func() time.Time
	Log    *slog.Logger // nil: nothing is logged
	Stats  *Stats       // nil: not counted

	gate   gate
	counts counts
}

// Subject is the person and list that a change is about.
type Subject struct {
	Recipient envelope.Address
	List      string // canonical identifier, or store.AllLists
}

// Evidence is what is known about who asked. All fields may be empty; what is
// too long for an event is cut.
type Evidence struct {
	IP        string // of the client
	UserAgent string // of the client, cut to 256 bytes
	MessageID string // of the mail that asked
	Who       string // login or account, empty for the person
	// Since is when it was asked for elsewhere, where records are taken over
	// from another system; zero, or a time to come: now. The event has the
	// time at which it was recorded here.
	Since time.Time
}

// ErrSubject says that a change names nobody.
var ErrSubject = errors.New("no recipient")

// Standing returns all that is recorded about a recipient for one list and for
// all lists.
func (c *Consent) Standing(ctx context.Context, s Subject) (store.Standing, error) {
	if s.Recipient.IsNull() {
		return store.Standing{}, ErrSubject
	}
	st, err := c.Records.Standing(ctx, s.Recipient.Key(), s.List)
	if err != nil {
		return store.Standing{}, fmt.Errorf("standing: %w", err)
	}
	return st, nil
}

// Person returns all that is recorded about a recipient but the events.
func (c *Consent) Person(ctx context.Context, recipient envelope.Address) (store.Person, error) {
	if recipient.IsNull() {
		return store.Person{}, ErrSubject
	}
	p, err := c.Records.Person(ctx, recipient.Key())
	if err != nil {
		return store.Person{}, fmt.Errorf("person: %w", err)
	}
	return p, nil
}

// Verified waits until it is known whether the records are whole; before that
// [Consent.Admit] admits nobody.
func (c *Consent) Verified(ctx context.Context) error {
	if err := c.Records.Verified(ctx); err != nil {
		return fmt.Errorf("verify the records: %w", err)
	}
	return nil
}

// now is the time in the precision that records keep.
func (c *Consent) now() time.Time { return c.by(c.Now) }

// by is the time by a clock; nil: by Now.
func (c *Consent) by(clock func() time.Time) time.Time {
	switch {
	case clock == nil && c.Now == nil:
		clock = time.Now
	case clock == nil:
		clock = c.Now
	}
	return clock().UTC().Truncate(time.Microsecond)
}

// sure is the time that has come for certain.
func (c *Consent) sure() time.Time { return c.by(c.Sure) }

func (c *Consent) log() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	return slog.New(slog.DiscardHandler)
}
