package store

import (
	"context"
	"time"
)

// End is how a message ended for one recipient.
type End string

// The ends. A recipient that is still in the queue has none.
const (
	EndDelivered End = "delivered" // the next hop took it
	EndDropped   End = "dropped"   // a verdict stopped it, see Fate.Reason
	EndBounced   End = "bounced"   // it failed for good, see the last of Fate.Tries
	EndRemoved   End = "removed"   // the operator took it out of the queue
)

// Fate is what became of one message for one recipient. It has nothing of the
// message's text.
type Fate struct {
	QueueID     string
	MessageID   string
	ReversePath string // empty: the null reverse-path
	List        string // empty: transactional
	Client      string // address of the client it came from
	Login       string // name the client authenticated with
	Accepted    time.Time
	Recipient   string // wire form

	End    End            // empty: it is in the queue
	Ended  time.Time      // zero: it is in the queue
	Reason Reason         // of EndDropped
	Bounce string         // queue id of the bounce of EndBounced; empty: none was due
	State  RecipientState // in the queue
	Next   time.Time      // of the next attempt, in the queue

	Attempts int // that ended
	// Tries are the attempts with what was answered, oldest first: the first and
	// the last few. Attempts in a row with one answer are one Try.
	Tries []Try
}

// Try is an attempt, or several in a row that had one answer.
type Try struct {
	First, Last time.Time
	Count       int
	Status      Status
}

// The bounds of Fate.Tries.
const (
	MostTries    = 6   // the first, and the last five
	MostTryReply = 200 // bytes of Status.Text
)

// Stopped is a recipient that was dropped when its message was accepted.
type Stopped struct {
	Recipient Recipient // Address, Person and Erased alone
	Reason    Reason
}

// FateFilter selects fates. One of Person, QueueID and MessageID is given; of
// several, all have to fit.
type FateFilter struct {
	Person    string // lookup key of the recipient
	QueueID   string
	MessageID string
	Since     time.Time // accepted then or later; zero: all
	Before    int64     // where the answer before ended, see Fates.More; 0: begin
	Limit     int       // 0: 100
}

// Fates is an answer of [History].
type Fates struct {
	// Fates are those in the queue, newest first, then those that ended, the
	// last first.
	Fates []Fate
	// More is where the next answer begins; 0: that was all.
	More int64
	// From is since when fates are known: of what ended before then some or all
	// have gone.
	From time.Time
	// Damaged is how many records were met that cannot be read.
	Damaged int
}

// History is what became of mail. An engine records it with the mail itself: what
// ends a recipient in the spool ([Spool.Settle], [Spool.Report],
// [Spool.Act]) leaves its fate in the same transaction, so that one is found
// as long as it is kept, in the queue or after it, also after a crash.
type History interface {
	// Note records recipients that were dropped when the message was accepted. It
	// does not wait until that is durable: a crash may lose what was noted in the
	// last moments, of which the ledger has its events.
	Note(ctx context.Context, m *Message, stopped ...Stopped) error
	// Fates finds what became of mail. Its cost grows with what is found, not with
	// what is kept.
	Fates(ctx context.Context, f FateFilter) (Fates, error)
	// ForgetFates erases what became of mail to a person, and has none recorded of
	// the mail to that person that is in the queue. It returns how many fates
	// there were. Their bytes are overwritten by the [Scrubber].
	ForgetFates(ctx context.Context, person string) (int, error)
	// RetireFates removes what ended before then, and the oldest beyond so many
	// bytes; most 0: there is no such bound. It returns how many went, 0 at the
	// end: one call does a bounded part of the work.
	RetireFates(ctx context.Context, before time.Time, most int64) (int64, error)
}
