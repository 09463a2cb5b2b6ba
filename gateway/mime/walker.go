package mime

import (
	"bytes"
	"strings"
)

// Limits of the walk. Beyond the first two nothing in the message is touched:
// what it means, its readers do not agree about.
const (
	maxDepth      = 20  // multiparts inside each other
	maxParts      = 500 // entities in all
	maxBoundary   = 200 // bytes; RFC 2046 section 5.1.1 allows 70
	maxDelimiter  = 512 // bytes of a delimiter line with padding
	maxPartHeader = 64 << 10
)

// walk is what the walker waits for.
type walk int

const (
	walkDone    walk = iota // nothing more to find
	walkHeader              // the empty line of a part's header
	walkContent             // the end of a part
	walkSkip                // a delimiter; the visitor wants nothing before it
)

// level is a multipart around what is being read.
type level struct {
	boundary string
	inner    string // media type of a part that names none
}

// entity is a message or part of which the header was read.
type entity struct {
	header Header // valid during the call; of the message itself, or of a part
	part   bool   // it has a header in the body, directly before its content
	inner  bool   // it is what a message in the message holds
	offset int64  // of its content within the body
	content
	multipart bool // the walker goes into it
	message   bool // a message: the walker goes into it if it is wanted
}

// visitor receives what a walker comes by.
type visitor interface {
	// enter begins an entity. Of one that is no multipart it says whether its
	// content and end are wanted; of a message, whether what is inside is.
	enter(e entity) bool
	// read takes bytes that are neither header nor delimiter: content, and what
	// stands around parts.
	read(p []byte)
	// unread takes a part's header that never ended.
	unread(header []byte)
	// leave ends an entity whose content was wanted, at an offset of the body.
	leave(off int64)
	// abandon says that the limits of the walk were exceeded.
	abandon()
}

// walker goes through the entities of a body, which comes in pieces of any size.
// It keeps no more than a part's header in memory.
type walker struct {
	visit  visitor
	sealed bool // it goes into multipart/signed, too
	// messages says that it goes into a message in the message, unless its own
	// sender signed that: what is inside comes by as entities of their own.
	messages bool
	walk     walk
	off      int64  // bytes walked past
	start    bool   // at the start of a line
	held     []byte // beginning of a line that has to be seen whole
	header   []byte // of the part being read
	other    string // media type of the part the header is of, where it names none
	inner    bool   // the header is that of a message in the message
	levels   []level
	count    int  // entities
	inside   bool // an entity was entered whose content is wanted
}

// write takes the next piece of the body, and returns what comes behind the end
// of all that can be found.
func (s *walker) write(p []byte) (rest []byte) {
	for len(p) > 0 && s.walk != walkDone {
		if s.walk == walkHeader {
			p = s.readHeader(p)
		} else {
			p = s.readContent(p)
		}
	}
	return p
}

// close ends the body.
func (s *walker) close() {
	if s.walk == walkDone {
		return
	}
	if s.walk == walkHeader {
		s.visit.unread(s.header)
	}
	if len(s.held) > 0 && (s.walk == walkHeader || !s.delimiter(s.held)) {
		s.feed(s.held)
	}
	s.end(s.off)
	s.walk = walkDone
}

// line returns the next whole line and what follows it, or holds on to p. The
// caller empties held when it has used the line.
func (s *walker) line(p []byte) (line, rest []byte) {
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
func (s *walker) readHeader(p []byte) []byte {
	room := maxPartHeader - len(s.header) - len(s.held)
	if bytes.IndexByte(p[:min(len(p), room)], '\n') < 0 && len(p) > room {
		s.visit.unread(s.header)
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
	s.begin(ParseHeader(s.header), true, s.other)
	return rest
}

// readContent takes content up to the next line that may be a delimiter, or
// such a line.
func (s *walker) readContent(p []byte) []byte {
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
func (s *walker) delimiter(line []byte) bool {
	if len(line) > maxDelimiter || !bytes.HasPrefix(line, []byte("--")) {
		return false
	}
	word := string(bytes.TrimRight(line[2:], " \t\r\n"))
	for i := len(s.levels) - 1; i >= 0; i-- {
		rest, ok := strings.CutPrefix(word, s.levels[i].boundary)
		if !ok || rest != "" && rest != "--" {
			continue
		}
		if s.walk == walkHeader {
			s.visit.unread(s.header)
		}
		s.end(s.off - int64(len("\r\n"))) // the CRLF before belongs to the delimiter
		s.off += int64(len(line))
		s.start = true
		if rest == "" {
			s.levels = s.levels[:i+1]
			s.beginHeader(s.levels[i].inner, false)
			return true
		}
		if s.levels, s.walk = s.levels[:i], walkSkip; i == 0 {
			s.walk = walkDone
		}
		return true
	}
	return false
}

// begin starts the entity with header h. other is the type of one that names
// none.
func (s *walker) begin(h Header, part bool, other string) {
	s.start = true
	s.walk = walkSkip
	e := entity{header: h, part: part, inner: part && s.inner, offset: s.off, content: contentOf(h, other)}
	if s.count++; s.count > maxParts {
		s.abandon()
		return
	}
	boundary := ""
	if strings.HasPrefix(e.media, "multipart/") {
		boundary = e.boundary(s.sealed)
		if e.multipart = boundary != ""; e.multipart && len(s.levels) == maxDepth {
			s.abandon()
			return
		}
	}
	e.message = s.messages && e.holdsMessage()
	wanted := s.visit.enter(e)
	switch {
	case e.message && wanted:
		s.beginHeader("text/plain", true)
	case e.multipart:
		inner := "text/plain"
		if e.media == "multipart/digest" { // RFC 2046 section 5.1.5
			inner = "message/rfc822"
		}
		s.levels = append(s.levels, level{boundary, inner})
	case wanted:
		s.inside, s.walk = true, walkContent
	case len(s.levels) == 0:
		s.walk = walkDone
	}
}

// beginHeader starts to read the header of an entity inside another.
func (s *walker) beginHeader(other string, inner bool) {
	s.walk, s.header, s.other, s.inner = walkHeader, s.header[:0], other, inner
}

// holdsMessage says whether the content of an entity is a message, as it is.
func (e entity) holdsMessage() bool {
	plain := e.encoding == "7bit" || e.encoding == "8bit" || e.encoding == "binary"
	return !e.doubled && !e.signed() && plain && (e.media == "message/rfc822" || e.media == "message/global")
}

// signed says whether the entity is that of a message in the message, and signed by
// its own sender.
func (e entity) signed() bool {
	return e.inner && e.header.Count("DKIM-Signature")+e.header.Count("ARC-Message-Signature") > 0
}

// boundary returns the boundary of a multipart to go into; empty: stay outside.
func (e entity) boundary(sealed bool) string {
	if e.doubled || e.signed() || !sealed && e.media == "multipart/signed" || e.media == "multipart/encrypted" || e.encoding == "base64" || e.encoding == "quoted-printable" {
		return ""
	}
	boundary := strings.TrimRight(e.param("boundary"), " \t")
	if len(boundary) > maxBoundary {
		return ""
	}
	return boundary
}

// feed walks past content.
func (s *walker) feed(p []byte) {
	s.off += int64(len(p))
	s.visit.read(p)
}

// end closes the entity whose content was wanted, if any.
func (s *walker) end(off int64) {
	if s.inside {
		s.inside = false
		s.visit.leave(off)
	}
}

// abandon gives up: nothing is found in this message.
func (s *walker) abandon() {
	s.visit.abandon()
	s.inside, s.walk = false, walkDone
}
