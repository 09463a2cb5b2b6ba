package message

import (
	"bytes"
	"strings"
)

// Limits of the walk. Beyond the first two no part is found at all: what such a
// message means, its readers do not agree about.
const (
	maxDepth      = 20  // multiparts inside each other
	maxParts      = 500 // entities in all
	maxBoundary   = 200 // bytes; RFC 2046 section 5.1.1 allows 70
	maxDelimiter  = 512 // bytes of a delimiter line with padding
	maxPartHeader = 64 << 10
)

// walk is what the scanner waits for.
type walk int

const (
	walkDone    walk = iota // nothing more to find
	walkHeader              // the empty line of a part's header
	walkContent             // the end of a text part
	walkSkip                // a delimiter; nothing before it matters
)

// level is a multipart around what is being read.
type level struct {
	boundary string
	inner    string // media type of a part that names none
}

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
	walk   walk
	off    int64  // bytes walked past
	start  bool   // at the start of a line
	held   []byte // beginning of a line that has to be seen whole
	header []byte // of the part being read
	levels []level
	count  int // entities
	parts  []Part

	open  bool // a text part is being read; found.Offset is set
	found Part
	match matcher
	qp    *qpDecoder
	b64   *base64Decoder
}

// NewScanner returns a scanner for the body of the message with header h, whose
// line ends are normalised.
func NewScanner(h Header) *Scanner {
	s := &Scanner{}
	s.begin(h, "text/plain")
	return s
}

// Write takes the next piece of the body. It never fails.
func (s *Scanner) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && s.walk != walkDone {
		if s.walk == walkHeader {
			p = s.readHeader(p)
		} else {
			p = s.readContent(p)
		}
	}
	return n, nil
}

// Parts returns what was found, in the order of the body, after the last Write.
func (s *Scanner) Parts() []Part {
	if s.walk != walkDone {
		if len(s.held) > 0 && (s.walk == walkHeader || !s.delimiter(s.held)) {
			s.feed(s.held)
		}
		s.end(s.off)
		s.walk = walkDone
	}
	return s.parts
}

// line returns the next whole line and what follows it, or holds on to p. The
// caller empties held when it has used the line.
func (s *Scanner) line(p []byte) (line, rest []byte) {
	nl := bytes.IndexByte(p, '\n') + 1
	if nl > 0 && len(s.held) == 0 {
		return p[:nl], p[nl:]
	}
	if nl == 0 {
		s.held = append(s.held, p...)
		return nil, nil
	}
	s.held = append(s.held, p[:nl]...)
	return s.held, p[nl:]
}

// readHeader takes one line of a part's header.
func (s *Scanner) readHeader(p []byte) []byte {
	room := maxPartHeader - len(s.header) - len(s.held)
	if bytes.IndexByte(p[:min(len(p), room)], '\n') < 0 && len(p) > room {
		s.walk, s.start = walkSkip, len(s.held) == 0
		if len(s.held) > 0 && s.held[0] != '-' {
			s.feed(s.held)
			s.held = s.held[:0]
		}
		return p
	}
	line, rest := s.line(p)
	if line == nil {
		return nil
	}
	defer func() { s.held = s.held[:0] }()
	if s.delimiter(line) {
		return rest
	}
	s.off += int64(len(line))
	if !isEmptyLine(line) {
		s.header = append(s.header, line...)
		return rest
	}
	s.begin(ParseHeader(s.header), s.levels[len(s.levels)-1].inner)
	return rest
}

// readContent takes content up to the next line that may be a delimiter, or
// such a line.
func (s *Scanner) readContent(p []byte) []byte {
	if len(s.levels) == 0 {
		s.feed(p)
		return nil
	}
	if len(s.held) == 0 && (!s.start || p[0] != '-') {
		end := bytes.Index(p, []byte("\n-")) + 1
		if end == 0 {
			end = len(p)
		}
		s.feed(p[:end])
		s.start = p[end-1] == '\n'
		return p[end:]
	}
	line, rest := s.line(p)
	if line == nil && len(s.held) <= maxDelimiter {
		return nil
	}
	if line == nil {
		line = s.held
	}
	s.start = line[len(line)-1] == '\n'
	if !s.delimiter(line) {
		s.feed(line)
	}
	s.held = s.held[:0]
	return rest
}

