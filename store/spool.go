package store

import (
	"context"
	"io"
	"time"
)

// Message is one accepted message: what all its recipients share.
type Message struct {
	ID          string // queue id
	Received    time.Time
	ReversePath string // wire form; empty: the null reverse-path
	Client      string // address of the client, for the log
	Login       string // name the client authenticated with
	MessageID   string // value of its Message-ID field, for the log
	List        string // list the mail belongs to; empty: transactional, no opt-out stops it
	Untouched   bool   // sent without our fields; opt-outs from List still apply
	Mark        string // what made it list mail or transactional: a field, a rule, a default; at most 100 bytes
	Unmarked    bool   // nothing in the message did: a default decided
	Trace       []byte // fields put in front on acceptance, CRLF included: Received, and what was missing
	Header      []byte // as received, with normalised line ends and the empty line
	Size        int64  // bytes of the body
	BodyHash    []byte // DKIM relaxed body hash (SHA-256) of the body as stored; empty: it is not signed
	LongLines   bool   // the body has lines over 998 bytes
	Parts       []Part // text parts that hold a placeholder; empty: body is sent as stored

	EightBit   bool   // BODY=8BITMIME (RFC 6152)
	UTF8       bool   // SMTPUTF8 (RFC 6531)
	RequireTLS bool   // REQUIRETLS (RFC 8689)
	Return     string // RET: FULL, HDRS or empty (RFC 3461 section 4.3)
	EnvelopeID string // ENVID, decoded
}

// Part is a text part of the body that holds a placeholder.
type Part struct {
	Offset, Length int64  // bytes of the encoded content within the body
	Encoding       string // 7bit, 8bit, binary, quoted-printable or base64
	HTML           bool   // values are escaped for HTML
	Charset        string // lower case; empty: us-ascii
}

// RecipientState is where a recipient stands in the queue.
type RecipientState string

// The states of a queued recipient. A recipient that was delivered or dropped,
// or whose failure was reported, is not in the spool any more.
const (
	Queued RecipientState = "queued" // waits for its next attempt
	Held   RecipientState = "held"   // waits for the operator
	Failed RecipientState = "failed" // waits for its bounce
)

// Recipient is one recipient of one message.
type Recipient struct {
	ID       int64  // given by the engine
	Address  string // wire form
	Person   string // lookup key; empty: the address in lower case. Only for Commit: it is not returned
	Erased   bool   // the person was erased: no fate is recorded. Only for Commit
	Domain   string // A-label, lower case: the destination
	Notify   string // NOTIFY as received, e.g. "SUCCESS,FAILURE" (RFC 3461 section 4.1)
	Original string // ORCPT as received, e.g. "rfc822;a@b.example"
	State    RecipientState
	Attempts int       // attempts that ended
	Next     time.Time // not attempted before
	Status   Status    // of the last attempt
}

// Status is the outcome of an attempt as the next hop reported it.
type Status struct {
	Code     int    // SMTP reply code; 0: no reply
	Enhanced string // e.g. "5.1.1"; empty: none given
	Text     string // the reply or our own text, at most 512 bytes
	Host     string // who said it
}

// DamagedText is the status of a recipient that is held because its message
// cannot be read; [Spool.Recheck] ends that.
const DamagedText = "the stored message is damaged"

// Job is a recipient leased for an attempt, with its message.
type Job struct {
	Message   *Message // shared by the jobs of one message in one answer; read only
	Recipient Recipient
}

// ResultKind is how an attempt ended.
type ResultKind int

// The results of an attempt.
const (
	Delivered ResultKind = iota // the next hop took it: the recipient leaves the spool
	Dropped                     // a verdict: the recipient leaves the spool
	Deferred                    // next attempt at Next
	Bounced                     // failed for good: waits for its bounce
	Parked                      // held for the operator (damaged, refused bounce)
	Returned                    // not attempted: the lease ends, nothing is counted
)

// Result ends the lease of a recipient.
type Result struct {
	Recipient int64
	Kind      ResultKind
	Next      time.Time // for Deferred
	Status    Status
	Reason    Reason // for Dropped
}

// Line is the recipients of one destination that are due, and what becomes of
// them.
type Line struct {
	Domain string
	Now    time.Time
	// Next returns when a recipient is tried again; ok is false for one that stays
	// due. Of the message it is given Received and ReversePath only. It must not
	// use the spool.
	Next   func(m *Message, r Recipient) (next time.Time, ok bool)
	Status Status // of those that are put off
}

// Failure is a message with recipients that failed and were not reported.
type Failure struct {
	Message    *Message
	Recipients []Recipient
}

// QueueFilter selects recipients in the queue. Zero fields select everything.
type QueueFilter struct {
	ID     string // queue id
	State  RecipientState
	Domain string // of the recipient
	Sender string // reverse-path
	After  string // only messages whose queue id sorts after this one
	Limit  int    // messages; 0: 1000
}

