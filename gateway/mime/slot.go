package mime

import "encoding/base64"

// Slot is a place in a text part where something can be put in without any
// other octet of what is decoded changing.
type Slot struct {
	Offset, Length int64 // bytes of the body that are written anew
	encoding       string
	lead, trail    []byte // base64: what else is in the group of three
	end            bool   // base64: nothing follows the group
	breakBefore    bool   // base64: the line has begun
	breakAfter     bool   // base64: the line goes on
	blank          bool   // quoted-printable: white space stands directly before
	equals         bool   // quoted-printable: a literal "=" stands directly before
	after          string // what has to follow, so that a delimiter begins its line
}

// Slot returns the place before the byte at of the decoded content, or at its
// end.
func (t Text) Slot(at int) Slot {
	s := Slot{Offset: t.Offset + int64(at), encoding: t.Encoding}
	switch t.Encoding {
	case "quoted-printable":
		s = t.quotedSlot(at)
	case "base64":
		s = t.groupSlot(at)
	}
	if t.bare {
		s.after = "\r\n"
	}
	return s
}

// quotedSlot finds the place behind the token of the byte before.
func (t Text) quotedSlot(at int) Slot {
	s := Slot{encoding: t.Encoding}
	i := 0
	for n := 0; n < at && i < len(t.Raw); {
		kind, size := qpLiteral, 1
		if t.Raw[i] == '=' {
			if kind, size, _ = qpToken(t.Raw[i:]); kind == qpMore {
				kind, size = qpLiteral, 1
			}
		}
		s.blank = kind == qpLiteral && isSpace(t.Raw[i])
		s.equals = kind == qpLiteral && t.Raw[i] == '='
		if i += size; kind != qpSoft {
			n++
		}
	}
	if s.equals { // before a line end it would become a soft line break
		i--
		s.Length = 1
	}
	s.Offset = t.Offset + int64(i)
	return s
}

// groupSlot finds the group of four characters in which the byte is, to write
// it anew.
func (t Text) groupSlot(at int) Slot {
	s := Slot{encoding: t.Encoding}
	group, chars := at/3, 0
	begin, end := len(t.Raw), len(t.Raw)
	var text [4]byte
	last := 0 // behind the last character seen
	for i, c := range t.Raw {
		if isSpace(c) || c == '\r' || c == '\n' {
			continue
		}
		if chars/4 == group {
			if chars%4 == 0 {
				begin = i
			}
			text[chars%4] = c
		}
		if chars++; chars == 4*(group+1) {
			end = i + 1
		}
		last = i + 1
	}
	if chars <= 4*group { // behind all groups
		s.Offset, s.end, s.breakBefore = t.Offset+int64(last), true, last > 0
		return s
	}
	s.end = chars <= 4*(group+1)
	s.breakBefore = begin > 0 && t.Raw[begin-1] != '\n'
	s.Offset = t.Offset + int64(begin)
	if at%3 == 0 {
		s.breakAfter, s.end = true, false
		return s
	}
	var three [3]byte
	n, _ := base64.StdEncoding.Decode(three[:], text[:]) // clean, or the part is sealed
	decoded := three[:n]
	k := min(at%3, n)
	s.Length, s.lead, s.trail = int64(end-begin), decoded[:k], decoded[k:]
	s.breakAfter = !s.end && end < len(t.Raw) && t.Raw[end] != '\r' && t.Raw[end] != '\n'
	return s
}

// Append appends to dst what is written in the place for text, in the encoding
// of the part. In base64 spaces may be added behind text.
func (s Slot) Append(dst, text []byte) []byte {
	switch s.encoding {
	case "quoted-printable":
		if s.equals {
			dst = append(dst, "=3D"...)
		}
		if s.blank {
			dst = append(dst, "=\r\n"...) // white space at the end of a line would be lost
		}
		w := sliceWriter{dst}
		e := newQPEncoder(&w)
		e.Write(text)
		e.finish()
		dst = w.b
	case "base64":
		dst = s.appendGroups(dst, text)
	default:
		dst = append(dst, text...)
	}
	return append(dst, s.after...)
}

func (s Slot) appendGroups(dst, text []byte) []byte {
	all := append(append(make([]byte, 0, len(s.lead)+len(text)+len(s.trail)+2), s.lead...), text...)
	for !s.end && (len(all)+len(s.trail))%3 != 0 {
		all = append(all, ' ')
	}
	all = append(all, s.trail...)
	if s.breakBefore {
		dst = append(dst, "\r\n"...)
	}
	w := sliceWriter{dst}
	e := base64Encoder{dst: &w}
	e.Write(all)
	e.finish()
	if s.breakAfter {
		w.b = append(w.b, "\r\n"...)
	}
	return w.b
}

// sliceWriter appends to a slice.
type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// Filling is text for a slot with gaps, in each of which the same value stands.
// What does not depend on the value is encoded once.
type Filling struct {
	slot   Slot
	texts  []string
	quoted [][]byte // quoted-printable: the same, encoded
}

// Fill returns a filling of texts with a gap between each two.
func (s Slot) Fill(texts ...string) Filling {
	f := Filling{slot: s, texts: texts}
	if s.encoding != "quoted-printable" {
		return f
	}
	here := s
	here.after = ""
	for i, text := range texts {
		quoted := here.Append(nil, []byte(text))
		if i < len(texts)-1 {
			quoted = append(quoted, "=\r\n"...)
		} else {
			quoted = append(quoted, s.after...)
		}
		f.quoted = append(f.quoted, quoted)
		here = Slot{encoding: s.encoding}
	}
	return f
}

// Edit returns the change of the body with a value, which is printable ASCII.
func (f Filling) Edit(value string) Edit {
	e := Edit{Offset: f.slot.Offset, Length: f.slot.Length, slot: true}
	size := 0
	for _, t := range f.texts {
		size += len(t) + len(value) + 16
	}
	e.Text = make([]byte, 0, size+size/2)
	if f.quoted == nil {
		return f.plain(e, value)
	}
	for i, q := range f.quoted {
		if i > 0 {
			e.Text = appendQuoted(e.Text, value)
		}
		e.Text = append(e.Text, q...)
	}
	return e
}

func (f Filling) plain(e Edit, value string) Edit {
	text := e.Text
	if f.slot.encoding == "base64" {
		text = make([]byte, 0, cap(e.Text))
	}
	for i, t := range f.texts {
		if i > 0 {
			text = append(text, value...)
		}
		text = append(text, t...)
	}
	if f.slot.encoding == "base64" {
		text = f.slot.Append(e.Text, text)
	} else {
		text = append(text, f.slot.after...)
	}
	e.Text = text
	return e
}

// appendQuoted writes a value in lines of its own, which soft line breaks join
// with what is around them.
func appendQuoted(dst []byte, value string) []byte {
	const hex = "0123456789ABCDEF"
	column := 0
	for i := range len(value) {
		c := value[i]
		if column >= qpLine-3 {
			dst = append(dst, "=\r\n"...)
			column = 0
		}
		if c == '=' || column == 0 && (c == '-' || c == '.' || c == 'F') {
			dst = append(dst, '=', hex[c>>4], hex[c&15])
			column += 3
			continue
		}
		dst = append(dst, c)
		column++
	}
	return append(dst, "=\r\n"...)
}
