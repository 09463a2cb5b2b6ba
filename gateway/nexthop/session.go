package nexthop

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// mailWrite bounds the write of MAIL, so that a hop that reads nothing is noticed
	// before the connection is barred.
	mailWrite = 900 * time.Millisecond

	maxUses   = 1000 // messages over one connection
	quitWrite = time.Second
)

// Session is a connection to a next hop on which transactions run, one after
// the other, by one goroutine at a time.
type Session struct {
	dialogue
	dotTimeout time.Duration
	ext        extensions
	name       string // of the hop, for statuses and the log
	profile    *Profile
	lmtp       bool
	verified   bool         // under TLS, with a certificate that was verified
	reply      string       // to the last message that was accepted
	peer       *peer        // what is known about the hop
	mails      int          // transactions begun (MAIL)
	written    atomic.Int64 // of mails, the last one whose MAIL was written
	accepted   int          // messages the hop took
	before     int          // of accepted, before the last transaction
	spent      bool         // closed after this transaction
	broken     bool         // no further command can be sent
	since      time.Time
}

func (s *Session) offers(extension string) bool {
	_, ok := s.ext[extension]
	return ok
}

// Name is what the hop is called in statuses and the log.
func (s *Session) Name() string { return s.name }

// Broken says whether no further command can be sent.
func (s *Session) Broken() bool { return s.broken }

// Reply is the text of the reply to the last message that was accepted; with
// LMTP it is empty.
func (s *Session) Reply() string { return s.reply }

// Abilities is what a hop can take.
type Abilities struct {
	LMTP       bool
	DSN        bool  // RFC 3461
	EightBit   bool  // 8BITMIME (RFC 6152)
	UTF8       bool  // SMTPUTF8 (RFC 6531)
	RequireTLS bool  // REQUIRETLS (RFC 8689), and the certificate was verified
	MaxSize    int64 // of a message, in bytes; 0: no limit is known
	Recipients int   // of a message; 0: no limit is known
	Domains    int   // that the recipients of a message may have; 0: no limit is known
}

// Abilities returns what the hop said it can take.
func (s *Session) Abilities() Abilities {
	a := Abilities{
		LMTP: s.lmtp, DSN: s.offers("DSN"), EightBit: s.offers("8BITMIME"), UTF8: s.offers("SMTPUTF8"),
		RequireTLS: s.verified && s.offers("REQUIRETLS"),
		Recipients: s.ext.limit("RCPTMAX"), Domains: s.ext.limit("RCPTDOMAINMAX"),
	}
	if learnt := s.peer.limit().Recipients; learnt > 0 && (a.Recipients == 0 || learnt < a.Recipients) {
		a.Recipients = learnt
	}
	if limit, err := strconv.ParseInt(s.ext["SIZE"], 10, 64); err == nil && limit > 0 {
		a.MaxSize = limit
	}
	return a
}

// Full notes that the hop takes n recipients in a transaction and no more.
func (s *Session) Full(n int) { s.peer.learnRecipients(n) }

// Bar returns what makes sure that no late MAIL comes: when it has returned, the
// MAIL of the next transaction was written or never will be, since it ends the
// connection where it was not. Bar itself is for the goroutine of the session; what
// it returns is for any, at any time, and does nothing to later transactions.
func (s *Session) Bar() func() {
	next := int64(s.mails) + 1
	return func() {
		if s.written.Load() < next {
			s.wire.cut()
		}
	}
}

// Cut ends the connection. Unlike the others it is for any goroutine, at any time:
// a command that waits for its reply fails.
func (s *Session) Cut() { s.wire.cut() }

// Mail starts a transaction.
func (s *Session) Mail(e Envelope) error {
	patience := s.wire.writeTimeout
	s.wire.writeTimeout = min(patience, mailWrite)
	s.mails++
	s.before = s.accepted
	err := s.say(s.mailCommand(e))
	s.wire.writeTimeout = patience
	if err == nil {
		s.written.Store(int64(s.mails))
		var r reply
		r, err = s.wire.reply(s.timeout)
		_, err = wanted(2, r, err)
	}
	return s.failed(StageMail, err)
}

// Rcpt adds a recipient to the transaction.
func (s *Session) Rcpt(r Recipient) error {
	_, err := s.want(2, s.rcptCommand(r))
	if r.Original != "" && s.offers("DSN") && refusesParameter(err) {
		// The sender chose the type of that address, and not every hop knows it
		// (RFC 3461 section 4.2). Mail goes without it rather than not at all.
		r.Original = ""
		_, err = s.want(2, s.rcptCommand(r))
	}
	return s.failed(StageRcpt, err)
}

// refusesParameter says whether a reply is about how a command is written (RFC
// 5321 section 4.2.2), and not about whom it names.
func refusesParameter(err error) bool {
	reply, ok := errors.AsType[*refusal](err)
	return ok && (reply.code == 501 || reply.code == 504 || reply.code == 555)
}

// Data sends the message and returns the error of every recipient that was
// accepted, in their order. write gets a writer that escapes dots.
func (s *Session) Data(rcpts []Recipient, write func(io.Writer) error) []error {
	all := func(err error) []error {
		errs := make([]error, len(rcpts))
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	if _, err := s.want(354, "DATA"); err != nil {
		refused := s.failed(StageData, err)
		s.Reset()
		return all(refused)
	}
	dot := dotWriter{wire: s.wire}
	err := write(&dot)
	if err == nil {
		err = dot.end()
	}
	if early := s.early(); early != nil && (err == nil || replied(early)) {
		s.broken = true // only the end of the connection ends an unfinished message
		return all(&stageError{stage: earlyStage(early), host: s.name, err: early})
	}
	if err == nil {
		_, err = s.wire.Write([]byte("\r\n.\r\n"))
	}
	if err != nil {
		s.broken = true
		return all(&stageError{stage: StageBody, host: s.name, err: err})
	}
	if !s.lmtp {
		err := s.result()
		if err == nil {
			s.accepted++
		}
		return all(err)
	}
	errs := all(nil)
	for i := range errs { // LMTP answers for each recipient (RFC 2033 section 4.2)
		if s.broken {
			errs[i] = errs[i-1]
			continue
		}
		errs[i] = s.result()
	}
	s.reply = ""
	if slices.Contains(errs, nil) {
		s.accepted++
	}
	return errs
}

// failed marks the session by what err means for it, and err by its stage.
func (s *Session) failed(at Stage, err error) error {
	if err == nil {
		return nil
	}
	if !replied(err) {
		s.broken = true
	}
	return &stageError{stage: at, host: s.name, err: err}
}

// Reset ends a transaction that did not come to a message.
func (s *Session) Reset() {
	if s.broken {
		return
	}
	if _, err := s.want(2, "RSET"); err != nil {
		s.broken = true
	}
}

// Spend has s closed when it is given back.
func (s *Session) Spend() { s.spent = true }

// reusable says whether another transaction may run.
func (s *Session) reusable() bool {
	if s.wire.unread() {
		s.broken = true // a reply that belongs to no command
	}
	announced := s.ext.limit("MAILMAX")
	learnt := s.peer.limit().Messages
	return !s.broken && !s.spent && s.mails < maxUses &&
		(announced == 0 || s.mails < announced) && (learnt == 0 || s.accepted < learnt)
}

// close ends the connection, with a QUIT that is not waited for where the
// hop expects a command.
func (s *Session) close() {
	if !s.broken {
		s.wire.writeTimeout = quitWrite
		_, _ = s.wire.Write([]byte("QUIT\r\n"))
	}
	_ = s.wire.Conn.Close()
}
