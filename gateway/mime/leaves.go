package mime

import (
	"bytes"
	"strings"
)

// Leaf is one part of a message that holds no others. A message inside a message
// is a leaf.
type Leaf struct {
	Header Header
	Media  string // lower case: "text/plain", also of a part that names none
	Body   []byte // still encoded

	content content
}

// Attachment says whether the part is not meant to be shown with the others.
func (l Leaf) Attachment() bool { return l.content.disposition == "attachment" }

// Leaves takes a body apart that has header h, to be read and not to be changed:
// delimiters that are missing, not announced or not closed are what reports have
// when they were cut, so none of that is an error. What stands before the first
// delimiter is a text, since some systems put their report there.
//
// It goes into 20 multiparts inside each other and returns 500 leaves at most.
// They share the bytes of body.
func Leaves(h Header, body []byte) []Leaf {
	var l leafWalk
	l.walk(h, body, 0)
	return l.found
}

// leafWalk collects the leaves of a body.
type leafWalk struct{ found []Leaf }

func (l *leafWalk) walk(h Header, body []byte, depth int) {
	if len(l.found) >= maxParts {
		return
	}
	c := contentOf(h, "")
	if strings.HasPrefix(c.media, "multipart/") || c.media == "" {
		boundary := Param(h.Get("Content-Type"), "boundary")
		if boundary == "" || !bytes.Contains(body, []byte("--"+boundary)) {
			boundary = guessBoundary(body)
		}
		if boundary != "" {
			if depth < maxDepth { // else too deep to be read, and no text either
				l.split(body, boundary, depth)
			}
			return
		}
	}
	media := c.media
	if strings.HasPrefix(media, "multipart/") || !strings.Contains(media, "/") {
		media = "text/plain" // RFC 2045 section 5.2
	}
	l.found = append(l.found, Leaf{Header: h, Media: media, Body: body, content: c})
}

// split walks the parts between delimiters (RFC 2046 section 5.1.1).
func (l *leafWalk) split(body []byte, boundary string, depth int) {
	delimiter := []byte("--" + boundary)
	start, first := 0, true
	emit := func(end int) {
		piece := body[start:max(start, end)]
		if first {
			if len(bytes.TrimSpace(piece)) > 0 && !bytes.Contains(bytes.ToLower(piece), []byte("mime")) {
				l.found = append(l.found, Leaf{Media: "text/plain", Body: piece})
			}
			first = false
			return
		}
		h, rest := Split(piece)
		l.walk(h, rest, depth+1)
	}
	for pos := 0; pos < len(body) && len(l.found) < maxParts; {
		end := lineEnd(body, pos)
		if after, ok := bytes.CutPrefix(body[pos:end], delimiter); ok && isDelimiterTail(after) {
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
	return len(bytes.TrimPrefix(bytes.TrimSpace(after), []byte("--"))) == 0
}

// guessBoundary finds a delimiter nobody announced: a line that begins with two
// hyphens and has a Content- field right behind it.
func guessBoundary(body []byte) string {
	head := body[:min(len(body), 8<<10)]
	for pos := 0; pos < len(head); {
		end := lineEnd(head, pos)
		if isTrace(string(head[pos:end])) {
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
