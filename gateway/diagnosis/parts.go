package diagnosis

import (
	"bytes"
	"strings"

	"offramp/gateway/message"
)

// part is one leaf of a message, or one that came as a whole in another.
type part struct {
	header message.Header
	media  string // lower case
	params string // of Content-Type
	body   []byte // as it came
	inside bool   // of a message that was returned
}

// parts finds the leaves of a message in their order, best effort: a missing
// end, a boundary nobody declared or one that comes twice loses little.
type parts struct {
	all  []part
	left int // parts that may still be looked at
}

func split(raw []byte) []part {
	p := parts{left: maxParts}
	h, body := cutHeader(raw)
	p.walk(h, body, "text/plain", 0, false)
	return p.all
}

// cutHeader cuts raw behind the empty line.
func cutHeader(raw []byte) (message.Header, []byte) {
	for pos := 0; pos < len(raw); {
		nl := bytes.IndexByte(raw[pos:], '\n')
		if nl < 0 {
			break
		}
		line := raw[pos : pos+nl]
		pos += nl + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return message.ParseHeader(raw[:pos]), raw[pos:]
		}
	}
	return message.ParseHeader(raw), nil
}

// walk adds what an entity holds. other is the type of one that names none.
func (p *parts) walk(h message.Header, body []byte, other string, depth int, inside bool) {
	if p.left--; p.left < 0 || depth > maxDepth {
		return
	}
	value := h.Get("Content-Type")
	media, params, _ := strings.Cut(value, ";")
	media = message.Keyword(media)
	if !strings.Contains(media, "/") {
		media = other
	}
	switch {
	case strings.HasPrefix(media, "multipart/"):
		if boundary := param(params, "boundary"); boundary != "" || bytes.Contains(body, []byte("\n--")) {
			p.walkMultipart(body, boundary, media, depth, inside)
			return
		}
	case media == "message/rfc822" || media == "message/global":
		p.all = append(p.all, part{header: h, media: media, params: params, body: body, inside: inside})
		if encoded(h) {
			body = []byte(decode(h, "text/plain", "", body, MaxSize))
		}
		inner, rest := cutHeader(trimBlank(body))
		p.walk(inner, rest, "text/plain", depth+1, true)
		return
	}
	p.all = append(p.all, part{header: h, media: media, params: params, body: body, inside: inside})
}

func (p *parts) walkMultipart(body []byte, boundary, media string, depth int, inside bool) {
	other := "text/plain"
	if media == "multipart/digest" {
		other = "message/rfc822"
	}
	preamble, pieces := pieces(body, boundary)
	if len(bytes.TrimSpace(preamble)) > 0 {
		// Some systems put the explanation where nobody's program shows it.
		p.all = append(p.all, part{media: "text/plain", body: preamble, inside: inside})
	}
	for _, piece := range pieces {
		if p.left <= 0 {
			return
		}
		h, rest := message.Header{}, piece
		if !startsBlank(piece) {
			h, rest = cutHeader(piece)
			if len(h.Fields()) == 0 {
				h, rest = message.Header{}, piece // the empty line is missing
			}
		}
		p.walk(h, rest, other, depth+1, inside)
	}
}

// pieces cuts a multipart body at its boundary (RFC 2046 section 5.1.1).
// Without a boundary, or with one that never comes, the first line that looks
// like one is taken for it.
func pieces(body []byte, boundary string) (preamble []byte, all [][]byte) {
	mark := []byte("--" + boundary)
	if boundary == "" || !bytes.Contains(body, mark) {
		if mark = guessBoundary(body); mark == nil {
			return body, nil
		}
	}
	start, begun := 0, false
	for pos := 0; pos < len(body); {
		end := len(body)
		if nl := bytes.IndexByte(body[pos:], '\n'); nl >= 0 {
			end = pos + nl + 1
		}
		if line := bytes.TrimRight(body[pos:end], " \t\r\n"); bytes.HasPrefix(line, mark) {
			if rest := line[len(mark):]; len(rest) == 0 || string(rest) == "--" {
				if begun {
					all = append(all, body[start:pos])
				} else {
					preamble = body[:pos]
				}
				start, begun = end, true
				if len(rest) > 0 || len(all) >= maxParts {
					return preamble, all
				}
			}
		}
		pos = end
	}
	if begun {
		all = append(all, body[start:])
	} else {
		preamble = body
	}
	return preamble, all
}

// guessBoundary returns the first line that begins with two hyphens and is
// followed by a header field.
func guessBoundary(body []byte) []byte {
	lines := bytes.SplitN(body, []byte("\n"), 400)
	for i := 0; i+1 < len(lines); i++ {
		line := bytes.TrimRight(lines[i], " \t\r")
		next := strings.ToLower(string(lines[i+1][:min(len(lines[i+1]), 30)]))
		if len(line) > 5 && len(line) < 100 && bytes.HasPrefix(line, []byte("--")) && strings.HasPrefix(next, "content-") {
			return line
		}
	}
	return nil
}

func startsBlank(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\n")) || bytes.HasPrefix(b, []byte("\r\n"))
}

func trimBlank(b []byte) []byte { return bytes.TrimLeft(b, "\r\n") }

// param returns a parameter of Content-Type, or "". It survives a broken
// neighbour.
func param(params, name string) string {
	for params != "" {
		key, rest, found := strings.Cut(strings.TrimLeft(params, "; \t"), "=")
		if !found {
			return ""
		}
		if i := strings.LastIndexByte(key, ';'); i >= 0 {
			key = key[i+1:]
		}
		rest = strings.TrimLeft(rest, " \t")
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, rest, _ = strings.Cut(rest[1:], `"`)
		} else {
			value, rest, _ = strings.Cut(rest, ";")
			if i := strings.IndexAny(value, " \t("); i >= 0 {
				value = value[:i]
			}
		}
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return value
		}
		params = rest
	}
	return ""
}
