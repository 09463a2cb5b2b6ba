package render

import (
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"offramp/gateway/dkim"
	"offramp/gateway/footer"
	"offramp/gateway/mime"
)

// ErrEightBit says that a message has 8-bit content that cannot be encoded.
var ErrEightBit = errors.New("8-bit content cannot be converted")

// Lines is what became of the lines over 998 bytes of a message.
type Lines struct {
	Encoded bool // in the body: they are encoded
	Folded  bool // in the header: they are folded
	Passed  bool // some stay, wherever
}

// String names it for the log; empty: there were none.
func (l Lines) String() string {
	var all []string
	for _, s := range [...]struct {
		is   bool
		name string
	}{{l.Encoded, "encoded"}, {l.Folded, "folded"}, {l.Passed, "passed"}} {
		if s.is {
			all = append(all, s.name)
		}
	}
	return strings.Join(all, ",")
}

// form is how a message leaves, but for what differs from one recipient to the
// next.
type form struct {
	rest   []byte      // the header as received, without what is removed
	fields [][]byte    // of rest
	edits  []mime.Edit // of the body
	hash   []byte      // of the edited body, with no placeholder replaced
	size   int64       // of the same
	lines  Lines

	line   *footer.Plan     // the visible line; nil: there is none
	pieces [][]byte         // of a small body, between which the line stands in its parts
	head   *dkim.BodyHash   // of the first piece
	tail   []dkim.BodyPiece // the others
}

// forms are those that need a look at the body, made when they are needed.
type forms struct {
	mu     sync.Mutex
	survey *mime.Survey
	line   *footer.Plan // nil: not asked yet
	made   [2]*form     // for 8-bit and 7-bit transport
	errs   [2]error     // ErrEightBit
}

// fold folds the long lines of the header, and decides what may be done about
// the body. A signature that came stays valid, unless ours replaces it. Ours covers
// no field with a line that is left: a server further on breaks it.
func (m *Message) fold(h mime.Header) {
	stays := mime.ParseHeader(m.rest)
	came := signatures(stays)
	foreign := len(m.keys) == 0 && (len(came) > 0 || h.Count("ARC-Message-Signature") > 0)
	// The next server ends a broken header before the field that names the encoding.
	m.bodyStays = h.Broken() || foreign
	how := func(f mime.Field) mime.Folding {
		switch {
		case m.r.LongLines == Pass, foreign && slices.ContainsFunc(came, func(s arrived) bool { return s.CoversAsIs(f.Name) }):
			return mime.NoFolding
		case foreign:
			return mime.AtSpace
		}
		return mime.AtItems
	}
	rest, left := stays.Folded(how)
	if m.folded, m.over = len(rest) > len(m.rest), left; m.folded {
		m.rest, stays = rest, mime.ParseHeader(rest)
	}
	if left && m.r.LongLines != Pass {
		for _, f := range stays.Fields() {
			if f.Overlong() {
				m.omitted |= dkim.FieldSet(f.Name)
			}
		}
	}
	m.plain = m.newForm(stays)
	m.plain.lines.Passed = m.over || m.stored.LongLines
}

// newForm returns the form of the body as stored, with a header.
func (m *Message) newForm(rest mime.Header) form {
	f := form{rest: rest.Raw(), edits: mime.Combine(nil, m.parts), hash: m.stored.BodyHash, size: m.stored.Size}
	f.lines = Lines{Folded: m.folded, Passed: m.over}
	if len(m.keys) > 0 {
		for _, field := range rest.Fields() {
			f.fields = append(f.fields, field.Raw)
		}
	}
	return f
}

// form returns the form for a hop. It is the same at every attempt.
func (m *Message) form(sevenBit bool, body func() (io.ReadCloser, error)) (*form, error) {
	// A value may make a line longer than it was.
	encode := m.r.LongLines != Pass && !m.bodyStays && (m.stored.LongLines || len(m.parts) > 0)
	if !encode && !sevenBit && !m.wantsLine {
		return &m.plain, nil
	}
	if sevenBit && m.eightBitHeader {
		return nil, ErrEightBit
	}
	m.forms.mu.Lock()
	defer m.forms.mu.Unlock()
	which := 0
	if sevenBit {
		which = 1
	}
	if m.forms.made[which] == nil && m.forms.errs[which] == nil {
		f, err := m.makeForm(encode, sevenBit, body)
		if err == nil && m.wantsLine {
			err = m.addLine(f, body)
		}
		if err != nil && !errors.Is(err, ErrEightBit) {
			return nil, err
		}
		m.forms.made[which], m.forms.errs[which] = f, err
	}
	return m.forms.made[which], m.forms.errs[which]
}

// makeForm reads the body to find what to change, and again to hash the result
// (RFC 6376 section 5.3 wants it converted before it is signed).
func (m *Message) makeForm(encode, sevenBit bool, body func() (io.ReadCloser, error)) (*form, error) {
	if !encode && !sevenBit {
		f := m.plain
		return &f, nil
	}
	if m.forms.survey == nil {
		survey := mime.NewSurvey(mime.ParseHeader(m.stored.Header), len(m.parts) > 0)
		if err := read(survey, body, nil, nil); err != nil {
			return nil, err
		}
		m.forms.survey = survey
	}
	plan := m.forms.survey.Plan(encode, sevenBit && !m.bodyStays)
	if sevenBit && plan.EightBit {
		return nil, ErrEightBit
	}
	rest := mime.ParseHeader(m.rest)
	if plan.Encoding != "" {
		rest = mime.ParseHeader(rest.Encoded(plan.Encoding))
	}
	f := m.newForm(rest)
	f.edits = mime.Combine(plan.Edits, m.parts)
	f.lines.Encoded = plan.Encoded
	f.lines.Passed = f.lines.Passed || plan.Long
	if len(plan.Edits) == 0 {
		return &f, nil
	}
	hash := dkim.NewBodyHash()
	var size counter
	if err := read(io.MultiWriter(hash, &size), body, f.edits, nil); err != nil {
		return nil, err
	}
	f.hash, f.size = hash.Sum(), int64(size)
	return &f, nil
}

// read writes a body to dst with edits made.
func read(dst io.Writer, body func() (io.ReadCloser, error), edits []mime.Edit, values map[string]string) error {
	in, err := body()
	if err != nil {
		return err
	}
	defer in.Close()
	return Rendering{edits: edits, values: values}.WriteBody(dst, in)
}
