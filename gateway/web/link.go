package web

import (
	"iter"
	"strings"
	"unicode/utf8"

	"offramp/listunsub"
)

// linkPath finds the link in a path: its purpose and the text that holds the
// token. What a proxy or a mail program adds in front is passed over: slashes
// and "/./", and the letter of the purpose may be a capital one. Below base
// links are served with and without it.
func linkPath(path, base string) (p listunsub.Purpose, text string, ok bool) {
	path = plainStart(path)
	if below, ok := strings.CutPrefix(path, base+"/"); ok {
		path = plainStart(below)
	}
	for _, p := range []listunsub.Purpose{listunsub.HeaderLink, listunsub.BodyLink, listunsub.ConfirmLink} {
		start := "/" + string(rune(p)) + "/"
		if len(path) >= len(start) && strings.EqualFold(path[:len(start)], start) {
			return p, plainStart(path[len(start):])[1:], true
		}
	}
	return 0, "", false
}

// plainStart makes one slash of all that a path begins with and that leads
// nowhere.
func plainStart(path string) string {
	for {
		path = strings.TrimLeft(path, "/")
		rest, ok := strings.CutPrefix(path, "./")
		if !ok {
			return "/" + path
		}
		path = rest
	}
}

// mostReadings bounds what one request may cost: each reading is one attempt to
// open a token.
const mostReadings = 48

// readings are the tokens that a text may hold, the likely one first. A link is
// copied with what follows it in a sentence, with the emphasis of a markup, or
// broken over lines, and a mail program may take all of it for the link. A token
// authenticates itself, so trying several of them accepts nothing that was not
// sealed here.
func readings(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		left := mostReadings
		try := func(token string) bool {
			left--
			return left >= 0 && yield(token)
		}
		if !joined(unquoted(text), try) {
			return
		}
		// An "=" at the end of a line, which URL parsers remove, may stand before
		// two octets of the token that look like an escape.
		if strings.Contains(text, "=") {
			joined(text, try)
		}
	}
}

// joined tries the text up to the first octet that no token has and no program
// inserts, and before that up to each insertion, without those before it: what
// follows may be words or the rest of the token. It returns false once try does.
func joined(text string, try func(string) bool) bool {
	var token strings.Builder
	token.Grow(min(len(text), 1024))
	for text != "" {
		n := tokenOctets(text)
		token.WriteString(text[:n])
		text = text[n:]
		gap := insertion(text)
		if n > 0 && !trimmed(token.String(), try) {
			return false
		}
		if gap == 0 {
			return true
		}
		for gap > 0 {
			text = text[gap:]
			gap = insertion(text)
		}
	}
	return true
}

// mostEmphasis is how many marks of emphasis may follow a link: "_" and "-" are
// octets of tokens, too.
const mostEmphasis = 3

// trimmed tries a token, and without what may be emphasis at its end.
func trimmed(token string, try func(string) bool) bool {
	for range mostEmphasis + 1 {
		if !try(token) {
			return false
		}
		shorter := strings.TrimRight(token, "_-")
		if shorter == token {
			return true
		}
		token = token[:len(token)-1]
	}
	return true
}

// tokenOctets is how many octets at the start of s a token may have
// (RFC 4648 section 5).
func tokenOctets(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return i
		}
	}
	return len(s)
}

// insertion is how many octets at the start of s a program may have put inside a
// link: white space of a line break, the "=" of a soft one (RFC 2045 section
// 6.7), and marks that allow a break or are not seen. 0: none.
func insertion(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	switch r {
	case ' ', '\t', '\r', '\n', '=',
		'\u00a0', '\u00ad', '\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u2028', '\u2029', '\u202f', '\u2060', '\u3000', '\ufeff':
		return n
	}
	return 0
}

// unquoted decodes what looks like quoted-printable (RFC 2045 section 6.7), as
// it is left in links by programs that read a body without decoding it.
func unquoted(s string) string {
	if !strings.Contains(s, "=") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '=' && i+2 < len(s) {
			high, low := hexDigit(s[i+1]), hexDigit(s[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// hexDigit is the value of a hexadecimal digit; -1: it is not one.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
