// Package mime takes a message apart and puts fields in front of it without
// ever rewriting it: it works on bytes and survives what breaks the RFCs.
//
// # What stays
//
// Everything leaves as it came, byte for byte, but for these changes:
//
//   - Line ends are normalised when a message arrives ([Reader]): a lone LF becomes
//     CRLF, CRs directly before CRLF go, any other CR is a space. Nothing downstream can then take for a line end
//     what was none (SMTP smuggling).
//   - A message whose last line has no CRLF gets one, because SMTP ends every
//     message in CRLF: without it a signature would not match what is sent.
//   - A message without any empty line gets one, see below.
//   - Lines between the messages of an mbox ("From ", ">From ") on top of a header
//     become fields X-Mailbox-Line: a server further on would end the header there.
//   - Fields are put in front, and named fields removed ([Header.Without]).
//   - Placeholders in the text parts of a body are replaced ([Rewrite]).
//   - Lines over 998 bytes, and 8-bit content for 7-bit transport, are encoded as
//     far as a [Plan] says, and long header lines folded ([Header.Folded]).
//     Decoded and unfolded they are the same.
//
// A message that holds a NUL is refused: neither 7bit nor 8bit content may (RFC
// 2045 sections 2.7 and 2.8), and what the next server makes of it nobody knows.
//
// # Where the header ends
//
// At the first empty line, where the first line is a field, whatever stands
// between them; a message without any empty line is all header then, and the
// empty line is added behind it. A first line that is no field begins the body,
// and the empty line is added before it. A message that has no empty line within
// the size limit of a header counts as one without.
package mime

import "errors"

// Errors of [Reader.Read] and of reading the body it returns.
var (
	ErrHeaderTooLarge = errors.New("header too large")
	ErrBareNewline    = errors.New("line end that is not CRLF")
	ErrNUL            = errors.New("NUL in message")
)

// Part is a text part of a body that holds a placeholder.
type Part struct {
	Offset, Length int64  // bytes of the encoded content within the body
	Encoding       string // 7bit, 8bit, binary, quoted-printable or base64
	HTML           bool   // values are escaped for HTML
	Charset        string // lower case; empty: us-ascii
}

// Placeholders a body may hold.
const (
	UnsubscribeURL = "{{offramp.unsubscribe_url}}"
	PreferencesURL = "{{offramp.preferences_url}}"
)

// ASCII says whether b holds US-ASCII alone, so that 7-bit transport keeps it.
func ASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
