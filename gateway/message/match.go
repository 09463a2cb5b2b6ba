package message

import "bytes"

// tailLen is how much of earlier text can be the beginning of what is searched.
const tailLen = len(UnsubscribeURL) - 1

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
	if !m.found {
		for rest := p; ; {
			i := bytes.Index(rest, []byte("{{offramp."))
			if i < 0 {
				break
			}
			rest = rest[i:]
			if bytes.HasPrefix(rest, []byte(UnsubscribeURL)) || bytes.HasPrefix(rest, []byte(PreferencesURL)) {
				m.found = true
				break
			}
			rest = rest[1:]
		}
	}
	if i := bytes.Index(p, []byte("-----BEGIN PGP ")); i >= 0 {
		m.pgp = m.pgp || bytes.Contains(p[i:], []byte("-----BEGIN PGP SIGNED")) ||
			bytes.Contains(p[i:], []byte("-----BEGIN PGP MESSAGE"))
	}
}
