package mime

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// maxFolds is the most places where the headers of parts are folded.
const maxFolds = 10000

// maxValue is what a line is expected to grow by at a placeholder.
const maxValue = 512

// Survey finds what of a body can be encoded anew, and where it has to be: lines
// over 998 bytes (RFC 5322 section 2.1.1), and bytes that 7-bit transport does
// not keep. The body is written to it as it streams by.
//
// Of a message in a message the parts inside are encoded: itself it must not be (RFC
// 2045 section 6.4). Left alone are multipart/signed and multipart/encrypted with
// all they hold, S/MIME and PGP, text that is signed or encrypted inline, a message in
// a message that its sender signed, other parts of type message, parts whose encoding
// is unknown or whose MIME fields come twice, those with a line in their header that is
// no field, and base64 that is not clean.
type Survey struct {
	walker   walker
	values   bool // placeholders will be replaced
	entities []surveyed
	folds    []Edit // of parts' headers
	stuck    traits // of what is left alone
	open     bool   // the last of entities is being read
	ending   bool
	gaveUp   bool
	col      int  // bytes in the line being read
	last     byte // that was read
	name     int  // bytes of placeholderName directly before what is read
	match    matcher
}

// traits are what may keep bytes from being sent as they are.
type traits struct{ long, eightBit bool }

func (t *traits) add(o traits) { t.long, t.eightBit = t.long || o.long, t.eightBit || o.eightBit }

// surveyed is an entity whose encoding may be changed.
type surveyed struct {
	traits
	part           bool // it has a header in the body
	dirty          bool // base64 with anything else in it
	composite      bool // it holds entities with an encoding of their own
	versionless    bool // a message in a message that does not name MIME-Version
	encoding       string
	field          Edit // sets its Content-Transfer-Encoding, but for the text
	offset, length int64
}

// NewSurvey returns a survey for the body of the message with header h. values
// says that its placeholders are going to be replaced.
func NewSurvey(h Header, values bool) *Survey {
	s := &Survey{values: values}
	s.walker.visit, s.walker.messages = s, true
	s.walker.begin(h, false, "text/plain")
	return s
}

// Write takes the next piece of the body. It never fails.
func (s *Survey) Write(p []byte) (int, error) {
	if rest := s.walker.write(p); len(rest) > 0 {
		s.open = false
		s.read(rest)
	}
	return len(p), nil
}

// Plan is how a body is changed, and what becomes of it.
type Plan struct {
	Edits    []Edit
	Encoding string // what the message's own Content-Transfer-Encoding becomes; empty: it stays
	Encoded  bool   // lines over 998 bytes are encoded
	Long     bool   // lines over 998 bytes are left
	EightBit bool   // 8-bit content is left
}

// Plan returns what to do about long lines and 8-bit content, after the last
// Write.
func (s *Survey) Plan(long, eightBit bool) Plan {
	s.ending = true
	s.walker.close()
	p := Plan{Long: s.stuck.long, EightBit: s.stuck.eightBit}
	all := s.stuck
	for _, e := range s.entities {
		all.add(e.traits)
	}
	if s.gaveUp {
		p.Long, p.EightBit = all.long, all.eightBit
		return p
	}
	p.Long = p.Long || !long && len(s.folds) > 0
	if long {
		p.Edits = append(p.Edits, s.folds...)
		p.Encoded = len(s.folds) > 0
	}
	for _, e := range s.entities {
		switch {
		case e.composite:
			// RFC 2045 section 6.4: it says what its parts hold.
			if eightBit && all.eightBit && e.encoding != "7bit" {
				p.label(e, "7bit")
			}
		case e.long && long || e.eightBit && eightBit:
			p.Encoded = p.Encoded || e.long
			p.encode(e)
		default:
			p.Long, p.EightBit = p.Long || e.long, p.EightBit || e.eightBit
		}
	}
	slices.SortStableFunc(p.Edits, func(a, b Edit) int { return cmp.Compare(a.Offset, b.Offset) })
	return p
}

// label sets the encoding an entity names.
func (p *Plan) label(e surveyed, encoding string) {
	if !e.part {
		p.Encoding = encoding
		return
	}
	field := e.field
	field.Text = []byte(fieldEncoding + ": " + encoding + "\r\n")
	if e.versionless {
		field.Text = append([]byte("MIME-Version: 1.0\r\n"), field.Text...)
	}
	p.Edits = append(p.Edits, field)
}

func (p *Plan) encode(e surveyed) {
	content := Edit{Offset: e.offset, Length: e.length}
	switch e.encoding {
	case "base64":
		content.recode = wrapBase64
	case "quoted-printable":
		content.recode = wrapQuotedPrintable
	default:
		content.recode = toQuotedPrintable
		p.label(e, "quoted-printable")
	}
	p.Edits = append(p.Edits, content)
}

