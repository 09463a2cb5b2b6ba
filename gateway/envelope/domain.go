package envelope

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// normalDomain returns the one spelling of a domain or address literal.
func normalDomain(s string) (string, error) {
	if s != "" && s[0] == '[' {
		return normalLiteral(s)
	}
	upper := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 0x80:
			return unicodeDomain(s)
		case 'A' <= c && c <= 'Z':
			upper = true
		}
	}
	if upper {
		s = strings.ToLower(s)
	}
	return s, checkDomain(s)
}

// unicodeDomain turns U-labels into A-labels (UTS 46 non-transitional, as RFC
// 5891 looks names up). The result is checked like any other domain, because
// the mapping can bring forth ASCII characters that were not there before.
func unicodeDomain(s string) (string, error) {
	if len(s) > 4*maxDomain {
		return "", fault("domain over 255 bytes")
	}
	profile := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(),
		idna.CheckHyphens(false), idna.StrictDomainName(false))
	a, err := profile.ToASCII(s)
	if err != nil {
		return "", fault("domain is not a valid IDNA name")
	}
	return a, checkDomain(a)
}

// checkDomain checks a lower-case ASCII name: labels of 1 to 63 letters,
// digits, hyphens inside, and underscores (seen in real host names). The last
// label is not a number, which would be an address without its brackets.
func checkDomain(s string) error {
	if s == "" {
		return fault("no domain")
	}
	if len(s) > maxDomain {
		return fault("domain over 255 bytes")
	}
	start, digits := 0, true
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if i == start || i-start > 63 || s[start] == '-' || s[i-1] == '-' {
				return fault("domain has an invalid label")
			}
			if i < len(s) {
				start, digits = i+1, true
			}
			continue
		}
		switch c := s[i]; {
		case '0' <= c && c <= '9':
		case 'a' <= c && c <= 'z', c == '-', c == '_':
			digits = false
		default:
			return fault("domain has an invalid character")
		}
	}
	if digits {
		return fault("domain ends in a number")
	}
	return nil
}

// normalLiteral reads [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321 section 4.1.3).
func normalLiteral(s string) (string, error) {
	const tag = "ipv6:"
	if len(s) < 3 || s[len(s)-1] != ']' {
		return "", fault("unclosed address literal")
	}
	inner := s[1 : len(s)-1]
	v6 := len(inner) > len(tag) && strings.EqualFold(inner[:len(tag)], tag)
	if v6 {
		inner = inner[len(tag):]
	}
	ip, err := netip.ParseAddr(inner)
	if err != nil || ip.Zone() != "" || ip.Is4() == v6 {
		return "", fault("invalid address literal")
	}
	if v6 {
		return "[IPv6:" + ip.String() + "]", nil
	}
	return "[" + ip.String() + "]", nil
}

// readable is a domain in U-labels, for people who use it; one that has none
// stays as it is.
func readable(domain string) string {
	if u, err := idna.Display.ToUnicode(domain); err == nil {
		return u
	}
	return domain
}
