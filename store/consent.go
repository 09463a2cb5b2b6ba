package store

import (
	"context"
	"time"
)

// AllLists is the scope of a choice or suppression that holds for every list.
const AllLists = ""

// List is what a person leaves: one stream of bulk mail (RFC 2919).
type List struct {
	ID            string // canonical identifier (listunsub.CanonicalID), never empty
	Key           uint64 // listunsub.ListKey(ID): the short form in mailto addresses
	Name          string // for people; empty: the ID stands for it
	Description   string // one plain sentence for the recipient page
	Transactional bool   // exempt: mail of this list is never opted out of
	Created       time.Time
}

// State is what a person chose for a scope.
type State string

// The states of a choice. No record means that the person chose nothing.
const (
	Subscribed   State = "subscribed"
	Unsubscribed State = "unsubscribed"
)

// Way is how a change reached Offramp.
type Way string

// The ways of a change.
const (
	OneClick Way = "one-click" // RFC 8058 POST
	Page     Way = "page"      // the recipient page's form
	Mail     Way = "mail"      // mail to an opt-out address
	Operator Way = "operator"  // command line or admin listener
	Relay    Way = "relay"     // verdict on acceptance
	Delivery Way = "delivery"  // verdict or result of an attempt
)

// Choice is a person's own wish for one list or for [AllLists].
type Choice struct {
	Recipient string
	List      string
	State     State
	Since     time.Time
	Way       Way
}

// Reason is why mail is not sent to a recipient.
type Reason string

// The reasons of suppressions and of dropped recipients.
const (
	ReasonUnsubscribed    Reason = "unsubscribed"     // by choice, from the list
	ReasonUnsubscribedAll Reason = "unsubscribed-all" // by choice, from all lists
	ReasonManual          Reason = "manual"           // by the operator
	ReasonBounced         Reason = "bounced"          // the address is dead
	ReasonComplained      Reason = "complained"       // reported as spam
)

// Suppression stops mail to a recipient for a cause that is not the person's
// own choice. A recipient can have several, one for each scope and reason.
type Suppression struct {
	Recipient string
	List      string
	Reason    Reason // ReasonManual, ReasonBounced or ReasonComplained
	Since     time.Time
	Note      string
}

// Standing is all that is recorded about one recipient for one list.
type Standing struct {
	Choices      []Choice      // for the list and for AllLists, at most one each
	Suppressions []Suppression // for the list and for AllLists
}

// Verdict says whether a message may be sent to a recipient.
type Verdict struct {
	Drop   bool
	Reason Reason // set when Drop
}

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	EventUnsubscribed EventKind = "unsubscribed"
	EventResubscribed EventKind = "resubscribed"
	EventSuppressed   EventKind = "suppressed"
	EventUnsuppressed EventKind = "unsuppressed"
	EventDropped      EventKind = "dropped" // one recipient of one message, see Reason
	EventFailed       EventKind = "failed"  // one recipient of one message, see Detail
)

// Event is one thing that happened to one recipient, with its evidence.
// Events are only ever added.
type Event struct {
	ID        int64 // given by the engine, growing
	Time      time.Time
	Kind      EventKind
	Recipient string
	List      string
	Way       Way
	Reason    Reason
	QueueID   string // of the message dropped or failed
	MessageID string // Message-ID of that message, or of the mail that opted out
	IP        string // of the client that asked
	UserAgent string // of the client that asked, at most 256 octets
	Who       string // login or account that asked, empty for the person
	Detail    string // e.g. the next hop's reply, at most 512 octets
	// Once, when set, makes adding an event idempotent: a second event with
	// the same value is not added and is no error.
	Once string
}

// EventFilter selects events. Zero fields select everything.
type EventFilter struct {
	After     int64 // only events with a greater ID
	Since     time.Time
	Recipient string
	List      *string
	Kind      EventKind
	Limit     int // 0: 1000
}

// RecordFilter selects choices and suppressions. Zero fields select everything.
type RecordFilter struct {
	Recipient string
	List      *string
	After     string // only recipients that sort after this key
	Limit     int    // 0: 1000
}

// Consent is what an engine keeps about people's wishes.
type Consent interface {
	// EnsureList returns the list with l.ID, adding l when there is none.
	EnsureList(ctx context.Context, l List) (List, error)
	// List returns one list or ErrNotFound.
	List(ctx context.Context, id string) (List, error)
	// ListByKey returns the list with that short key or ErrNotFound.
	ListByKey(ctx context.Context, key uint64) (List, error)
	// Lists returns all lists by ID.
	Lists(ctx context.Context) ([]List, error)
	// UpdateList replaces name, description and transactional mark of the
	// list with l.ID, or returns ErrNotFound.
	UpdateList(ctx context.Context, l List) error

	// SetChoice makes c the choice for its recipient and list and adds e, in
	// one transaction. When c.State stands already, nothing is written and
	// changed is false.
	SetChoice(ctx context.Context, c Choice, e Event) (changed bool, err error)
	// Suppress adds s and e in one transaction; changed is false, and nothing
	// written, when recipient, list and reason are recorded already.
	Suppress(ctx context.Context, s Suppression, e Event) (changed bool, err error)
	// Unsuppress removes the suppression with s's recipient, list and reason
	// and adds e; changed is false, and nothing written, when there is none.
	Unsuppress(ctx context.Context, s Suppression, e Event) (changed bool, err error)
	// Standing returns what is recorded for recipient about list and AllLists.
	Standing(ctx context.Context, recipient, list string) (Standing, error)
	// Choices and Suppressions return records by recipient, then list.
	Choices(ctx context.Context, f RecordFilter) ([]Choice, error)
	Suppressions(ctx context.Context, f RecordFilter) ([]Suppression, error)

	// AddEvents adds all events in one transaction.
	AddEvents(ctx context.Context, events ...Event) error
	// Events returns events by ID.
	Events(ctx context.Context, f EventFilter) ([]Event, error)
}