func (s *Survey) enter(e entity) bool {
	s.open, s.col = false, 0
	if e.part {
		s.fold(e)
	}
	s.col = 0
	if e.multipart && !ASCII(e.param("boundary")) {
		s.stuck.eightBit = true
	}
	field := e.encodingField()
	// Some readers end a broken header before the field that names the encoding.
	composite := e.multipart || e.message
	if e.doubled || e.signed() || !composite && sealed(e.media) || field.Length > maxLine || e.part && e.header.Broken() {
		return false
	}
	switch e.encoding {
	case "7bit", "8bit", "binary", "quoted-printable", "base64":
	default:
		return false
	}
	s.match = matcher{}
	s.open = !composite
	s.entities = append(s.entities, surveyed{part: e.part, composite: composite, versionless: e.inner && e.header.Count("MIME-Version") == 0,
		encoding: e.encoding, offset: e.offset, field: field})
	return !e.multipart
}

// sealed says whether entities of a type must stay as they are.
func sealed(media string) bool {
	if strings.HasPrefix(media, "multipart/") || strings.HasPrefix(media, "message/") {
		return true
	}
	subtype, ok := strings.CutPrefix(media, "application/")
	subtype = strings.TrimPrefix(subtype, "x-")
	return ok && (strings.HasPrefix(subtype, "pkcs7-") || strings.HasPrefix(subtype, "pgp-"))
}

// fieldEncoding is the name of the field that is set when content is encoded.
const fieldEncoding = "Content-Transfer-Encoding"

// encodingField is where a part's Content-Transfer-Encoding stands in the body,
// or where one can be added.
func (e entity) encodingField() Edit {
	if !e.part {
		return Edit{}
	}
	end := e.offset - int64(len("\r\n"))
	start := end - int64(len(e.header.raw))
	for _, f := range e.header.index {
		if e.header.isNamed(f, fieldEncoding) {
			return Edit{Offset: start + int64(f.start), Length: int64(f.end - f.start)}
		}
	}
	return Edit{Offset: end}
}

// fold folds the long lines of a part's header.
func (s *Survey) fold(e entity) {
	raw := e.header.raw
	var t traits
	s.measure(&t, raw)
	s.stuck.eightBit = s.stuck.eightBit || t.eightBit
	if !t.long {
		return
	}
	points, left := folds(raw, nil)
	if left || len(s.folds)+len(points) > maxFolds {
		s.stuck.long = true
		return
	}
	start := e.offset - int64(len("\r\n")+len(raw))
	for _, at := range points {
		s.folds = append(s.folds, Edit{Offset: start + int64(at), Text: []byte("\r\n")})
	}
}

func (s *Survey) read(p []byte) {
	if len(p) == 0 {
		return
	}
	s.last = p[len(p)-1]
	if !s.open {
		s.measure(&s.stuck, p)
		return
	}
	e := &s.entities[len(s.entities)-1]
	s.measure(&e.traits, p)
	if e.encoding == "base64" {
		e.dirty = e.dirty || !isBase64(p)
		return
	}
	s.match.feed(p)
}

// measure adds the traits of p to t.
func (s *Survey) measure(t *traits, p []byte) {
	t.eightBit = t.eightBit || !ASCII(p)
	grows := s.values && s.open
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') + 1
		piece := p[:end]
		if end == 0 {
			piece = p
		}
		p = p[len(piece):]
		if s.col += len(piece); grows {
			s.col += maxValue * s.placeholders(piece)
		}
		t.long = t.long || s.col > maxLine+len("\r\n")
		if end > 0 {
			s.col = 0
		}
	}
}

// placeholders returns how many placeholders p may hold, in any of their forms:
// how often the beginning of their name ends in p.
func (s *Survey) placeholders(p []byte) int {
	n := 0
	for _, c := range p {
		switch {
		case c == placeholderName[s.name]:
			s.name++
		case c == placeholderName[0]:
			s.name = 1
		default:
			s.name = 0
		}
		if s.name == len(placeholderName) {
			n, s.name = n+1, 0
		}
	}
	return n
}

func (s *Survey) leave(off int64) {
	s.open = false
	e := &s.entities[len(s.entities)-1]
	if e.length = off - e.offset; s.ending && s.last == '\n' {
		e.length -= int64(len("\r\n")) // the line end of the message stays
	}
	if e.dirty || s.match.pgp || e.length <= 0 {
		s.stuck.add(e.traits)
		s.entities = s.entities[:len(s.entities)-1]
	}
}

func (s *Survey) unread(header []byte) { s.measure(&s.stuck, header) }

func (s *Survey) abandon() { s.open, s.gaveUp = false, true }
