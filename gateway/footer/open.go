package footer

import (
	"slices"
	"strings"

	"golang.org/x/net/html/atom"
)

const (
	maxOpen      = 512 // elements that are told apart; browsers have such a limit, too
	maxClosers   = 100 // elements that are closed before the line
	closersWidth = 60  // bytes of a line of end tags
	// maxLooks bounds the time that a page takes: elements that were open, summed
	// up over all tags. A page of 2 MiB, all tags, may have 100 open throughout.
	maxLooks = 32 << 20
)

// stack is what elements are open, as browsers see it (HTML section 13.2.4.2).
// The zero value is that of a page that begins.
type stack struct {
	open   []atom.Atom // outermost first
	active []atom.Atom // formatting elements that go on behind the end of what was around them
	deep   bool        // there were more than maxOpen, or maxLooks, so nobody knows
	looks  int
}

// look says whether the stack can be looked through once more.
func (s *stack) look() bool {
	s.looks += len(s.open) + len(s.active)
	s.deep = s.deep || s.looks > maxLooks
	return !s.deep
}

// start takes a start tag of an element with content.
func (s *stack) start(tag atom.Atom) {
	if !s.look() {
		return
	}
	s.imply(tag)
	s.open = append(s.open, tag)
	s.deep = len(s.open)+len(s.active) > maxOpen
}

// imply ends what may go without an end tag, where a start tag ends it (HTML
// section 13.1.2.4).
func (s *stack) imply(tag atom.Atom) {
	row := tag == atom.Tr
	for i, name := range slices.Backward(s.open) {
		switch {
		case row || cell(tag): // with all that is in it
			if name == atom.Table || name == atom.Template {
				return
			}
			if cell(name) || row && name == atom.Tr {
				s.pop(i)
			}
		case formatting(name):
		case name == atom.P && breaks(tag):
			s.pop(i)
		case item(name) > 0 && item(name) == item(tag):
			s.pop(i)
			return
		default:
			return
		}
	}
}

// item says which elements end each other.
func item(a atom.Atom) int {
	switch a {
	case atom.Li:
		return 1
	case atom.Dt, atom.Dd:
		return 2
	case atom.Option:
		return 3
	}
	return 0
}

func cell(a atom.Atom) bool { return a == atom.Td || a == atom.Th }

// end takes an end tag.
func (s *stack) end(tag atom.Atom) {
	if !s.look() {
		return
	}
	for i, name := range slices.Backward(s.open) {
		if name == tag {
			s.pop(i)
			return
		}
		if bounds(name, tag) {
			return // browsers look over an end tag that goes across
		}
	}
	if i := slices.Index(s.active, tag); i >= 0 {
		s.active = slices.Delete(s.active, i, i+1)
	}
}

// pop ends the element at i with all in it.
func (s *stack) pop(i int) {
	for _, inner := range s.open[i+1:] {
		if formatting(inner) {
			s.active = append(s.active, inner)
		}
	}
	s.open = s.open[:i]
}

// foreign says whether what comes is part of a drawing or formula, whose elements
// may be empty by a slash, and none of which has raw text. Some elements of a
// drawing hold HTML again (HTML section 13.2.4.2).
func (s *stack) foreign() bool {
	if !s.look() {
		return false
	}
	for _, name := range slices.Backward(s.open) {
		switch name {
		case atom.Svg, atom.Math:
			return true
		case atom.Foreignobject, atom.Desc, atom.Title:
			return false
		}
	}
	return false
}

// closers are the end tags of all that is open; ok is false where that is too
// much.
func (s *stack) closers() (tags string, ok bool) {
	if s.deep || len(s.open)+len(s.active) > maxClosers {
		return "", false
	}
	var out strings.Builder
	column := 0
	for _, all := range [][]atom.Atom{s.open, s.active} {
		for _, name := range slices.Backward(all) {
			// A paragraph ends by itself, and its end tag alone would make one.
			if name == atom.P {
				continue
			}
			tag := "</" + name.String() + ">"
			if column += len(tag); column > closersWidth {
				out.WriteString("\r\n")
				column = len(tag)
			}
			out.WriteString(tag)
		}
	}
	return out.String(), true
}

// bounds says whether an end tag in an element has no effect on what is around
// that: a cell keeps what surrounds its table (HTML section 13.2.4.2).
func bounds(around, tag atom.Atom) bool {
	switch around {
	case atom.Table, atom.Template:
		return true
	case atom.Td, atom.Th, atom.Caption, atom.Marquee, atom.Object, atom.Applet, atom.Select:
		switch tag {
		case atom.Table, atom.Tbody, atom.Thead, atom.Tfoot, atom.Tr, atom.Td, atom.Th, atom.Caption:
			return false
		}
		return true
	}
	return false
}

// breaks says whether an element stands on lines of its own.
func breaks(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Table, atom.Tr, atom.Td, atom.Th, atom.Li, atom.Ul, atom.Ol, atom.Hr, atom.Blockquote, atom.Center, atom.Pre,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Section, atom.Article, atom.Header, atom.Footer:
		return true
	}
	return false
}

// formatting says whether an element that was not closed goes on behind the end
// of what is around it (HTML section 13.2.4.3).
func formatting(a atom.Atom) bool {
	switch a {
	case atom.A, atom.B, atom.Big, atom.Code, atom.Em, atom.Font, atom.I, atom.Nobr, atom.S, atom.Small, atom.Strike, atom.Strong, atom.Tt, atom.U:
		return true
	}
	return false
}
