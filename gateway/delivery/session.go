package delivery

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/store"
)

const (
	maxUses = 1000 // messages over one connection
	// mailWrite bounds the write of MAIL. Together with gateHold it makes sure
	// that no transaction starts after the gate was given back.
	mailWrite = 900 * time.Millisecond
	quitWrite = time.Second
	block     = 32 << 10
)

// session is a connection to a next hop on which transactions run, one after
// the other, by one goroutine at a time.
type session struct {
	client   *smtp.Client
	wire     *wire
	ext      map[string]string // offered; names in upper case
	name     string            // of the hop, for statuses and the log
	lmtp     bool
	tls      bool
	verified bool   // tls, and the certificate was verified
	reply    string // to the last message that was taken
	uses     int    // transactions that came to an end
	broken   bool   // not fit for another transaction
	since    time.Time
}

func (s *session) offers(extension string) bool {
	_, ok := s.ext[extension]
	return ok
}

// options is what MAIL says. Parameters the hop does not know are left out
// by the client, or were decided on before (suits).
func (s *session) options(m *store.Message, size int64, utf8 bool) *smtp.MailOptions {
	o := &smtp.MailOptions{Size: size, UTF8: utf8, RequireTLS: m.RequireTLS && s.offers("REQUIRETLS")}
	switch m.Return {
	case "FULL":
		o.Return = smtp.DSNReturnFull
	case "HDRS":
		o.Return = smtp.DSNReturnHeaders
	}
	if printableASCII(m.EnvelopeID) {
		o.EnvelopeID = m.EnvelopeID
	}
	return o
}

// recipientOptions carries NOTIFY and ORCPT on (RFC 3461 section 5.2.1).
func recipientOptions(r store.Recipient) *smtp.RcptOptions {
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

// mail starts a transaction.
func (s *session) mail(from string, o *smtp.MailOptions) error {
	patience := s.wire.writeTimeout
	s.wire.writeTimeout = min(patience, mailWrite)
	err := s.client.Mail(from, o)
	s.wire.writeTimeout = patience
	return s.fault(stageMail, err)
}

// rcpt adds a recipient to the transaction.
func (s *session) rcpt(r store.Recipient) error {
	return s.fault(stageRcpt, s.client.Rcpt(r.Address, recipientOptions(r)))
}

// data sends the message and returns the error of every recipient that was
// taken, in their order. write gets a writer that escapes dots.
func (s *session) data(rcpts []store.Recipient, write func(io.Writer) error) []error {
	all := func(err error) []error {
		errs := make([]error, len(rcpts))
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	command, err := s.client.Data()
	if err != nil {
		return all(s.fault(stageData, err))
	}
	dot := dotWriter{wire: s.wire}
	err = write(&dot)
	if err == nil {
		err = dot.end()
	}
	if err != nil {
		s.broken = true // only the end of the connection ends an unfinished message
		return all(&stageError{stageBody, err})
	}
	s.uses++
	if !s.lmtp {
		response, err := command.CloseWithResponse()
		if err == nil {
			s.reply = printable(response.StatusText, maxStatusText)
		}
		return all(s.fault(stageDot, err))
	}
	s.wire.limit = replyLimit + len(rcpts)*1024
	taken, err := command.CloseWithLMTPResponse()
	s.wire.limit = replyLimit
	errs := all(nil)
	for i, r := range rcpts {
		errs[i] = s.fault(stageDot, lmtpResult(r.Address, taken, err))
	}
	return errs
}

// lmtpResult is the fate of one recipient: LMTP answers for each (RFC 2033 section 4.2).
func lmtpResult(address string, taken map[string]*smtp.DataResponse, err error) error {
	if _, ok := taken[address]; ok {
		return nil
	}
	each, ok := errors.AsType[smtp.LMTPDataError](err)
	if reply, ok := each[address]; ok {
		return reply
	}
	if err == nil || ok {
		return io.ErrUnexpectedEOF // err holds the fates of others
	}
	return err
}

// fault marks the session by what err means for it, and err by its stage.
func (s *session) fault(at stage, err error) error {
	if err == nil {
		return nil
	}
	if !replied(err) {
		s.broken = true
	}
	return &stageError{at, err}
}

// reset ends a transaction that did not come to a message.
func (s *session) reset() {
	if !s.broken && s.client.Reset() != nil {
		s.broken = true
	}
}

// reusable says whether another transaction may run.
func (s *session) reusable() bool { return !s.broken && s.uses < maxUses }

// close ends the connection, with a QUIT that is not waited for where the
// hop expects a command.
func (s *session) close() {
	if !s.broken {
		s.wire.writeTimeout = quitWrite
		_, _ = s.wire.Write([]byte("QUIT\r\n"))
	}
	_ = s.wire.Conn.Close()
}
