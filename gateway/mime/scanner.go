package mime

import "strings"

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

// Scanner finds the text parts of a body that hold a placeholder; the body is
// written to it as it streams by, in pieces of any size. It keeps no more than a
// part's header in memory, and the offsets of at most 500 parts.
//
// Found are parts of type text/plain and text/html that are shown inline, whose
// charset holds ASCII and whose encoding is clean. Never looked into are
// multipart/signed and multipart/encrypted, parts of any other type (S/MIME,
// PGP/MIME, message/rfc822 among them), attachments, and text that is signed or
// encrypted inline. A part whose MIME fields come twice is left alone.
type Scanner struct {
	walker walker
	found  finder
}

// NewScanner returns a scanner for the body of the message with header h, whose
// line ends are normalised.
func NewScanner(h Header) *Scanner {
	s := &Scanner{}
	s.walker.visit = &s.found
	s.walker.begin(h, false, "text/plain")
	return s
}

// Write takes the next piece of the body. It never fails.
func (s *Scanner) Write(p []byte) (int, error) {
	s.walker.write(p)
	return len(p), nil
}

// Parts returns what was found, in the order of the body, after the last Write.
func (s *Scanner) Parts() []Part {
	s.walker.close()
	return s.found.parts
}

// finder looks for placeholders in what a walker comes by.
type finder struct {
	parts []Part
	open  bool // a text part is being read; part.Offset is set
	part  Part
	match matcher
	qp    *qpDecoder
	b64   *base64Decoder
}

func (f *finder) enter(e entity) bool {
	charset := strings.ToLower(e.param("charset"))
	switch {
	case e.doubled || e.multipart || e.media != "text/plain" && e.media != "text/html":
		return false
	case e.disposition != "" && e.disposition != "inline" || !holdsASCII(charset):
		return false
	}
	f.match = matcher{}
	switch e.encoding {
	case "7bit", "8bit", "binary":
	case "quoted-printable":
		f.qp = &qpDecoder{emit: f.match.feed}
	case "base64":
		f.b64 = &base64Decoder{emit: f.match.feed}
	default:
		return false
	}
	f.open = true
	f.part = Part{Offset: e.offset, Encoding: e.encoding, HTML: e.media == "text/html", Charset: charset}
	return true
}

func (f *finder) read(p []byte) {
	switch {
	case !f.open:
	case f.qp != nil:
		f.qp.decode(p)
	case f.b64 != nil:
		f.b64.decode(p)
	default:
		f.match.feed(p)
	}
}

func (f *finder) leave(off int64) {
	part, whole := f.part, true
	part.Length = off - part.Offset
	if f.qp != nil {
		f.qp.finish()
	}
	if f.b64 != nil {
		f.b64.finish()
		part.Length = f.b64.last // line ends behind it stay as they are
		whole = !f.b64.bad
	}
	if f.match.found && !f.match.pgp && whole {
		f.parts = append(f.parts, part)
	}
	f.open, f.qp, f.b64 = false, nil, nil
}

func (f *finder) unread([]byte) {}

func (f *finder) abandon() { f.parts, f.open = nil, false }
