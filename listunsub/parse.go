package listunsub

import (
	"errors"
	"mime"
	"strings"
)

// ErrNoURI says that a List-Unsubscribe value holds no URI.
var ErrNoURI = errors.New("no URI in List-Unsubscribe")

// Parse returns the URIs of a List-Unsubscribe value in the sender's order.
// It follows RFC 2369 section 2 (angle brackets, comments and white space
// outside of them, white space inside them removed) and takes what real mail
// has besides: bare URIs, missing commas, a bracket that is never closed,
// brackets within brackets, "URL:" in front, and a whole value wrapped in
// encoded-words. URIs with control or non-ASCII bytes are left out. Nothing
// else about a URI is checked; its scheme may be any.
// The only error is ErrNoURI.
func Parse(value string) ([]string, error) {
	uris := uriTexts(scanURIs(value))
	if len(uris) == 0 && strings.Contains(value, "=?") {
		// RFC 2047 forbids this (section 5), some libraries do it.
		if decoded, err := new(mime.WordDecoder).DecodeHeader(unfold(value)); err == nil {
			uris = uriTexts(scanURIs(decoded))
		}
	}
	if len(uris) == 0 {
		return nil, ErrNoURI
	}
	return uris, nil
}

// rawURI is a URI as it stands in a field value.
type rawURI struct {
	text    string // between the brackets, white space removed
	bracket bool   // stood in angle brackets
	closed  bool   // and those were closed
	folded  bool   // had white space inside
}

func uriTexts(raw []rawURI) []string {
	var uris []string
	for _, r := range raw {
		if isPrintable(r.text) {
			uris = append(uris, r.text)
		}
	}
	return uris
}

func isPrintable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// scanURIs takes a value apart. Empty brackets are left out.
func scanURIs(value string) []rawURI {
	var found []rawURI
	for i := 0; i < len(value); {
		switch value[i] {
		case '<':
			raw, n := scanBracket(value[i+1:])
			if raw.text != "" {
				found = append(found, raw)
			}
			i += 1 + n
		case '(':
			i += scanComment(value[i:])
		case ' ', '\t', '\r', '\n', ',', '>':
			i++
		default:
			n := strings.IndexAny(value[i:], " \t\r\n,<>")
			if n < 0 {
				n = len(value) - i
			}
			if word := value[i : i+n]; hasScheme(word) {
				found = append(found, rawURI{text: word})
			}
			i += n
		}
	}
	return found
}

// scanBracket reads a URI after its "<" and returns how far it reaches,
// closing bracket included. A bracket that is not closed ends at the next
// comma or opening bracket that a scheme follows.
func scanBracket(s string) (rawURI, int) {
	raw := rawURI{bracket: true}
	full := len(s)
	s = strings.TrimLeft(s, "<") // "<<https://...>>"
	outer := full - len(s)
	end := strings.IndexAny(s, "<>")
	n := end + 1
	switch {
	case end >= 0 && s[end] == '>':
		raw.closed = true
	case end >= 0:
		n = end
	default:
		end, n = len(s), len(s)
	}
	text := s[:end]
	if !raw.closed {
		for i := 0; i < len(text); i++ {
			if text[i] == ',' && hasScheme(strings.TrimLeft(text[i+1:], " \t\r\n")) {
				text, n = text[:i], i
				break
			}
		}
	}
	trimmed := strings.Trim(text, " \t\r\n")
	raw.text = strings.Map(dropSpace, trimmed)
	raw.folded = raw.text != trimmed
	if len(raw.text) > 4 && strings.EqualFold(raw.text[:4], "url:") {
		raw.text = raw.text[4:]
	}
	if !raw.closed {
		raw.text = strings.TrimRight(raw.text, ",")
	}
	return raw, outer + n
}

func dropSpace(r rune) rune {
	if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
		return -1
	}
	return r
}

// scanComment returns the length of the comment s begins with: nested, with
// quoted pairs (RFC 5322 section 3.2.2). One that is never closed is taken for
// a single stray parenthesis, so that it cannot hide a URI; so is one too long
// or too deep, so that hostile input costs no more than its length.
func scanComment(s string) int {
	s = s[:min(len(s), maxLine)]
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			if depth++; depth > 16 {
				return 1
			}
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 1
}

// hasScheme says whether s begins like a URI that an opt-out can be, which is
// how a bare URI is distinguished from any other word.
func hasScheme(s string) bool {
	for _, scheme := range [...]string{"https:", "http:", "mailto:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}

// unfold removes the line ends of a folded value (RFC 5322 section 2.2.3).
func unfold(s string) string {
	return strings.NewReplacer("\r\n", "", "\n", "", "\r", "").Replace(s)
}
