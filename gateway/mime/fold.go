package mime

import "bytes"

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

// Folded returns the header with its lines over 998 bytes folded at white space:
// in relaxed form (RFC 6376 section 3.4.2) its fields stay what they are. left
// says that such a line is left, since it cannot be folded or keep wants its
// field as it is. Where nothing is folded the bytes are those of Raw.
func (h Header) Folded(keep func(Field) bool) (raw []byte, left bool) {
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
		points, over := folds(f.Raw)
		if over || len(points) == 0 || keep(f) {
			continue
		}
		start := h.index[i].start
		copyUntil(start)
		for _, at := range points {
			out = append(append(out, h.raw[from:start+at]...), "\r\n"...)
			from = start + at
		}
		end := h.index[i].end
		out = append(out, h.raw[from:end]...)
		from = end
	}
	copyUntil(len(h.raw))
	return out, left
}

// folds returns where header lines over 998 bytes are folded. left says that one
// has no white space where it would need it; nothing is folded then.
func folds(raw []byte) (points []int, left bool) {
	for pos := 0; pos < len(raw); {
		end := len(raw)
		if nl := bytes.IndexByte(raw[pos:], '\n') + 1; nl > 0 {
			end = pos + nl
		}
		if line := bytes.TrimRight(raw[pos:end], "\r\n"); len(line) > maxLine {
			at, ok := foldLine(line)
			if !ok {
				return nil, true
			}
			for _, n := range at {
				points = append(points, pos+n)
			}
		}
		pos = end
	}
	return points, false
}

// foldLine returns where a line is folded: in front of white space that has text
// on both sides, since a line of white space alone ends a header for some. It
// never folds right behind the field's colon, which some signers further on do
// not survive.
func foldLine(line []byte) (points []int, ok bool) {
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
			points = append(points, last)
			start = last
		}
	}
	for i := first + 1; i < len(text); i++ {
		if isSpace(text[i]) && !isSpace(text[i-1]) {
			if cut(i); i-start > maxLine {
				return nil, false
			}
			last = i
		}
	}
	cut(len(text))
	return points, len(line)-start <= maxLine
}
