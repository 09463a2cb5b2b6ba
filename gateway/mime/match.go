package mime

import (
	"bytes"
	"slices"
	"strings"
)

// tailLen is how much of earlier text can be the beginning of what is searched.
const tailLen = maxSpelling + maxOpening

// matcher searches decoded text that comes in pieces.
type matcher struct {
	found bool // a placeholder
	odd   bool // what looks like a placeholder and is none
	pgp   bool // text signed or encrypted inline (RFC 9580 section 6), not to be touched
	tail  [2 * tailLen]byte
	n     int // bytes in tail
}

func (m *matcher) feed(p []byte) {
	if m.n > 0 {
		m.look(append(m.tail[:m.n], p[:min(len(p), tailLen)]...), false)
	}
	m.look(p, false)
	if len(p) >= tailLen {
		m.n = copy(m.tail[:], p[len(p)-tailLen:])
		return
	}
	m.n += copy(m.tail[m.n:], p)
	if over := m.n - tailLen; over > 0 {
		m.n = copy(m.tail[:], m.tail[over:m.n])
	}
}

// finish says that the text has ended.
func (m *matcher) finish() {
	m.look(m.tail[:m.n], true)
	m.n = 0
}

// look searches p; whole says that nothing follows it.
func (m *matcher) look(p []byte, whole bool) {
	m.names(p, placeholderName[1:], whole)
	m.names(p, "FFRAMP.", whole)
	if i := bytes.Index(p, []byte("-----BEGIN PGP ")); i >= 0 {
		m.pgp = m.pgp || bytes.Contains(p[i:], []byte("-----BEGIN PGP SIGNED")) ||
			bytes.Contains(p[i:], []byte("-----BEGIN PGP MESSAGE"))
	}
}

// names looks at every place where the name of a placeholder begins, its first
// letter in any case; end is the rest. A spelling holds one name, so none begins
// before the last one: a byte is tried once, however many names follow it.
func (m *matcher) names(p []byte, end string, whole bool) {
	last := 0 // where the last one ended
	for i := 0; !m.found || !m.odd; i++ {
		n := bytes.Index(p[i:], []byte(end))
		if n < 0 {
			return
		}
		i += n
		name := i + len(end) - len(placeholderName)
		if name < 0 || !equalFold(p[name:i], placeholderName[:i-name]) {
			continue
		}
		from := max(last, name-maxOpening)
		last = i + len(end)
		switch {
		case isSpelled(p, from, name):
			m.found = true
		case !opened(p[max(0, name-maxOpening):name]) && !isHost(p[name:]):
		case whole || len(p)-name >= maxSpelling: // else what follows decides
			m.odd = true
		}
	}
}

// isSpelled says whether a placeholder that begins at from or later stands in p
// around its name.
func isSpelled(p []byte, from, name int) bool {
	for at := from; at < name; at++ {
		if !begins(p[at]) {
			continue
		}
		if placeholder, n, _ := spelled(string(p[at:min(len(p), at+maxSpelling)])); placeholder != "" && at+n > name {
			return true
		}
	}
	return false
}

// isHost says whether text begins with the host of the address that is a
// placeholder.
func isHost(text []byte) bool {
	return len(text) >= len(placeholderHost) && equalFold(text[:len(placeholderHost)], placeholderHost)
}

// opened says whether text ends in a brace, written in some way, and white space.
func opened(text []byte) bool {
	rest := strings.ToLower(string(text))
	for trimmed := ""; trimmed != rest; {
		trimmed = rest
		rest = strings.TrimRight(rest, " \t\r\n+\u00a0")
		for _, space := range [...]string{"%20", "%c2%a0", "&nbsp;", "&#32;", "&#160;", "&#xa0;"} {
			rest = strings.TrimSuffix(rest, space)
		}
	}
	for _, brace := range [...]string{"{", "%7b", "&#123;", "&#x7b;", "&lbrace;", "&lcub;"} {
		if strings.HasSuffix(rest, brace) {
			return true
		}
	}
	return false
}

// HoldsPlaceholder says whether a field has what looks like a placeholder, in
// encoded-words too; none is replaced in a header. The names of except are those
// of fields that do not count, as [Header.Without] takes them.
func (h Header) HoldsPlaceholder(except ...string) bool {
	for _, e := range h.index {
		if slices.ContainsFunc(except, func(name string) bool { return h.isNamed(e, name) || h.hasPrefix(e, name) }) {
			continue
		}
		var m matcher
		m.look(h.raw[e.value:e.end], true)
		if value := h.raw[e.value:e.end]; bytes.Contains(value, []byte("=?")) {
			m.look([]byte(DecodeWords(unfold(value))), true)
		}
		if m.found || m.odd {
			return true
		}
	}
	return false
}