// delimiter acts on line when it is a delimiter of one of the multiparts around
// (RFC 2046 section 5.1.1), innermost first, and says whether it was one.
func (s *Scanner) delimiter(line []byte) bool {
	if len(line) > maxDelimiter || !bytes.HasPrefix(line, []byte("--")) {
		return false
	}
	word := string(bytes.TrimRight(line[2:], " \t\r\n"))
	for i := len(s.levels) - 1; i >= 0; i-- {
		rest, ok := strings.CutPrefix(word, s.levels[i].boundary)
		if !ok || rest != "" && rest != "--" {
			continue
		}
		s.end(s.off - int64(len("\r\n"))) // the CRLF before belongs to the delimiter
		s.off += int64(len(line))
		s.start = true
		if rest == "" {
			s.levels = s.levels[:i+1]
			s.walk, s.header = walkHeader, s.header[:0]
			return true
		}
		if s.levels, s.walk = s.levels[:i], walkSkip; i == 0 {
			s.walk = walkDone
		}
		return true
	}
	return false
}

// begin starts the entity with header h.
func (s *Scanner) begin(h Header, other string) {
	s.start = true
	s.walk = walkSkip
	c := contentOf(h, other)
	if s.count++; s.count > maxParts {
		s.abandon()
		return
	}
	switch {
	case c.doubled:
	case c.media == "multipart/signed" || c.media == "multipart/encrypted":
	case strings.HasPrefix(c.media, "multipart/"):
		s.beginMultipart(c)
	case c.media == "text/plain" || c.media == "text/html":
		s.beginText(c)
	}
	if s.walk == walkSkip && len(s.levels) == 0 {
		s.walk = walkDone
	}
}

func (s *Scanner) beginMultipart(c content) {
	boundary := strings.TrimRight(c.param("boundary"), " \t")
	if boundary == "" || len(boundary) > maxBoundary || c.encoding == "base64" || c.encoding == "quoted-printable" {
		return
	}
	if len(s.levels) == maxDepth {
		s.abandon()
		return
	}
	inner := "text/plain"
	if c.media == "multipart/digest" { // RFC 2046 section 5.1.5
		inner = "message/rfc822"
	}
	s.levels = append(s.levels, level{boundary, inner})
}

func (s *Scanner) beginText(c content) {
	charset := strings.ToLower(c.param("charset"))
	if c.disposition != "" && c.disposition != "inline" || !holdsASCII(charset) {
		return
	}
	s.match = matcher{}
	switch c.encoding {
	case "7bit", "8bit", "binary":
	case "quoted-printable":
		s.qp = &qpDecoder{emit: s.match.feed}
	case "base64":
		s.b64 = &base64Decoder{emit: s.match.feed}
	default:
		return
	}
	s.open, s.walk = true, walkContent
	s.found = Part{Offset: s.off, Encoding: c.encoding, HTML: c.media == "text/html", Charset: charset}
}

// feed walks past content.
func (s *Scanner) feed(p []byte) {
	s.off += int64(len(p))
	switch {
	case !s.open:
	case s.qp != nil:
		s.qp.decode(p)
	case s.b64 != nil:
		s.b64.decode(p)
	default:
		s.match.feed(p)
	}
}

// end closes the text part being read, if any.
func (s *Scanner) end(off int64) {
	if !s.open {
		return
	}
	part, whole := s.found, true
	part.Length = off - part.Offset
	if s.qp != nil {
		s.qp.finish()
	}
	if s.b64 != nil {
		s.b64.finish()
		part.Length = s.b64.last // line ends behind it stay as they are
		whole = !s.b64.bad
	}
	if s.match.found && !s.match.pgp && whole {
		s.parts = append(s.parts, part)
	}
	s.open, s.qp, s.b64 = false, nil, nil
}

// abandon gives up: nothing is found in this message.
func (s *Scanner) abandon() {
	s.parts, s.open, s.walk = nil, false, walkDone
}
