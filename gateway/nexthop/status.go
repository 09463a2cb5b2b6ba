package nexthop

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
)

// statusOf is the status that is kept with a recipient, but for the host.
func statusOf(at Stage, err error, reply *refusal) Status {
	if reply == nil {
		if at == "" {
			at = StageBody
		}
		return Status{Enhanced: ownCode(at, err), Text: OneLine(inWords(at, err), MaxText)}
	}
	st := Status{Code: reply.code, Text: OneLine(reply.text, MaxText)}
	// Each number of a code has at most three digits (RFC 3463 section 2).
	if e := reply.enhanced; e[0] == reply.code/100 && uint(e[1]) < 1000 && uint(e[2]) < 1000 {
		st.Enhanced = fmt.Sprintf("%d.%d.%d", e[0], e[1], e[2])
	}
	if at.setup() {
		st.Text = OneLine(string(at)+": "+reply.text, MaxText)
	}
	return st
}

// ownCode is the enhanced code (RFC 3463) for an error without a reply.
func ownCode(at Stage, err error) string {
	switch at {
	case StageDNS:
		return "4.4.3" // directory server failure
	case StageConnect:
		return "4.4.1" // no answer from host
	case StageTLS:
		return "4.7.5" // cryptographic failure
	case StageAuth:
		return "4.7.8" // authentication credentials invalid
	}
	if errors.Is(err, errReplyTooLong) || errors.Is(err, errOutOfStep) {
		return "4.5.0" // protocol status
	}
	return "4.4.2" // bad connection
}

// inWords says in plain words what happened.
func inWords(at Stage, err error) string {
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

// splitEnhanced splits the enhanced code (RFC 2034) off a reply's text.
func splitEnhanced(code int, text string) ([3]int, string) {
	first, rest := text, ""
	if i := strings.IndexAny(text, " \t\n"); i >= 0 {
		first, rest = text[:i], text[i+1:]
	}
	parts := strings.Split(first, ".")
	if len(parts) != 3 {
		return [3]int{}, text
	}
	var e [3]int
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 10)
		if err != nil {
			return [3]int{}, text
		}
		e[i] = int(n)
	}
	if e[0] != code/100 {
		return [3]int{}, text
	}
	return e, rest
}

// OneLine returns s, which a hop may have said, on one line, without controls,
// as valid UTF-8 of at most limit bytes.
func OneLine(s string, limit int) string {
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
