package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-smtp"

	"offramp/gateway/envelope"
	"offramp/store"
)

// stage is how far a session or transaction had come.
type stage string

const (
	stageDNS      stage = "DNS"
	stageConnect  stage = "connect"
	stageGreeting stage = "greeting"
	stageTLS      stage = "TLS"
	stageHello    stage = "EHLO"
	stageAuth     stage = "AUTH"
	stageMail     stage = "MAIL"
	stageRcpt     stage = "RCPT"
	stageData     stage = "DATA"
	stageBody     stage = "message"
	stageDot      stage = "end of message"
)

// stageError is what went wrong with a hop.
type stageError struct {
	stage stage
	err   error
}

func (e *stageError) Error() string { return string(e.stage) + ": " + e.err.Error() }
func (e *stageError) Unwrap() error { return e.err }

// setup says whether the session never came to a transaction, so that what
// happened says nothing about the message.
func (e *stageError) setup() bool {
	switch e.stage {
	case stageDNS, stageConnect, stageGreeting, stageTLS, stageHello, stageAuth:
		return true
	}
	return false
}

const maxStatusText = 512

// statusOf turns an error into the status that is kept with a recipient.
func statusOf(err error, host string) store.Status {
	st := store.Status{Host: host}
	at := stageBody
	if e, ok := errors.AsType[*stageError](err); ok {
		at = e.stage
	}
	if reply, ok := errors.AsType[*smtp.SMTPError](err); ok {
		st.Code = reply.Code
		// Each number of a code has at most three digits (RFC 3463 section 2).
		if e := reply.EnhancedCode; e[0] == reply.Code/100 && uint(e[1]) < 1000 && uint(e[2]) < 1000 {
			st.Enhanced = fmt.Sprintf("%d.%d.%d", e[0], e[1], e[2])
		}
		st.Text = printable(reply.Message, maxStatusText)
		if e, ok := errors.AsType[*stageError](err); ok && e.setup() {
			st.Text = printable(string(e.stage)+": "+reply.Message, maxStatusText)
		}
		return st
	}
	st.Enhanced = ownCode(at, err)
	st.Text = printable(trouble(at, err), maxStatusText)
	return st
}

// ownCode is the enhanced code (RFC 3463) for trouble without a reply.
func ownCode(at stage, err error) string {
	switch at {
	case stageDNS:
		return "4.4.3" // directory server failure
	case stageConnect:
		return "4.4.1" // no answer from host
	case stageTLS:
		return "4.7.5" // cryptographic failure
	case stageAuth:
		return "4.7.8" // authentication credentials invalid
	}
	if errors.Is(err, errReplyTooLong) || errors.Is(err, errOutOfStep) || errors.Is(err, smtp.ErrTooLongLine) {
		return "4.5.0" // protocol status
	}
	return "4.4.2" // bad connection
}

// trouble says in plain words what happened.
func trouble(at stage, err error) string {
	var timeout net.Error
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case badCertificate:
		return "the certificate does not verify: " + inner(err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timed out at " + string(at)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed at " + string(at)
	}
	return string(at) + ": " + inner(err)
}

func inner(err error) string {
	if e, ok := errors.AsType[*stageError](err); ok {
		return e.err.Error()
	}
	return err.Error()
}

// permanent says whether err is a refusal for good by the next hop.
func permanent(err error) bool {
	reply, ok := errors.AsType[*smtp.SMTPError](err)
	return ok && reply.Code/100 == 5
}

// replied says whether err is an orderly refusal, after which the session
// can go on.
func replied(err error) bool {
	reply, ok := errors.AsType[*smtp.SMTPError](err)
	return ok && (reply.Code/100 == 4 || reply.Code/100 == 5) && reply.Code != 421
}

// splitEnhanced splits the enhanced code (RFC 2034) off a reply's text.
func splitEnhanced(code int, text string) (smtp.EnhancedCode, string) {
	first, rest, _ := strings.Cut(text, " ")
	parts := strings.Split(first, ".")
	if len(parts) != 3 {
		return smtp.EnhancedCode{}, text
	}
	var e smtp.EnhancedCode
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 10)
		if err != nil {
			return smtp.EnhancedCode{}, text
		}
		e[i] = int(n)
	}
	if e[0] != code/100 {
		return smtp.EnhancedCode{}, text
	}
	return e, rest
}

// maskAddresses masks all mail addresses in a text of a hop, for the log: hops
// repeat recipients and senders, and not always as they were given.
func maskAddresses(text string) string {
	var out strings.Builder
	for text != "" {
		end := strings.IndexAny(text, " <>()[],;:\"'=")
		switch end {
		case -1:
			end = len(text)
		case 0:
			end = 1
		}
		word := text[:end]
		text = text[end:]
		if strings.Contains(word, "@") && !strings.Contains(word, "•") { // masked already
			address, err := envelope.Parse(strings.TrimRight(word, "."))
			word = "•••@•••"
			if err == nil {
				word = address.Masked()
			}
		}
		out.WriteString(word)
	}
	return out.String()
}

// printable returns s on one line, without controls, as valid UTF-8 of at most
// limit octets.
func printable(s string, limit int) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return '?'
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
