package listunsub

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// PostValue is the one value List-Unsubscribe-Post may have (RFC 8058
// sections 3.1 and 5).
const PostValue = "List-Unsubscribe=One-Click"

const (
	maxLine  = 998 // RFC 5322 section 2.1.1, without CRLF
	goodLine = 78  // the same section: should not be exceeded
)

// ErrURI says that a URI cannot stand in a List-Unsubscribe field.
var ErrURI = errors.New("not fit for List-Unsubscribe")

// Compose returns the value of a List-Unsubscribe field for https and mailto
// URIs, https first: several clients act on the first URI only, and the order
// is the sender's preference (RFC 2369 section 2). The order is otherwise
// kept, and repeated URIs are left out.
//
// The value is folded (CRLF SP) between URIs when a line would pass 78 bytes,
// never inside one and never right after the colon, where one DKIM signer is
// known to fail. No line passes 998 bytes.
//
// The error wraps ErrURI for any other scheme (plain http cannot be one-click,
// RFC 8058 section 3.1), for bytes RFC 3986 does not allow in a URI, an https
// URI without a host or with a password, a mailto URI without exactly one
// address, a URI too long for one line, and when there is no URI at all.
func Compose(uris ...string) (string, error) {
	var https, mailto []string
	seen := make(map[string]bool, len(uris))
	for _, u := range uris {
		scheme, err := checkURI(u)
		if err != nil {
			return "", err
		}
		if seen[u] {
			continue
		}
		seen[u] = true
		if scheme == "https" {
			https = append(https, u)
		} else {
			mailto = append(mailto, u)
		}
	}
	ordered := append(https, mailto...)
	if len(ordered) == 0 {
		return "", fmt.Errorf("no URI: %w", ErrURI)
	}
	return foldURIs(ordered)
}

func foldURIs(uris []string) (string, error) {
	var b strings.Builder
	line := len("List-Unsubscribe: ")
	for i, u := range uris {
		size := len(u) + len("<>")
		if i < len(uris)-1 {
			size++ // the comma stays on the line of its URI
		}
		switch {
		case i == 0:
		case line+1+size <= goodLine:
			b.WriteByte(' ')
			line++
		default:
			b.WriteString("\r\n ")
			line = 1
		}
		if line += size; line > maxLine {
			return "", fmt.Errorf("URI of %d bytes does not fit into a line of %d: %w", len(u), maxLine, ErrURI)
		}
		b.WriteString("<" + u + ">")
		if i < len(uris)-1 {
			b.WriteByte(',')
		}
	}
	return b.String(), nil
}

// checkURI returns the scheme of a URI that may be sent.
func checkURI(u string) (scheme string, err error) {
	if i := strings.IndexFunc(u, func(r rune) bool { return !isURIRune(r) }); i >= 0 {
		return "", fmt.Errorf("URI with %+q at byte %d: %w", u[i:i+1], i, ErrURI)
	}
	if i := badEscape(u); i >= 0 {
		return "", fmt.Errorf("URI with a stray %% at byte %d: %w", i, ErrURI)
	}
	scheme, rest, _ := strings.Cut(u, ":")
	switch scheme = strings.ToLower(scheme); scheme {
	case "https":
		p, err := url.Parse(u)
		if err != nil || p.Hostname() == "" || p.User != nil {
			return "", fmt.Errorf("https URI without a plain host: %w", ErrURI)
		}
	case "mailto":
		if m := parseMailto(rest); len(m.addresses) != 1 || !m.plain {
			return "", fmt.Errorf("mailto URI without exactly one address: %w", ErrURI)
		}
	default:
		return "", fmt.Errorf("scheme %+q, want https or mailto: %w", scheme, ErrURI)
	}
	return scheme, nil
}

// isURIRune says whether r may appear in a URI (RFC 3986 section 2).
func isURIRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
		r < 0x80 && strings.ContainsRune("-._~:/?#[]@!$&'()*+,;=%", r)
}

// badEscape returns where the first % stands that two hexadecimal digits do
// not follow, or -1.
func badEscape(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])) {
			return i
		}
	}
	return -1
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// ParsePost says whether value is the pair RFC 8058 asks for. White space
// around it is ignored, and so is case, because ABNF literals have none
// (RFC 5234 section 2.3).
func ParsePost(value string) bool {
	return strings.EqualFold(strings.Trim(value, " \t\r\n"), PostValue)
}
