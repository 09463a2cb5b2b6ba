package store

import (
	"context"
	"time"
)

// RecordFilter selects choices and suppressions. Zero fields select everything.
type RecordFilter struct {
	Recipient string
	List      *string
	After     string // only recipients that sort after this key
	Limit     int    // 0: 1000
}

// Change is what a person decided at one moment: all of it is recorded or
// nothing. Each part comes with its event.
type Change struct {
	Choices []ChoiceChange
	Sharing *SharingChange // nil: not decided about
	// If, when set, is what the caller saw: nothing is changed when the
	// person's choices and sharing differ from it by now.
	If *Person
}

// ChoiceChange is one choice of a [Change].
type ChoiceChange struct {
	Choice Choice
	Event  Event
}

// SharingChange is the sharing of a [Change].
type SharingChange struct {
	Sharing Sharing
	Event   Event
}

// Consent is what an engine keeps about people's wishes.
//
// A recipient is named by lookup key. Once [Consent.Erase] was called for one,
// the engine keeps and finds everything about that person under a keyed hash
// of the key instead, whichever of the two it is asked with: the key itself is
// in no record any more, also not in those that are added later.
type Consent interface {
	Durable
	// EnsureList returns the list with l.ID, adding l when there is none.
	EnsureList(ctx context.Context, l List) (List, error)
	// List returns one list or ErrNotFound.
	List(ctx context.Context, id string) (List, error)
	// ListByKey returns the list with that short key or ErrNotFound.
	ListByKey(ctx context.Context, key uint64) (List, error)
	// Lists returns all lists by ID.
	Lists(ctx context.Context) ([]List, error)
	// ListsShown returns what the page of a person shows: the lists with those IDs,
	// whichever there are, and every public one, each once; and whether any list
	// at all is a third party's.
	ListsShown(ctx context.Context, ids []string) (shown []List, thirdParty bool, err error)
	// UpdateList replaces all of the list with l.ID but ID, key and creation,
	// or returns ErrNotFound.
	UpdateList(ctx context.Context, l List) error

	// Decide records a change in one transaction. A part that asks for what
	// stands already writes nothing and adds no event; the IDs of the events
	// that were added are returned, in the order choices then sharing. It
	// returns ErrChanged, with nothing written, when c.If does not hold.
	Decide(ctx context.Context, c Change) (events []int64, err error)
	// Suppress adds s and e in one transaction; changed is false, and nothing
	// written, when recipient, list and reason are recorded already for as long
	// as s asks for, or when the event is by its Once: what was lifted since is
	// not stopped again by what stopped it before. A longer s prolongs what is
	// recorded; where that has ended at e.Time, s takes its place.
	Suppress(ctx context.Context, s Suppression, e Event) (changed bool, err error)
	// Unsuppress removes the suppression with s's recipient, list and reason
	// and adds e; changed is false, and nothing written, when there is none.
	// With ReasonBounced the recipient's run of bounces ends too.
	Unsuppress(ctx context.Context, s Suppression, e Event) (changed bool, err error)
	// CountBounce adds e and counts b in one transaction, as [BounceRun.After]
	// says, and returns the run. An event that is there already by its Once
	// counts nothing, nor does a bounce of a person who was erased.
	CountBounce(ctx context.Context, b SoftBounce, e Event) (BounceRun, error)
	// EndBounces ends the recipient's run of bounces when the last of them that
	// counted is not later than delivered, the time at which mail arrived. It
	// returns whether there was such a run; without one nothing is written.
	EndBounces(ctx context.Context, recipient string, delivered time.Time) (ended bool, err error)
	// Standing returns what is recorded for recipient about list and AllLists,
	// with the suppressions of patterns that fit it, also those that have ended.
	// It returns ErrUncertain where what is recorded is damaged, or some of it was
	// lost; what a person asks for is recorded all the same.
	Standing(ctx context.Context, recipient, list string) (Standing, error)
	// Person returns all that is legible for recipient, by list, and after that
	// the suppressions of patterns that fit it.
	Person(ctx context.Context, recipient string) (Person, error)
	// Choices and Suppressions return records by recipient, then list.
	Choices(ctx context.Context, f RecordFilter) ([]Choice, error)
	Suppressions(ctx context.Context, f RecordFilter) ([]Suppression, error)

	// Verified waits until the engine has verified its records once; before that
	// a Standing is Unverified. It returns an error only when ctx ends.
	Verified(ctx context.Context) error
	// Integrity says what the engine knows of damage to its records.
	Integrity() Integrity

	// Sent counts mail that was delivered: Count is added, First and Last
	// widen what is recorded. A run of bounces learns of the first mail after
	// it.
	Sent(ctx context.Context, contacts ...Contact) error
	// FirstSent returns when mail of list was delivered to recipient for the first
	// time; zero: never, or not any more, see [Consent.Retire] and
	// [Consent.Erase].
	FirstSent(ctx context.Context, recipient, list string) (time.Time, error)
	// TakeTurn makes t the last message of its person and list, in one
	// transaction. ok is false, and nothing written, when another holder's
	// message was sent or is being sent less than t.Each before t.At in the
	// list, or less than t.All before it in any list; all then says which
	// limit it was. A message of long after t.At, by a clock that was wrong,
	// counts as sent at t.At, from then on.
	TakeTurn(ctx context.Context, t Turn) (ok, all bool, err error)
	// GiveTurn undoes the last TakeTurn of the same recipient, list and holder,
	// since that attempt certainly did not send the message. A holder that had
	// the turn before that TakeTurn keeps it: an earlier attempt, of which
	// nothing more is known, may have sent the message.
	GiveTurn(ctx context.Context, t Turn) error

	// KeepCode makes a code and its recipient durable, before mail that bears the
	// code leaves. Keeping what is there already writes nothing. kept is false
	// when the person was erased: the code would find nobody, so it must not
	// leave. Codes stay for as long as the data does.
	KeepCode(ctx context.Context, c Code) (kept bool, err error)
	// AddressOfCode returns the address that a code was kept with, empty when the
	// person was erased, or ErrNotFound.
	AddressOfCode(ctx context.Context, id [16]byte) (address string, err error)

	// Erase forgets who recipient is: choices, suppressions and sharing stay
	// under the keyed hash, with all lists unsubscribed; notes, contacts, targets, bounces,
	// the contents of the person's events, and recipient and address of the
	// person's codes go. e is added under the hash, with
	// its Detail filled in by [ErasedDetail]. Repeating it erases what came
	// since. The key is in no record any more; its bytes are overwritten by the
	// [Scrubber], which Erase and Scrub ask for that.
	Erase(ctx context.Context, recipient string, e Event) error
	// Scrub asks for all to be overwritten that was erased or has left the spool
	// before. It is durable: a crash does not forget it.
	Scrub(ctx context.Context) error
	// Hash is the keyed hash of a lookup key, for partners and for erased
	// people: it has no "@".
	Hash(recipient string) string

	// AddEvents adds all events in one transaction.
	AddEvents(ctx context.Context, events ...Event) error
	// Events returns events by ID. Emptied ones are left out.
	Events(ctx context.Context, f EventFilter) ([]Event, error)
	// OptOuts returns opt-outs after the event with that ID and not before
	// since, by ID.
	OptOuts(ctx context.Context, since time.Time, after int64, limit int) ([]OptOut, error)
	// Entries returns the ledger by ID, after the entry with that ID.
	Entries(ctx context.Context, after int64, limit int) ([]Entry, error)
	// Head returns how far the ledger reaches.
	Head(ctx context.Context) (Head, error)
	// Retire removes events, contacts, targets and bounces older than before, adding e
	// when events went, with Ref and Detail saying up to which and its link. It
	// returns how many records went, 0 at the end: one call does a bounded part
	// of the work. Suppressions that ended before then go too. Choices, other
	// suppressions, sharing and codes stay.
	Retire(ctx context.Context, before time.Time, e Event) (int64, error)

	// ClockSeen returns what SeeClock recorded last: the newest time that was
	// believed of the machine's clock. Where nothing is recorded it is the time of
	// the newest record; zero: there is none.
	ClockSeen(ctx context.Context) (time.Time, error)
	// SeeClock records a time in the place of the one before.
	SeeClock(ctx context.Context, t time.Time) error

	// AddTraffic adds to what is counted of the mail that passed. Rows whose last
	// message is before since go. Of a person who was erased only the
	// domain is kept, and so of everybody where there are very many rows.
	AddTraffic(ctx context.Context, since time.Time, rows ...Traffic) error
	// Traffic returns rows of traffic: first those of unmarked mail that opt-outs
	// stopped, then those with the most messages; limit 0: 1000.
	Traffic(ctx context.Context, limit int) ([]Traffic, error)
	// EarlierStream returns the default stream that data was served with by
	// releases that had no other; empty for data that is newer.
	EarlierStream(ctx context.Context) (string, error)

	// Acknowledge records how far a reader came; it never goes back.
	Acknowledge(ctx context.Context, r Reader) error
	// Readers returns all readers by name.
	Readers(ctx context.Context) ([]Reader, error)
	// Dismiss forgets a reader, or returns ErrNotFound.
	Dismiss(ctx context.Context, name string) error
}

// Integrity is what an engine knows of damage to records: to those that stop mail,
// or to queued mail.
type Integrity struct {
	Verified bool   // all records were verified since the start
	Damage   string // what is wrong; empty: nothing that is known
	Stopped  bool   // nobody can say whom it concerns: nobody is sent list mail
	Found    int64  // records found damaged or lost when they were needed
}

// Repaired is what a repair of damaged records did.
type Repaired struct {
	Corrected  int64    // records put back, which their checksums prove
	FromLedger int64    // records that stop mail, added from the ledger
	Guards     int64    // checksums made anew over records that are whole
	Stopped    []string // people of whom more may be lost: stopped for all lists
	Lists      []string // lists that are no longer exempt and count as sent for others, until the operator says again
	Unnamed    int64    // people whose names are legible nowhere: whoever they are, they are sent nothing
	Integrity  Integrity
}
