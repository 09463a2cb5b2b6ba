package envelope

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Pattern fits every address of a domain, or of the domains below one. The zero
// Pattern fits none.
type Pattern struct {
	domain string // A-labels in lower case
	below  bool
}

// ErrPattern says that a text is not a pattern.
var ErrPattern = fmt.Errorf("not a pattern of a domain: write @example.org, or *.example.org for the domains below it")

// ErrPublic says that a pattern takes in the domains of many: those below a public
// suffix, such as com or co.uk.
var ErrPublic = errors.New("a pattern of a public suffix, under which many have their domains: name the domains instead")

// Public says whether the pattern fits addresses of a public suffix of ICANN's
// (publicsuffix.org), or of all the domains below one.
func (p Pattern) Public() bool {
	return p.domain != "" && (public(p.domain) || p.below && public("x."+p.domain))
}

func public(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	return icann && suffix == domain
}

// ParsePattern reads "@example.org" and "*@example.org", which fit the addresses
// of that domain alone, and "*.example.org", with or without "@" or "*@" in
// front, which fits those of every domain below it, at any depth. A full stop at the
// end, as the name service has it, is no part of the name, nor is the ' that a
// spreadsheet puts in front of "@".
func ParsePattern(s string) (Pattern, error) {
	if strings.HasPrefix(s, "'@") {
		s = s[1:]
	}
	rest, at := strings.CutPrefix(strings.TrimPrefix(s, "*"), "@")
	if !at {
		rest = s
	}
	domain, below := strings.CutPrefix(rest, "*.")
	if !at && !below || strings.HasPrefix(domain, "[") {
		return Pattern{}, ErrPattern
	}
	domain, err := normalDomain(strings.TrimSuffix(domain, "."))
	if err != nil {
		return Pattern{}, fmt.Errorf("%w (%w)", ErrPattern, err)
	}
	return Pattern{domain: domain, below: below}, nil
}

// Key is the one spelling of the pattern, as records have it: "@example.org" or
// "@*.example.org"; empty for the zero Pattern. No address has it for a key.
func (p Pattern) Key() string {
	switch {
	case p.domain == "":
		return ""
	case p.below:
		return "@*." + p.domain
	}
	return "@" + p.domain
}

// LikePattern says whether a text is meant to be a pattern, valid or not: it begins with
// "@", also behind the ' that a spreadsheet puts in front, or has a star that no mail
// system puts into a local part by itself.
func LikePattern(s string) bool {
	return strings.HasPrefix(s, "@") || strings.HasPrefix(s, "'@") || strings.Contains(s, "*") && !strings.HasPrefix(s, `"`)
}
