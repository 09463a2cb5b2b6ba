package mime

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

// Addresses that are the same placeholders in a form which editors and template
// engines leave as it is.
const (
	UnsubscribeAddress = "https://offramp.invalid/unsubscribe"
	PreferencesAddress = "https://offramp.invalid/preferences"
)

// Scanner finds the text parts of a body that hold a placeholder; the body is
// written to it as it streams by, in pieces of any size. It keeps no more than a
// part's header in memory, and the offsets of at most 500 parts.
//
// Found are parts of type text/plain, text/html and text/x-amp-html that are shown
// inline, whose charset holds ASCII and whose encoding is clean. Left alone are
// multipart/signed and multipart/encrypted, parts of any other type (S/MIME,
// PGP/MIME, message/rfc822 among them), attachments, text that is signed or
// encrypted inline, and parts whose MIME fields come twice; a placeholder seen
// there is told by [Scanner.Left].
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
	if rest := s.walker.write(p); len(rest) > 0 {
		s.found.read(rest)
	}
	return len(p), nil
}

// Parts returns what was found, in the order of the body, after the last Write.
func (s *Scanner) Parts() []Part {
	s.walker.close()
	return s.found.parts
}

// Left says, after the last Write, whether the body has what looks like a
// placeholder and is not going to be replaced: its name or spelling is unknown, or
// it is in a part that is left alone and can be read. Of other parts than text,
// which base64 hides, it knows nothing.
func (s *Scanner) Left() bool {
	s.walker.close()
	return s.found.leftAny()
}
