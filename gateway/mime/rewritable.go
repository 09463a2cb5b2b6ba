package mime

import "strings"

// Rewritable says whether a server further on may write an address in the value of
// an address field in another way: it completes a domain, takes away quotes, and
// repairs what it cannot read. What is written as RFC 5322 section 3.4 has it,
// with a domain that has a dot and does not end in one, it leaves alone.
func Rewritable(value string) bool {
	plain, whole := outline(value)
	if !whole {
		return true
	}
	group, start := false, 0
	depth := 0 // of brackets, of either kind
	for i := 0; i < len(plain); i++ {
		switch c := plain[i]; {
		case c == '<' || c == '[':
			depth++
		case c == '>' || c == ']':
			depth--
		case depth > 0:
		case c == ':' && group:
			return true
		case c == ':':
			group, start = true, i+1
		case c == ',' || c == ';':
			if rewritableMailbox(plain[start:i]) {
				return true
			}
			group, start = group && c != ';', i+1
		}
	}
	return group || rewritableMailbox(plain[start:])
}

// Marks of a quoted-string in an outline.
const (
	needsQuotes = '"'
	quotedAtom  = '\x01' // its text is a dot-atom
)

// outline returns value without comments, and with a mark in place of each
// quoted-string. whole is false when one of either does not end.
func outline(value string) (plain string, whole bool) {
	var out, quoted strings.Builder
	quotes, depth := false, 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		escaped := c == '\\' && (quotes || depth > 0) && i+1 < len(value)
		if escaped {
			i++
			c = value[i]
		}
		switch {
		case quotes && (escaped || c != '"'):
			quoted.WriteByte(c)
		case quotes:
			quotes = false
			if isDotAtom(quoted.String()) {
				out.WriteByte(quotedAtom)
			} else {
				out.WriteByte(needsQuotes)
			}
		case escaped: // in a comment
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
		case c == '"':
			quotes = true
			quoted.Reset()
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), !quotes && depth == 0
}

// rewritableMailbox judges one mailbox of an outline. None at all, as in an empty
// group, and the null address stay what they are.
func rewritableMailbox(mailbox string) bool {
	mailbox = strings.TrimSpace(mailbox)
	if mailbox == "" {
		return false
	}
	address := mailbox
	if open := strings.IndexByte(mailbox, '<'); open >= 0 {
		var closed bool
		if address, closed = strings.CutSuffix(mailbox[open+1:], ">"); !closed {
			return true
		}
		if address = strings.TrimSpace(address); address == "" {
			return false
		}
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return true
	}
	local, domain := strings.TrimSpace(address[:at]), strings.TrimSpace(address[at+1:])
	if local != string(needsQuotes) && !isDotAtom(local) {
		return true
	}
	if strings.HasPrefix(domain, "[") {
		return !strings.HasSuffix(domain, "]")
	}
	return !isDotAtom(domain) || !strings.Contains(domain, ".")
}

// isDotAtom says whether s is a dot-atom (RFC 5322 section 3.2.3, RFC 6532 section 3.2).
func isDotAtom(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if i == 0 || i == len(s)-1 || s[i-1] == '.' {
				return false
			}
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c >= 0x80:
		case strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0:
			return false
		}
	}
	return s != ""
}
