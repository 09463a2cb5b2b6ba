package mime

import (
	"bytes"
	"strings"
)

// tailLen is how much of earlier text can be the beginning of what is searched:
// the longest form of a placeholder.
const tailLen = 48

// placeholderName is how the names of all placeholders begin.
const placeholderName = "offramp."

// form is one way to write a placeholder, as editors leave it in links.
type form struct {
	text, placeholder string
	name              int // where in text the name begins
}

// forms are those of the two placeholders.
var forms = formsOf(UnsubscribeURL, PreferencesURL)

func formsOf(placeholders ...string) []form {
	braces := [...]struct{ open, close string }{
		{"{{", "}}"}, {"{{ ", " }}"}, {"%7B%7B", "%7D%7D"}, {"%7b%7b", "%7d%7d"}, {"%7B%7B%20", "%20%7D%7D"}, {"%7b%7b%20", "%20%7d%7d"},
		{"&#123;&#123;", "&#125;&#125;"},
	}
	var all []form
	for _, placeholder := range placeholders {
		name := strings.Trim(placeholder, "{}")
		for _, b := range braces {
			all = append(all, form{b.open + name + b.close, placeholder, len(b.open)})
		}
	}
	return all
}

// matcher searches decoded text that comes in pieces.
type matcher struct {
	found bool // a placeholder
	pgp   bool // text signed or encrypted inline (RFC 9580 section 6), not to be touched
	tail  [2 * tailLen]byte
	n     int // bytes in tail
}

func (m *matcher) feed(p []byte) {
	if m.n > 0 {
		m.look(append(m.tail[:m.n], p[:min(len(p), tailLen)]...))
	}
	m.look(p)
	if len(p) >= tailLen {
		m.n = copy(m.tail[:], p[len(p)-tailLen:])
		return
	}
	m.n += copy(m.tail[m.n:], p)
	if over := m.n - tailLen; over > 0 {
		m.n = copy(m.tail[:], m.tail[over:m.n])
	}
}

func (m *matcher) look(p []byte) {
	for i := 0; !m.found; {
		n := bytes.Index(p[i:], []byte(placeholderName))
		if n < 0 {
			break
		}
		i += n
		for _, f := range forms {
			if i >= f.name && bytes.HasPrefix(p[i-f.name:], []byte(f.text)) {
				m.found = true
			}
		}
		i++
	}
	if i := bytes.Index(p, []byte("-----BEGIN PGP ")); i >= 0 {
		m.pgp = m.pgp || bytes.Contains(p[i:], []byte("-----BEGIN PGP SIGNED")) ||
			bytes.Contains(p[i:], []byte("-----BEGIN PGP MESSAGE"))
	}
}
