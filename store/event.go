package store

import "time"

// Way is how a change reached Offramp.
type Way string

// The ways of a change.
const (
	OneClick  Way = "one-click" // RFC 8058 POST
	Page      Way = "page"      // the recipient page's form
	Confirmed Way = "confirmed" // the link of a mail that asked for confirmation
	Mail      Way = "mail"      // mail to an address of the feedback domain
	Operator  Way = "operator"  // command line or admin listener
	Relay     Way = "relay"     // verdict on acceptance
	Delivery  Way = "delivery"  // verdict or result of an attempt
	Hook      Way = "hook"      // reported by the smarthost that delivers
	Imported  Way = "import"    // taken over from a file
)

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	EventUnsubscribed   EventKind = "unsubscribed"
	EventResubscribed   EventKind = "resubscribed"    // to mail without a limit
	EventPaused         EventKind = "paused"          // Detail: until when
	EventLimited        EventKind = "limited"         // Detail: day, week or month
	EventInForce        EventKind = "in-force"        // what event Ref asked for holds for every attempt from Time on
	EventSharingRefused EventKind = "sharing-refused" // Detail: whether the browser asked for it (Sec-GPC)
	EventSharingAllowed EventKind = "sharing-allowed"
	EventReason         EventKind = "reason" // why the person left, in Detail
	EventSuppressed     EventKind = "suppressed"
	EventUnsuppressed   EventKind = "unsuppressed"
	EventErased         EventKind = "erased"       // Recipient is the keyed hash, Detail says which events were emptied
	EventRetired        EventKind = "retired"      // events up to Ref left the ledger, being older than the retention
	EventAsked          EventKind = "asked"        // a mail asked for confirmation, see Detail
	EventTyped          EventKind = "typed"        // a code was typed, right or wrong, that such a mail holds; Detail: for what
	EventDropped        EventKind = "dropped"      // one recipient of one message, see Reason
	EventFailed         EventKind = "failed"       // one recipient of one message, see Detail
	EventBounced        EventKind = "bounced"      // mail to the address came back or was refused, see Detail
	EventComplained     EventKind = "complained"   // mail was reported; Detail: as what
	EventAnswered       EventKind = "answered"     // a machine answered mail, and nothing follows from it; Detail: how
	EventProposed       EventKind = "proposed"     // a reply asks for an opt-out without proof of who wrote it
	EventNotified       EventKind = "notified"     // the sender's own system took opt-out Ref, which does not prove that it heeds it; Detail: what was called, and its answer
	EventNotNotified    EventKind = "not-notified" // it did not, and is not asked again; Detail: as of EventNotified
)

// EventKinds returns every kind.
func EventKinds() []EventKind {
	return []EventKind{
		EventUnsubscribed, EventResubscribed, EventPaused, EventLimited, EventInForce, EventSharingRefused, EventSharingAllowed,
		EventReason, EventSuppressed, EventUnsuppressed, EventErased, EventRetired, EventAsked, EventTyped, EventDropped, EventFailed,
		EventBounced, EventComplained, EventAnswered, EventProposed,
		EventNotified, EventNotNotified,
	}
}

// Event is one thing that happened to one recipient, with its evidence.
// Events are only ever added. Together they are the ledger, see [Entry].
type Event struct {
	ID        int64 // given by the engine: 1, 2, 3 and so on
	Time      time.Time
	Kind      EventKind
	Recipient string // lookup key; of an erased person the keyed hash
	List      string
	Way       Way
	Reason    Reason
	Ref       int64  // ID of the event this one is about; 0: none
	QueueID   string // of the message dropped or failed
	MessageID string // Message-ID of that message, or of the mail that opted out
	IP        string // of the client that asked
	UserAgent string // of the client that asked, at most 256 bytes
	Who       string // login or account that asked, empty for the person
	Detail    string // e.g. the next hop's reply, at most 512 bytes
	// Once, when set, makes adding an event idempotent: a second event with
	// the same value is not added, which is not an error. It is not returned.
	Once string
}

// EventFilter selects events. Zero fields select everything.
type EventFilter struct {
	After     int64     // only events with a greater ID
	Before    int64     // only events with a smaller ID; 0: all
	Since     time.Time // may leave out what was recorded before an event of a time more than an hour earlier
	Recipient string
	List      *string
	Kinds     []EventKind
	Latest    bool // newest first, and so the newest where Limit cuts
	Limit     int  // 0: 1000
}

// OptOut is an opt-out with what is known of its enforcement.
type OptOut struct {
	Event   Event     // of kind EventUnsubscribed
	InForce time.Time // zero: not known
}

// Reader is another system that follows the events and reports how far it came.
type Reader struct {
	Name    string // 1 to 64 characters
	Through int64  // ID of the last event it has taken over
	Since   time.Time
}
