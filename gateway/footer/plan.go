package footer

import (
	"bytes"
	"io"

	"offramp/gateway/mime"
	"offramp/store"
)

// Result is what became of a message.
type Result int

// The results.
const (
	Added   Result = iota // it gets the line
	Own                   // it has a way out already
	NoPlace               // there is no part that could take it
)

// Plan is where the line goes in one message.
type Plan struct {
	Result Result
	// Left is that the last part of one kind could not take the line, or that there
	// is none.
	Left  bool
	spots []spot
}

// String names it for the log: "added", "own" or "none", and "added,left" where
// a part could not take the line.
func (p *Plan) String() string {
	name := [...]string{Added: "added", Own: "own", NoPlace: "none"}[p.Result]
	if p.Left && p.Result == Added {
		name += ",left"
	}
	return name
}

// spot is where the line goes in one part.
type spot struct {
	offset       int64
	usual, first mime.Filling
}

// newSpot returns a spot whose lines are apart where the link stands.
func newSpot(slot mime.Slot, before, after string, usual, first []string) spot {
	around := func(line []string) mime.Filling {
		line[0], line[len(line)-1] = before+line[0], line[len(line)-1]+after
		return slot.Fill(line...)
	}
	return spot{offset: slot.Offset, usual: around(usual), first: around(first)}
}

// Message is what a plan is made for.
type Message struct {
	Header mime.Header
	List   store.List
	// EightBit says that it was submitted as 8-bit content (RFC 6152).
	EightBit bool
}

// Plan reads the body of a message. Errors are those of body.
func (f *Footer) Plan(m Message, body io.Reader) (*Plan, error) {
	r := reading{ours: f.Ours}
	texts := mime.NewTexts(m.Header, r.read)
	if _, err := io.Copy(texts, body); err != nil {
		return nil, err
	}
	texts.Close()
	p := &Plan{Result: NoPlace, Left: true}
	switch {
	case r.own:
		return &Plan{Result: Own}, nil
	case texts.Abandoned:
		return p, nil
	}
	words := f.words(m.List, r.lang)
	if r.plain.fits {
		p.addPlain(f, words, r.plain, m.EightBit)
	}
	if r.html.fits {
		p.addHTML(f, words, r.html)
	}
	if len(p.spots) == 0 {
		return p, nil
	}
	p.Result = Added
	p.Left = r.plain.seen && !r.plain.fits || r.html.seen && !r.html.fits
	return p, nil
}

// Edits returns the changes of the body for one recipient. first says that it is
// the first message of the list to them.
func (p *Plan) Edits(link string, first bool) []mime.Edit {
	edits := make([]mime.Edit, 0, len(p.spots))
	for _, s := range p.spots {
		if first {
			edits = append(edits, s.first.Edit(link))
		} else {
			edits = append(edits, s.usual.Edit(link))
		}
	}
	return edits
}

func (p *Plan) addPlain(f *Footer, w words, part place, eightBit bool) {
	before := ""
	if switches(part.charset) {
		before = toASCII
	}
	if part.at > 0 {
		before += "\r\n\r\n"
	}
	encoded := part.encoding == "quoted-printable" || part.encoding == "base64"
	// Where 8-bit content is there already, it is encoded anew together for a hop
	// that takes none.
	c := target{charset: part.charset, eightBit: encoded || eightBit && part.high}
	p.spots = append(p.spots, newSpot(part.slot, before, "", f.plain(w, c, false), f.plain(w, c, true)))
}

func (p *Plan) addHTML(f *Footer, w words, part place) {
	// In a line of its own: the one before may be as long as lines can be.
	before := "\r\n"
	if part.closers != "" {
		before += part.closers + "\r\n"
	}
	if switches(part.charset) {
		before = toASCII + before
	}
	s := newSpot(part.slot, before, "\r\n", f.html(w, false), f.html(w, true))
	if len(p.spots) > 0 && p.spots[0].offset > s.offset {
		p.spots = []spot{s, p.spots[0]}
		return
	}
	p.spots = append(p.spots, s)
}

// place is the end of the last part of one kind.
type place struct {
	seen, fits        bool
	at                int
	slot              mime.Slot
	charset, encoding string
	high              bool // it has 8-bit content
	closers           string
}

// reading is what was found out about the parts of a body.
type reading struct {
	ours        string
	own         bool
	lang        string
	plain, html place
}

func (r *reading) read(t mime.Text) {
	if r.own {
		return
	}
	content := t.Content
	ok := !t.Sealed && readable(content, t.Charset)
	p := place{seen: true, charset: t.Charset, encoding: t.Encoding}
	if t.Media == "text/plain" {
		if ok {
			r.own = ownInPlain(utf8Of(content, t.Charset), r.ours)
			p.fits, p.high, p.at = true, !mime.ASCII(t.Raw), len(bytes.TrimRight(content, "\r\n"))
			p.slot = t.Slot(p.at)
		}
		r.plain = p
		return
	}
	if ok {
		found := readHTML(content, t.Charset, r.ours)
		r.own = found.own
		p.fits, p.at, p.closers = found.fits, found.at, found.closers
		p.slot = t.Slot(p.at)
		if found.lang != "" {
			r.lang = found.lang
		}
	}
	if t.Media == "text/html" {
		r.html = p
	}
}
