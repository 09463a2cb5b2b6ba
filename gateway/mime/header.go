package mime

import (
	"bytes"
	"strings"
)

// Header is the header of a message as received, byte for byte. The zero
// value is an empty one. It is never changed, so it may be used by several
// goroutines.
type Header struct {
	raw   []byte
	index []entry
}

// entry is where a field stands in the header.
type entry struct {
	start, end int // whole field with continuation lines
	name       int // end of the name
	value      int // behind the colon
}

// ParseHeader finds the fields in raw, with or without the final empty line. It
// keeps raw, which must not be changed any more, and never fails: a line that is
// no field (an mbox "From " line, one without a colon or with a space in its
// name, a continuation of nothing) stays where it is and belongs to no field.
// Lines may also end in a lone LF. What follows an empty line is not a field.
func ParseHeader(raw []byte) Header {
	h := Header{raw: raw, index: make([]entry, 0, min(bytes.Count(raw, []byte{'\n'})+1, 64))}
	field := -1 // field the line before belongs to
	for pos := 0; pos < len(raw); {
		end := len(raw)
		if nl := bytes.IndexByte(raw[pos:], '\n'); nl >= 0 {
			end = pos + nl + 1
		}
		line := raw[pos:end]
		switch {
		case isEmptyLine(line):
			return h
		case isSpace(line[0]):
			if field >= 0 {
				h.index[field].end = end
			}
		default:
			field = -1
			if name, value, ok := splitField(line); ok {
				field = len(h.index)
				h.index = append(h.index, entry{start: pos, end: end, name: pos + name, value: pos + value})
			}
		}
		pos = end
	}
	return h
}

// splitField returns the lengths of the name and of the name with colon. A name
// is printable and has no space inside; bytes over 127 pass, and so do spaces
// before the colon (RFC 5322 section 4.5).
func splitField(line []byte) (name, value int, ok bool) {
	for i, c := range line {
		switch {
		case c == ':':
			if name == 0 {
				name = i
			}
			return name, i + 1, name > 0
		case isSpace(c):
			if name == 0 {
				name = i
			}
		case c <= ' ' || c == 0x7f || name > 0:
			return 0, 0, false
		}
	}
	return 0, 0, false
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func isEmptyLine(line []byte) bool {
	return len(line) == 1 && line[0] == '\n' || len(line) == 2 && line[0] == '\r' && line[1] == '\n'
}

// Broken says whether a line before the empty one is no field. Servers end the
// header there, and what follows it becomes body.
func (h Header) Broken() bool {
	end := 0
	for _, e := range h.index {
		if e.start != end {
			return true
		}
		end = e.end
	}
	return len(h.raw) > end && !isEmptyLine(h.raw[end:])
}

// Raw returns the header as it was given. It must not be changed.
func (h Header) Raw() []byte { return h.raw }

// Field is one header field.
type Field struct {
	Name string // as written
	Raw  []byte // all bytes with folding and final CRLF; must not be changed
}

// Value is the unfolded value without the space around it.
func (f Field) Value() string {
	return unfold(f.Raw[bytes.IndexByte(f.Raw, ':')+1:])
}

// Fields returns all fields in their order.
func (h Header) Fields() []Field {
	size := 0
	for _, e := range h.index {
		size += e.name - e.start
	}
	names := make([]byte, 0, size)
	for _, e := range h.index {
		names = append(names, h.raw[e.start:e.name]...)
	}
	all := string(names) // one allocation for all names
	fields := make([]Field, len(h.index))
	for i, e := range h.index {
		n := e.name - e.start
		fields[i] = Field{Name: all[:n], Raw: h.raw[e.start:e.end:e.end]}
		all = all[n:]
	}
	return fields
}

// Get returns the value of the first field with that name, in any case, and ""
// when there is none.
func (h Header) Get(name string) string {
	for _, e := range h.index {
		if h.isNamed(e, name) {
			return unfold(h.raw[e.value:e.end])
		}
	}
	return ""
}

// Count returns how many fields have that name, in any case.
func (h Header) Count(name string) int {
	n := 0
	for _, e := range h.index {
		if h.isNamed(e, name) {
			n++
		}
	}
	return n
}

// Without returns the bytes of the header without the named fields, in any
// case; a name that ends in * means all that begin with the rest. Nothing
// else moves. Where nothing is removed this is Raw, so it must not be changed.
func (h Header) Without(names ...string) []byte {
	var kept []byte
	from := 0
	for _, e := range h.index {
		for _, name := range names {
			if h.isNamed(e, name) || h.hasPrefix(e, name) {
				if kept == nil {
					kept = make([]byte, 0, len(h.raw))
				}
				kept = append(kept, h.raw[from:e.start]...)
				from = e.end
				break
			}
		}
	}
	if from == 0 {
		return h.raw
	}
	return append(kept, h.raw[from:]...)
}

func (h Header) isNamed(e entry, name string) bool {
	return e.name-e.start == len(name) && equalFold(h.raw[e.start:e.name], name)
}

func (h Header) hasPrefix(e entry, pattern string) bool {
	prefix, ok := strings.CutSuffix(pattern, "*")
	return ok && e.name-e.start >= len(prefix) && equalFold(h.raw[e.start:e.start+len(prefix)], prefix)
}

// equalFold compares ASCII letters in any case; a and b have the same length.
func equalFold(a []byte, b string) bool {
	for i, c := range a {
		d := b[i]
		if c == d {
			continue
		}
		if c |= 0x20; c != d|0x20 || c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// unfold takes the line ends out of a value (RFC 5322 section 2.2.3).
func unfold(value []byte) string {
	value = bytes.Trim(value, " \t\r\n")
	if bytes.IndexByte(value, '\n') < 0 {
		return string(value)
	}
	out := make([]byte, 0, len(value))
	for len(value) > 0 {
		nl := bytes.IndexByte(value, '\n')
		if nl < 0 {
			break
		}
		out = append(out, bytes.TrimSuffix(value[:nl], []byte{'\r'})...)
		value = value[nl+1:]
	}
	return string(append(out, value...))
}

// Encoded returns the header of a message whose content was encoded anew, with
// that as its Content-Transfer-Encoding. Readers heed the field in the company of
// MIME-Version alone (RFC 2045 section 4).
func (h Header) Encoded(encoding string) []byte {
	field := fieldEncoding + ": " + encoding + "\r\n"
	out := make([]byte, 0, len(h.raw)+len(field)+32)
	from, end := 0, len(h.raw)
	for _, e := range h.index {
		if h.isNamed(e, fieldEncoding) {
			out = append(append(out, h.raw[:e.start]...), field...)
			from, field = e.end, ""
			break
		}
	}
	if bytes.HasSuffix(h.raw, []byte("\r\n")) {
		end -= len("\r\n") // the empty line
	}
	out = append(out, h.raw[from:end]...)
	if h.Count("MIME-Version") == 0 {
		out = append(out, "MIME-Version: 1.0\r\n"...)
	}
	return append(append(out, field...), h.raw[end:]...)
}
