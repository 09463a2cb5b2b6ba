package mime

import (
	"bytes"
	"strings"
)

// foldColumn is where folded lines should end (RFC 5322 section 2.1.1).
const foldColumn = 78

// LineLimit finds out whether what is written to it has a line over 998 bytes
// (RFC 5322 section 2.1.1). The zero value is ready to use.
type LineLimit struct {
	Exceeded bool
	col      int // bytes in the line being read
}

// Write takes the next piece. It never fails.
func (l *LineLimit) Write(p []byte) (int, error) {
	size := len(p)
	for !l.Exceeded && len(p) > 0 {
		room := maxLine + len("\r\n") - l.col
		nl := bytes.LastIndexByte(p[:min(room, len(p))], '\n') + 1
		switch {
		case nl > 0:
			p, l.col = p[nl:], 0
		case len(p) > room:
			l.Exceeded = true
		default:
			p, l.col = nil, l.col+len(p)
		}
	}
	return size, nil
}

// Folding is how a field may be folded.
type Folding int

// The ways to fold.
const (
	NoFolding Folding = iota // the field stays as it is
	AtSpace                  // at white space: in relaxed form (RFC 6376 section 3.4.2) it stays what it is
	AtItems                  // also between the items of a list, where a space is added
)

// Folded returns the header with its lines over 998 bytes folded as how says of
// each field. left says that such a line is left. Where nothing is folded the bytes
// are those of Raw.
func (h Header) Folded(how func(Field) Folding) (raw []byte, left bool) {
	var limit LineLimit
	if limit.Write(h.raw); !limit.Exceeded {
		return h.raw, false
	}
	out := make([]byte, 0, len(h.raw)+len(h.raw)/16)
	from := 0
	copyUntil := func(end int) {
		limit = LineLimit{}
		limit.Write(h.raw[from:end])
		left = left || limit.Exceeded
		out = append(out, h.raw[from:end]...)
		from = end
	}
	for i, f := range h.Fields() {
		if !f.Overlong() {
			continue
		}
		way := how(f)
		var items []int
		if way == AtItems {
			items = itemEnds(f)
		}
		points, over := folds(f.Raw, items)
		if way == NoFolding || over || len(points) == 0 {
			continue
		}
		start := h.index[i].start
		copyUntil(start)
		for _, at := range points {
			out = append(append(out, h.raw[from:start+at]...), lineBreak(f.Raw[at])...)
			from = start + at
		}
		end := h.index[i].end
		out = append(out, h.raw[from:end]...)
		from = end
	}
	copyUntil(len(h.raw))
	return out, left
}

// Overlong says whether the field has a line over 998 bytes.
func (f Field) Overlong() bool {
	var limit LineLimit
	limit.Write(f.Raw)
	return limit.Exceeded
}

// lineBreak is what folds a line in front of next.
func lineBreak(next byte) string {
	if isSpace(next) {
		return "\r\n"
	}
	return "\r\n "
}

// itemEnds returns where the items of a field end that is a list: behind a comma
// between addresses or URIs, and between identifiers of messages.
func itemEnds(f Field) (ends []int) {
	switch name := strings.ToLower(f.Name); name {
	case "from", "to", "cc", "reply-to", "sender", "references", "in-reply-to":
	default:
		if !strings.HasPrefix(name, "list-") && !strings.HasPrefix(name, "resent-") {
			return nil
		}
	}
	quoted, comments, angle := false, 0, false
	for i := len(f.Name); i < len(f.Raw)-1; i++ {
		switch c := f.Raw[i]; {
		case c == '\\' && (quoted || comments > 0):
			i++
		case quoted:
			quoted = c != '"'
		case c == '(' && !angle:
			comments++
		case c == ')' && comments > 0:
			comments--
		case comments > 0:
		case c == '"':
			quoted = true
		case c == '<':
			angle = true
		case c == '>':
			if angle = false; f.Raw[i+1] == '<' {
				ends = append(ends, i+1)
			}
		case c == ',' && !angle && f.Raw[i+1] > ' ':
			ends = append(ends, i+1)
		}
	}
	return ends
}

// folds returns where header lines over 998 bytes are folded: at white space, or at
// items, which are sorted. left says that one has neither where it would need it;
// nothing is folded then.
func folds(raw []byte, items []int) (points []int, left bool) {
	for pos := 0; pos < len(raw); {
		end := len(raw)
		if nl := bytes.IndexByte(raw[pos:], '\n') + 1; nl > 0 {
			end = pos + nl
		}
		for len(items) > 0 && items[0] <= pos {
			items = items[1:]
		}
		if line := bytes.TrimRight(raw[pos:end], "\r\n"); len(line) > maxLine {
			within := 0
			for within < len(items) && items[within] < pos+len(line) {
				within++
			}
			at, ok := foldLine(line, pos, items[:within])
			if !ok {
				return nil, true
			}
			points = append(points, at...)
		}
		pos = end
	}
	return points, false
}

// foldLine returns where a line is folded that begins at pos: in front of white
// space that has text on both sides, since a line of white space alone ends a
// header for some, or at an item. It never folds right behind the field's colon,
// which some signers further on do not survive.
func foldLine(line []byte, pos int, items []int) (points []int, ok bool) {
	longest := maxLine
	if len(items) > 0 {
		longest-- // a space may be added
	}
	text := bytes.TrimRight(line, " \t")
	first := 0 // white space before it is no place to fold
	if !isSpace(line[0]) {
		_, first, _ = splitField(line)
	}
	for first < len(text) && isSpace(text[first]) {
		first++
	}
	start, last := 0, 0
	cut := func(at int) {
		if last > start && at-start > foldColumn {
			points = append(points, pos+last)
			start = last
		}
	}
	for i := first + 1; i < len(text); i++ {
		item := len(items) > 0 && items[0] == pos+i
		if item {
			items = items[1:]
		}
		if item || isSpace(text[i]) && !isSpace(text[i-1]) {
			if cut(i); i-start > longest {
				return nil, false
			}
			last = i
		}
	}
	cut(len(text))
	return points, len(line)-start <= longest
}
