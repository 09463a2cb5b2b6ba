// Package message: STUB, to be replaced by the real files.
package message

import "io"

// Part is a text part of the body that holds a placeholder. Same fields, in the same order and types,
// as store.Part, so that one converts to the other.
type Part struct {
	Offset, Length int64  // octets of the encoded content within the body
	Encoding       string // 7bit, 8bit, binary, quoted-printable or base64
	HTML           bool   // values are escaped for HTML
	Charset        string // lower case; empty: us-ascii
}

// Header is the header of a message as received, octet for octet.
type Header struct{ raw []byte }

// ParseHeader splits raw (with or without the final empty line) tolerantly. It keeps raw and never fails.
func ParseHeader(raw []byte) Header { panic("stub") }

// Field is one header field; Raw holds all its octets with folding and CRLF.
type Field struct {
	Name string // as written
	Raw  []byte
}

// Value is the unfolded value, trimmed.
func (f Field) Value() string { panic("stub") }

func (h Header) Fields() []Field             { panic("stub") }
func (h Header) Get(name string) string      { panic("stub") } // first value, "" when absent
func (h Header) Count(name string) int       { panic("stub") }
func (h Header) Raw() []byte                 { panic("stub") }

// Without returns the octets of the header without the named fields; nothing else moves.
func (h Header) Without(names ...string) []byte { panic("stub") }

// NewField is the only way a field is made: refuses CR, LF (but for folding CRLF+WSP it is given), NUL, controls, non-ASCII, bad names.
func NewField(name, value string) ([]byte, error) { panic("stub") }

// Reader splits a message that arrives into header and body, settling line ends on the way.
type Reader struct {
	MaxHeader   int        // octets; 0: 256 KiB
	RejectBare  bool       // bare CR or LF is ErrBareNewline instead of mended
}

var ErrHeaderTooLarge, ErrBareNewline, ErrNUL error

// Read returns the header (ending in the empty line) and the body, which streams from r.
func (rd Reader) Read(r io.Reader) (Header, io.Reader, error) { panic("stub") }

// Placeholders a body may hold.
const (
	UnsubscribeURL = "{{offramp.unsubscribe_url}}"
	PreferencesURL = "{{offramp.preferences_url}}"
)

// Scanner finds the text parts of a body that hold a placeholder; the body is written to it as it streams by.
type Scanner struct{ _ int }

func NewScanner(h Header) *Scanner               { panic("stub") }
func (s *Scanner) Write(p []byte) (int, error)   { panic("stub") }
func (s *Scanner) Parts() []Part           { panic("stub") } // after the last Write

// Substitute streams body to dst with the placeholders of parts replaced (keys are the constants above).
func Substitute(dst io.Writer, body io.Reader, parts []Part, values map[string]string) error { panic("stub") }
