package nexthop

import (
	"errors"
	"strings"
)

// Stage is how far a session or transaction had come.
type Stage string

// The stages, in their order.
const (
	StageDNS      Stage = "DNS"
	StageConnect  Stage = "connect"
	StageGreeting Stage = "greeting"
	StageTLS      Stage = "TLS"
	StageHello    Stage = "EHLO"
	StageAuth     Stage = "AUTH"
	StageMail     Stage = "MAIL"
	StageRcpt     Stage = "RCPT"
	StageData     Stage = "DATA"
	StageBody     Stage = "message"
	StageDot      Stage = "end of message"
)

// stageError is what went wrong with a hop.
type stageError struct {
	stage Stage
	host  string // empty: none was reached
	err   error
}

func (e *stageError) Error() string { return string(e.stage) + ": " + e.err.Error() }
func (e *stageError) Unwrap() error { return e.err }

// setup says whether the session never came to a transaction, so that what
// happened says nothing about the message.
func (s Stage) setup() bool {
	switch s {
	case StageDNS, StageConnect, StageGreeting, StageTLS, StageHello, StageAuth:
		return true
	}
	return false
}

// Status is the answer of a hop, or our own words where it gave none.
type Status struct {
	Code     int    // SMTP reply code; 0: no reply
	Enhanced string // e.g. "5.1.1"; empty: none given
	Text     string // on one line, at most [MaxText] bytes
	Host     string // the hop
}

// MaxText bounds the text of a status.
const MaxText = 512

// Class is what a failure asks for.
type Class int

// The classes of failures.
const (
	Temporary Class = iota // another attempt, later
	Permanent              // the hop refused for good
	Settings               // somebody should look at our settings, the message may be fine
	BadDomain              // mail to the domain can never be delivered
	Damaged                // the content may not be sent as it is
)

// Failure is what an error of [Hops] or of a [Session] means for the message
// that was to be sent.
type Failure struct {
	Class  Class
	Stage  Stage // empty: the error is no hop's
	Status Status
	// Replied says that a command was refused in order, after which the session
	// can go on.
	Replied bool
	// TooMany says that the hop takes no further recipient in this transaction
	// (RFC 5321 section 4.5.3.1.10), or not the message for so many.
	TooMany bool
	// InDoubt says that the hop may have the message: its end went out and was
	// not refused. Before its end the hop has no message (RFC 5321 section 4.2.5).
	InDoubt bool
}

// Explain reads an error of [Hops] or of a [Session].
func Explain(err error) Failure {
	if bad, ok := errors.AsType[*badDomain](err); ok {
		return Failure{Class: BadDomain, Stage: StageDNS, Status: bad.status}
	}
	at, host := Stage(""), ""
	if e, ok := errors.AsType[*stageError](err); ok {
		at, host = e.stage, e.host
	}
	reply, _ := errors.AsType[*refusal](err)
	f := Failure{
		Class: class(at, err, reply), Stage: at, Status: statusOf(at, err, reply),
		Replied: replied(err),
		TooMany: at == StageRcpt && tooMany(reply) || (at == StageData || at == StageDot) && namesTooMany(reply),
		InDoubt: at == StageDot && (reply == nil || reply.code/100 != 4 && reply.code/100 != 5),
	}
	f.Status.Host = host
	return f
}

func class(at Stage, err error, reply *refusal) Class {
	refused := reply != nil && reply.code/100 == 5 && !(at == StageRcpt && tooMany(reply))
	switch {
	case errors.Is(err, errLineEnd):
		return Damaged
	case at.setup() && (refused || at == StageAuth || at == StageTLS):
		// Refused before any message, a certificate that does not verify, an
		// extension that is missing.
		return Settings
	case at == StageMail && refused && unauthorized(reply.code):
		return Settings
	case refused:
		return Permanent
	}
	return Temporary
}

// unauthorized says whether a reply to MAIL asks for authentication or
// encryption (RFC 4954 section 6, RFC 3207).
func unauthorized(code int) bool {
	switch code {
	case 530, 534, 535, 538:
		return true
	}
	return false
}

// tooMany says whether a reply to RCPT means the number of recipients. Some
// servers refuse for good what will do in the next transaction. Without an enhanced
// code 452 and 552 mean it too, unless they name the mailbox.
func tooMany(reply *refusal) bool {
	if reply == nil {
		return false
	}
	bare := reply.enhanced[0] == 0 && (reply.code == 452 || reply.code == 552)
	return bare && !aboutMailbox(reply.text) || namesTooMany(reply)
}

func aboutMailbox(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "mailbox") || strings.Contains(text, "inbox") || strings.Contains(text, "quota")
}

// namesTooMany says whether a reply at any command means the number of recipients.
func namesTooMany(reply *refusal) bool {
	if reply == nil || reply.code < 400 {
		return false
	}
	e := reply.enhanced
	return e[1] == 5 && e[2] == 3 || // RFC 3463 section 3.6
		strings.Contains(strings.ToLower(reply.text), "too many recipients")
}

// replied says whether err is an orderly refusal, after which the session
// can go on.
func replied(err error) bool {
	reply, ok := errors.AsType[*refusal](err)
	return ok && (reply.code/100 == 4 || reply.code/100 == 5) && reply.code != 421
}
