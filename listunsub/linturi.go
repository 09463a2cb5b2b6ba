package listunsub

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

// uri checks one URI of List-Unsubscribe.
func (l *linter) uri(f lintField, u rawURI) {
	if !u.bracket || !u.closed {
		l.add(Error, "uri-brackets", "RFC 2369 section 2", f.line,
			"A URI in List-Unsubscribe is not in a pair of angle brackets. Write <URI>, <URI>.")
	}
	if u.folded {
		l.add(Error, "uri-folded", "RFC 2369 section 2", f.line,
			"There is white space or a fold inside a URI, and some clients cut it there. Fold only between URIs; shorten a URI that is too long.")
	}
	scheme, rest, _ := strings.Cut(u.text, ":")
	switch scheme = strings.ToLower(scheme); scheme {
	case "https":
		l.https++
		l.httpsURI(f, u.text)
	case "http":
		l.add(Error, "http-uri", "RFC 8058 section 3.1", f.line,
			"A URI is plain http. One-click needs https; serve the page by https and change the URI.")
		l.plainAddress(f, webParts(u.text))
	case "mailto":
		l.mailtoURI(f, rest)
	default:
		l.add(Warning, "uri-scheme", "RFC 2369 section 3.2", f.line,
			"The scheme of a URI is not https or mailto, and clients support no other.")
	}
}

func (l *linter) httpsURI(f lintField, u string) {
	p, err := url.Parse(u)
	if err != nil || p.Hostname() == "" || p.User != nil || badEscape(u) >= 0 || strings.IndexFunc(u, func(r rune) bool { return !isURIRune(r) }) >= 0 {
		l.add(Error, "https-syntax", "RFC 3986 section 3", f.line,
			"The https URI is not valid: it needs a host and no password, and everything outside of unreserved characters percent-encoded.")
	}
	l.plainAddress(f, webParts(u))
}

// webParts returns path, query and fragment of a web URI.
func webParts(u string) string {
	_, rest, _ := strings.Cut(u, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return rest[i:]
	}
	return ""
}

func (l *linter) mailtoURI(f lintField, rest string) {
	m := parseMailto(rest)
	if !m.plain || len(m.addresses) != 1 || badEscape(rest) >= 0 {
		l.add(Error, "mailto-syntax", "RFC 6068 section 2", f.line,
			"The mailto URI does not have the form mailto:local@domain?subject=text with exactly one address. Percent-encode everything unusual.")
	}
	show := ""
	for _, field := range m.fields {
		if field.name != "subject" && field.name != "body" {
			l.add(Warning, "mailto-fields", "RFC 6068 section 4", f.line,
				"The mailto URI sets %.30q; clients use only subject and body. Put what identifies the person into the address.", field.name)
			continue
		}
		show += " " + field.value
	}
	for _, a := range m.addresses {
		local, _, _ := strings.Cut(a, "@")
		show += " " + local
		// VERP writes user@example.com as user=example.com.
		if user, domain, ok := strings.Cut(local, "="); ok {
			show += " " + user + "@" + domain
		}
	}
	l.plainAddress(f, show)
}

// plainAddress says when a part of a URI shows an address to anybody who sees
// the URI: proxies, logs, analysis scripts, people a mail is forwarded to.
func (l *linter) plainAddress(f lintField, s string) {
	how := showsAddress(s)
	if how == "" {
		return
	}
	l.add(Warning, "plain-address", "RFC 8058 section 3.1", f.line,
		"A URI shows a mail address %s. Use an opaque token that is hard to forge; whoever can write an address could opt out anybody.", how)
}

// showsAddress says how s shows an address, or returns "".
func showsAddress(s string) string {
	if hasAddress(s) {
		return "in clear"
	}
	texts := []string{s}
	for range 2 { // some write percent-encoding twice
		u, err := url.PathUnescape(s)
		if err != nil || u == s {
			break
		}
		if hasAddress(u) {
			return "in percent-encoding"
		}
		s = u
		texts = append(texts, u)
	}
	for _, t := range texts {
		if inCode(t, "/") {
			return "in base64 or hexadecimal digits"
		}
		if inCode(t, "") { // standard base64 may hold a slash
			return "in base64 or hexadecimal digits"
		}
	}
	return ""
}

// inCode decodes every run of characters that could be base64 or hexadecimal.
func inCode(s, separators string) bool {
	runs := strings.FieldsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+/-_", r)) ||
			strings.ContainsRune(separators, r)
	})
	for _, run := range runs {
		if d, err := hex.DecodeString(run); err == nil && isText(d) && hasAddress(string(d)) {
			return true
		}
		text := strings.NewReplacer("-", "+", "_", "/").Replace(run)
		if len(text)%4 == 1 {
			text = text[:len(text)-1]
		}
		if d, err := base64.RawStdEncoding.DecodeString(text); err == nil && isText(d) && hasAddress(string(d)) {
			return true
		}
	}
	return false
}

// isText says whether most of b can be read. In bytes that are encrypted something
// like an address stands by chance once in some hundred thousand tokens.
func isText(b []byte) bool {
	n := 0
	for _, c := range b {
		if c >= ' ' && c <= '~' {
			n++
		}
	}
	return 4*n >= 3*len(b)
}

// hasAddress says whether s holds something like user@example.com.
func hasAddress(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] == '@' && isAtom(s[i-1:i]) && startsWithDomain(s[i+1:]) {
			return true
		}
	}
	return false
}

// startsWithDomain says whether s begins with labels and a top-level domain
// of letters.
func startsWithDomain(s string) bool {
	end := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.')
	})
	if end >= 0 {
		s = s[:end]
	}
	s = strings.TrimRight(s, ".-")
	dot := strings.LastIndexByte(s, '.')
	if dot < 1 || len(s)-dot-1 < 2 {
		return false
	}
	for _, r := range s[dot+1:] {
		if r >= '0' && r <= '9' || r == '-' {
			return strings.HasPrefix(s[dot+1:], "xn--")
		}
	}
	return true
}
