package listunsub

import (
	"fmt"
	"net/url"
	"strings"
)

// Mailto returns a mailto URI (RFC 6068) for address, with a subject when that
// is not empty. Everything that is not safe in a URI is percent-encoded; "+"
// is not, because some clients do not decode addresses.
// The error wraps ErrURI when address has no local part or no domain.
func Mailto(address, subject string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 {
		return "", fmt.Errorf("no local part or no domain: %w", ErrURI)
	}
	u := "mailto:" + escapeMailto(address[:at]) + "@" + escapeMailto(address[at+1:])
	if subject != "" {
		u += "?subject=" + escapeMailto(subject)
	}
	return u, nil
}

func escapeMailto(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~+=", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// mailto is a mailto URI taken apart. Names of fields are in lower case.
type mailto struct {
	addresses []string // decoded
	fields    []mailtoField
	plain     bool // well-formed: escapes decode, every address has one @ with text around it
}

type mailtoField struct{ name, value string }

// parseMailto reads what follows "mailto:". Broken pieces are kept as they are
// and make it not plain.
func parseMailto(s string) mailto {
	m := mailto{plain: true}
	decode := func(s string) string {
		d, err := url.PathUnescape(s)
		if err != nil {
			m.plain = false
			return s
		}
		return d
	}
	to, query, hasQuery := strings.Cut(s, "?")
	if to != "" {
		for a := range strings.SplitSeq(to, ",") {
			a = decode(a)
			at := strings.IndexByte(a, '@')
			if at <= 0 || at == len(a)-1 || strings.Count(a, "@") != 1 || strings.ContainsAny(a, " \t\r\n\x00<>") {
				m.plain = false
			}
			m.addresses = append(m.addresses, a)
		}
	}
	if hasQuery {
		for f := range strings.SplitSeq(query, "&") {
			name, value, ok := strings.Cut(f, "=")
			m.plain = m.plain && ok && name != ""
			m.fields = append(m.fields, mailtoField{strings.ToLower(decode(name)), decode(value)})
		}
	}
	return m
}