// QueueEntry is a message in the queue with its recipients.
type QueueEntry struct {
	Message    *Message
	Recipients []Recipient
	Active     int // recipients leased at this moment
}

// QueueAction is what an operator does to queued recipients.
type QueueAction string

// The actions on the queue.
const (
	Retry       QueueAction = "retry"   // next attempt now
	Hold        QueueAction = "hold"    // no attempt until released
	ReleaseHold QueueAction = "release" // end a hold, next attempt now
	Remove      QueueAction = "rm"      // leave the spool without a bounce
)

// Draft is a body on its way into the spool. Exactly one of Commit and Abort
// ends it; Abort after Commit does nothing.
type Draft interface {
	// Write adds bytes to the body. It keeps no more than one chunk in memory.
	io.Writer
	// Commit makes the message and all its recipients durable together. m.Size
	// is not looked at: the size kept is that of what was written. A recipient
	// without a state is queued; a message needs at least one recipient. After
	// an error Abort is due.
	Commit(ctx context.Context, m *Message, recipients []Recipient) error
	Abort()
}

// Spool is the storage of mail that was accepted and not yet completed.
//
// A lease belongs to the process that took it: recipients leased by a process
// that ended are due again as soon as the spool is opened.
type Spool interface {
	Durable
	// Create begins a message; ctx bounds the writes of its body as well.
	Create(ctx context.Context) (Draft, error)
	// Lease returns up to limit queued recipients whose Next is not after now,
	// oldest Next first, none twice until their result is recorded, and none of
	// the destinations in skip.
	Lease(ctx context.Context, now time.Time, limit int, skip []string) ([]Job, error)
	// Next returns the earliest Next of the queued recipients that are not
	// leased and not of the destinations in skip; ok is false for an empty queue.
	Next(ctx context.Context, skip []string) (next time.Time, ok bool, err error)
	// Body opens the body of a message or returns ErrNotFound. Reading returns an error wrapping
	// ErrMessage at the first byte that is not what was written.
	Body(ctx context.Context, id string) (io.ReadCloser, error)
	// Settle records results in one transaction and ends the leases, unless it
	// returns an error: then they last until a later Settle. A recipient that is gone
	// meanwhile is not an error. A message without recipients leaves with them.
	Settle(ctx context.Context, results ...Result) error
	// PutOff defers a whole line, as Settle does with Deferred, in few
	// transactions and without reading its messages. It leaves alone who is leased,
	// and returns how many were put off and how many stay due. After an error
	// those that a transaction had put off by then stay so.
	PutOff(ctx context.Context, l Line) (off, left int, err error)

	// Failures returns messages with recipients in state Failed and without
	// any that is leased or queued for its first attempt, oldest first: in the
	// order in which they were created.
	Failures(ctx context.Context, limit int) ([]Failure, error)
	// Report adds a bounce (nil: none is due) and removes the failed
	// recipients it reports, in one transaction. When one of them is not
	// there any more it returns ErrNotFound and changes nothing, so that no
	// failure is reported twice.
	Report(ctx context.Context, bounce *Bounce, reported []int64) error

	// Queue returns messages by queue id, each with those of its recipients
	// that f selects.
	Queue(ctx context.Context, f QueueFilter) ([]QueueEntry, error)
	// Act applies an action to the recipients that f selects (f.Limit and
	// f.After do not count) and returns how many it changed: Retry those that
	// are queued, Hold the same, ReleaseHold those that are held, Remove all.
	// A leased recipient is neither removed nor retried, its result decides
	// it; one that is held meanwhile stays held if it is deferred or returned.
	// Many messages are changed in steps, each of them whole or not at all.
	Act(ctx context.Context, a QueueAction, f QueueFilter) (int, error)
	// Forget removes the recipients of list mail whose address (wire form) match
	// picks, without a bounce, and returns how many there were. Those that are
	// leased leave with their result.
	Forget(ctx context.Context, match func(address string) bool) (int, error)
	// Recheck queues recipients again that are held because of [DamagedText], once
	// their message can be read to its end, and returns how many.
	Recheck(ctx context.Context) (int, error)
	// Integrity says what the engine knows of damage to queued mail.
	Integrity() Integrity
	// Usage returns counts for limits and metrics.
	Usage(ctx context.Context) (Usage, error)
}

// Bounce is a delivery status notification on its way into the spool.
type Bounce struct {
	Message    Message
	Recipients []Recipient
	Body       []byte
}

// Usage is what the spool holds.
type Usage struct {
	Messages, Queued, Held, Failed int
	Oldest                         time.Time // Received of the message created first; zero: empty
	Free                           uint64    // bytes free for more mail, on the volume and within the engine's files
	Capacity                       uint64    // bytes of the volume
}
