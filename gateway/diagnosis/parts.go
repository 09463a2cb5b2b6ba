package diagnosis

import (
	"bytes"
	"strings"

	"offramp/gateway/mime"
)

// part is one leaf of a message's tree.
type part struct {
	header mime.Header
	media  string // lower case: "text/plain"
	body   []byte // still encoded
}

// walker takes a message apart without ever refusing one: delimiters that are
// missing, not announced or not closed are what DSNs have when they were cut.
type walker struct{ parts []part }

// walk collects the leaves of a body. A message inside a message is a leaf.
func (w *walker) walk(h mime.Header, body []byte, depth int) {
	if len(w.parts) >= maxParts {
		return
	}
	value := h.Get("Content-Type")
	media := mime.Keyword(value)
	boundary := parameter(value, "boundary")
	if strings.HasPrefix(media, "multipart/") || media == "" {
		if boundary == "" || !bytes.Contains(body, []byte("--"+boundary)) {
			boundary = guessBoundary(body)
		}
		if boundary != "" && depth < maxDepth {
			w.split(body, boundary, depth)
			return
		}
		if boundary != "" {
			return // too deep to be read, and no text either
		}
	}
	if media == "" || strings.HasPrefix(media, "multipart/") || !strings.Contains(media, "/") {
		media = "text/plain" // RFC 2045 section 5.2
	}
	w.parts = append(w.parts, part{header: h, media: media, body: body})
}

// split walks the parts between delimiters (RFC 2046 section 5.1.1). What is
// before the first one is kept as text: some systems put their report there.
func (w *walker) split(body []byte, boundary string, depth int) {
	delimiter := []byte("--" + boundary)
	start, first := 0, true
	emit := func(end int) {
		piece := body[start:max(start, end)]
		if first {
			if len(bytes.TrimSpace(piece)) > 0 && !bytes.Contains(bytes.ToLower(piece), []byte("mime")) {
				w.parts = append(w.parts, part{media: "text/plain", body: piece})
			}
			first = false
			return
		}
		h, rest := splitMessage(piece)
		w.walk(h, rest, depth+1)
	}
	for pos := 0; pos < len(body) && len(w.parts) < maxParts; {
		end := lineEnd(body, pos)
		line := body[pos:end]
		if after, ok := bytes.CutPrefix(line, delimiter); ok && isDelimiterTail(after) {
			emit(pos)
			if bytes.HasPrefix(after, []byte("--")) {
				return
			}
			start = end
		}
		pos = end
	}
	emit(len(body))
}

func isDelimiterTail(after []byte) bool {
	after = bytes.TrimPrefix(bytes.TrimSpace(after), []byte("--"))
	return len(after) == 0
}

// guessBoundary finds a delimiter nobody announced: a line that begins with two
// hyphens and has a Content- field right behind it.
func guessBoundary(body []byte) string {
	head := body[:min(len(body), 8<<10)]
	for pos := 0; pos < len(head); {
		end := lineEnd(head, pos)
		if isTraceLine(string(head[pos:end])) {
			return "" // a returned message begins, and its delimiters are its own
		}
		if line := bytes.TrimSpace(head[pos:end]); len(line) > 4 && len(line) < 80 && bytes.HasPrefix(line, []byte("--")) && line[2] != ' ' {
			next := head[end:lineEnd(head, end)]
			if len(next) > 8 && bytes.EqualFold(next[:8], []byte("content-")) {
				return string(line[2:])
			}
		}
		pos = end
	}
	return ""
}

// lineEnd returns the offset behind the line that begins at pos.
func lineEnd(b []byte, pos int) int {
	if nl := bytes.IndexByte(b[pos:], '\n'); nl >= 0 {
		return pos + nl + 1
	}
	return len(b)
}

// splitMessage splits a message or part at its first empty line. One that does
// not begin with a field has no header; empty lines and the "From " line of an
// mbox before the header are passed over.
func splitMessage(raw []byte) (mime.Header, []byte) {
	pos := 0
	for pos < len(raw) {
		end := lineEnd(raw, pos)
		line := raw[pos:end]
		if len(bytes.TrimSpace(line)) == 0 {
			if pos > 0 || end == len(raw) { // an empty first line ends an empty header
				return mime.ParseHeader(raw[:pos]), raw[end:]
			}
			return mime.Header{}, raw[end:]
		}
		if !bytes.HasPrefix(line, []byte("From ")) && !bytes.HasPrefix(line, []byte(">From ")) {
			break
		}
		pos = end
	}
	if pos < len(raw) && !beginsWithField(raw[pos:]) {
		return mime.Header{}, raw[pos:]
	}
	for at := pos; at < len(raw); {
		end := lineEnd(raw, at)
		if len(bytes.TrimRight(raw[at:end], "\r\n")) == 0 {
			return mime.ParseHeader(raw[pos:at]), raw[end:]
		}
		at = end
	}
	return mime.ParseHeader(raw[pos:]), nil
}

// beginsWithField looks at the first lines: one odd line does not unmake a header.
func beginsWithField(raw []byte) bool {
	for pos, n := 0, 0; pos < len(raw) && n < 3; n++ {
		end := lineEnd(raw, pos)
		if len(mime.ParseHeader(raw[pos:end:end]).Fields()) > 0 {
			return true
		}
		pos = end
	}
	return false
}

// parameter returns a parameter of a structured value (RFC 2045 section 5.1),
// as found in what real mail has.
func parameter(value, name string) string {
	lower := strings.ToLower(value)
	for from := 0; ; {
		i := strings.Index(lower[from:], name)
		if i < 0 {
			return ""
		}
		start := from + i
		from = start + len(name)
		if start > 0 && !strings.ContainsRune("; \t", rune(lower[start-1])) {
			continue
		}
		rest := strings.TrimLeft(value[min(from, len(value)):], " \t")
		rest, ok := strings.CutPrefix(rest, "=")
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " \t")
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			rest, _, _ = strings.Cut(quoted, `"`)
			return rest
		}
		if end := strings.IndexAny(rest, "; \t"); end >= 0 {
			rest = rest[:end]
		}
		return rest
	}
}
