package nexthop

import (
	"strconv"
	"strings"

	"offramp/gateway/envelope"
)

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

// mailCommand is MAIL with the parameters the hop knows. What the message
// needs and the hop does not know is decided before, by its [Abilities].
func (s *Session) mailCommand(e Envelope) string {
	line := append(make([]byte, 0, 256), "MAIL FROM:<"...)
	line = append(append(line, e.ReversePath...), '>')
	if s.offers("8BITMIME") {
		line = append(line, " BODY=8BITMIME"...)
	}
	if s.offers("SIZE") && e.Size > 0 {
		line = strconv.AppendInt(append(line, " SIZE="...), e.Size, 10)
	}
	if e.RequireTLS && s.offers("REQUIRETLS") {
		line = append(line, " REQUIRETLS"...)
	}
	if e.UTF8 && s.offers("SMTPUTF8") {
		line = append(line, " SMTPUTF8"...)
	}
	if s.offers("DSN") {
		if e.Return == "FULL" || e.Return == "HDRS" {
			line = append(append(line, " RET="...), e.Return...)
		}
		if e.EnvelopeID != "" && printableASCII(e.EnvelopeID) {
			line = append(append(line, " ENVID="...), envelope.Xtext(e.EnvelopeID)...)
		}
	}
	return string(line)
}

// rcptCommand is RCPT; NOTIFY and ORCPT are carried on (RFC 3461 section 5.2.1).
func (s *Session) rcptCommand(r Recipient) string {
	line := "RCPT TO:<" + r.Address + ">"
	if !s.offers("DSN") {
		return line
	}
	var notify []string
	for word := range strings.SplitSeq(strings.ToUpper(r.Notify), ",") {
		switch word = strings.TrimSpace(word); word {
		case "NEVER", "DELAY", "FAILURE", "SUCCESS":
			notify = append(notify, word)
		}
	}
	if len(notify) > 0 {
		line += " NOTIFY=" + strings.Join(notify, ",")
	}
	kind, address, ok := strings.Cut(r.Original, ";")
	switch {
	case !ok || address == "":
	case strings.EqualFold(kind, "utf-8"):
		line += " ORCPT=utf-8;" + envelope.UTF8Address(address, s.offers("SMTPUTF8"))
	case printableASCII(kind + address):
		line += " ORCPT=" + kind + ";" + envelope.Xtext(address)
	}
	return line
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
