package sink

import "time"

// Stage is a point of a session at which a next hop can fail.
type Stage string

// The stages, in the order in which a session meets them.
const (
	Connect  Stage = "connect"  // accepted, nothing sent
	Banner   Stage = "banner"   // the 220 greeting is due
	EHLO     Stage = "ehlo"     // the answer to EHLO is due
	StartTLS Stage = "starttls" // the answer to STARTTLS is due
	Auth     Stage = "auth"     // the answer to AUTH is due
	Mail     Stage = "mail"     // the answer to MAIL is due
	Rcpt     Stage = "rcpt"     // the answer to one RCPT is due
	Data     Stage = "data"     // the answer to DATA is due
	Body     Stage = "body"     // the first bytes of the body were read
	Dot      Stage = "dot"      // the whole message was read, its answer is due
	Replied  Stage = "replied"  // the message was kept and answered 250
)

// Fault is what goes wrong at a stage. The zero value: nothing.
type Fault struct {
	Reply string        // sent instead of the stage's own answer, without CRLF
	Drop  bool          // the connection is closed instead of an answer
	Keep  bool          // with Drop at Dot: the message is kept first
	Stall time.Duration // nothing happens for so long, then Drop or Reply
}

func (f Fault) none() bool { return f == Fault{} }

// Transaction is what is known of the session when a stage is reached.
type Transaction struct {
	Session     int // number of the session, from 1
	ReversePath string
	Recipient   string // at Rcpt
	Recipients  []string
	Data        []byte // at Dot and Replied: the message, dots removed
}
