package nexthop

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

const (
	// MailWrite bounds the write of MAIL: after it no transaction starts any more.
	MailWrite = 900 * time.Millisecond

	maxUses   = 1000 // messages over one connection
	quitWrite = time.Second
)

// Session is a connection to a next hop on which transactions run, one after
// the other, by one goroutine at a time.
type Session struct {
	client   *smtp.Client
	wire     *wire
	ext      map[string]string // offered; names in upper case
	name     string            // of the hop, for statuses and the log
	profile  *Profile
	lmtp     bool
	verified bool   // under TLS, with a certificate that was verified
	reply    string // to the last message that was accepted
	uses     int    // transactions that came to an end
	broken   bool   // not fit for another transaction
	since    time.Time
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
}

// Abilities returns what the hop said it can take.
func (s *Session) Abilities() Abilities {
	a := Abilities{
		LMTP: s.lmtp, DSN: s.offers("DSN"), EightBit: s.offers("8BITMIME"), UTF8: s.offers("SMTPUTF8"),
		RequireTLS: s.verified && s.offers("REQUIRETLS"),
	}
	if limit, err := strconv.ParseInt(s.ext["SIZE"], 10, 64); err == nil && limit > 0 {
		a.MaxSize = limit
	}
	return a
}

// Envelope is what MAIL says about a message.
type Envelope struct {
	ReversePath string
	Size        int64
	UTF8        bool   // the transaction needs SMTPUTF8
	RequireTLS  bool   // REQUIRETLS, where the hop offers it
	Return      string // RET: FULL, HDRS or empty
	EnvelopeID  string // ENVID, decoded
}

// Recipient is what RCPT says.
type Recipient struct {
	Address  string // wire form
	Notify   string // NOTIFY, e.g. "SUCCESS,FAILURE"
	Original string // ORCPT, e.g. "rfc822;a@b.example"
}

// options of MAIL. Parameters the hop does not know are left out by the
// client, unless the sender of the message decided by its [Abilities].
func (s *Session) options(e Envelope) *smtp.MailOptions {
	o := &smtp.MailOptions{Size: e.Size, UTF8: e.UTF8, RequireTLS: e.RequireTLS && s.offers("REQUIRETLS")}
	switch e.Return {
	case "FULL":
		o.Return = smtp.DSNReturnFull
	case "HDRS":
		o.Return = smtp.DSNReturnHeaders
	}
	if printableASCII(e.EnvelopeID) {
		o.EnvelopeID = e.EnvelopeID
	}
	return o
}

// options carry NOTIFY and ORCPT on (RFC 3461 section 5.2.1).
func (r Recipient) options() *smtp.RcptOptions {
	o := &smtp.RcptOptions{}
	for word := range strings.SplitSeq(strings.ToUpper(r.Notify), ",") {
		switch n := smtp.DSNNotify(strings.TrimSpace(word)); n {
		case smtp.DSNNotifyNever, smtp.DSNNotifyDelayed, smtp.DSNNotifyFailure, smtp.DSNNotifySuccess:
			o.Notify = append(o.Notify, n)
		}
	}
	kind, address, ok := strings.Cut(r.Original, ";")
	switch {
	case !ok:
	case strings.EqualFold(kind, "rfc822") && printableASCII(address):
		o.OriginalRecipientType, o.OriginalRecipient = smtp.DSNAddressTypeRFC822, address
	case strings.EqualFold(kind, "utf-8"):
		o.OriginalRecipientType, o.OriginalRecipient = smtp.DSNAddressTypeUTF8, address
	}
	return o
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Mail starts a transaction.
func (s *Session) Mail(e Envelope) error {
	patience := s.wire.writeTimeout
	s.wire.writeTimeout = min(patience, MailWrite)
	err := s.client.Mail(e.ReversePath, s.options(e))
	s.wire.writeTimeout = patience
	return s.failed(StageMail, err)
}

// Rcpt adds a recipient to the transaction.
func (s *Session) Rcpt(r Recipient) error {
	return s.failed(StageRcpt, s.client.Rcpt(r.Address, r.options()))
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
	command, err := s.client.Data()
	if err != nil {
		refused := s.failed(StageData, err)
		s.Reset()
		return all(refused)
	}
	dot := dotWriter{wire: s.wire}
	err = write(&dot)
	if err == nil {
		err = dot.end()
	}
	if err != nil {
		s.broken = true // only the end of the connection ends an unfinished message
		return all(&stageError{stage: StageBody, host: s.name, err: err})
	}
	s.uses++
	if !s.lmtp {
		response, err := command.CloseWithResponse()
		if err == nil {
			s.reply = OneLine(response.StatusText, MaxText)
		}
		return all(s.failed(StageDot, err))
	}
	s.wire.limit = replyLimit + len(rcpts)*1024
	taken, err := command.CloseWithLMTPResponse()
	s.wire.limit = replyLimit
	errs := all(nil)
	for i, r := range rcpts {
		errs[i] = s.failed(StageDot, lmtpResult(r.Address, taken, err))
	}
	return errs
}

// lmtpResult is the outcome for one recipient: LMTP answers for each (RFC 2033 section 4.2).
func lmtpResult(address string, taken map[string]*smtp.DataResponse, err error) error {
	if _, ok := taken[address]; ok {
		return nil
	}
	each, ok := errors.AsType[smtp.LMTPDataError](err)
	if reply, ok := each[address]; ok {
		return reply
	}
	if err == nil || ok {
		return io.ErrUnexpectedEOF // err holds the outcomes of others
	}
	return err
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
	if !s.broken && s.client.Reset() != nil {
		s.broken = true
	}
}

// reusable says whether another transaction may run.
func (s *Session) reusable() bool { return !s.broken && s.uses < maxUses }

// close ends the connection, with a QUIT that is not waited for where the
// hop expects a command.
func (s *Session) close() {
	if !s.broken {
		s.wire.writeTimeout = quitWrite
		_, _ = s.wire.Write([]byte("QUIT\r\n"))
	}
	_ = s.wire.Conn.Close()
}
