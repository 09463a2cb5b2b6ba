package envelope

import (
	"fmt"
	"strings"
)

// Pattern fits every address of a domain, or of the domains below one. The zero
// Pattern fits none.
type Pattern struct {
	domain string // A-labels in lower case
	below  bool
}

// ErrPattern says that a text is not a pattern.
var ErrPattern = fmt.Errorf("not a pattern of a domain: write @example.org, or *.example.org for the domains below it")

// ParsePattern reads "@example.org" and "*@example.org", which fit the addresses
// of that domain alone, and "*.example.org", with or without "@" or "*@" in
// front, which fits those of every domain below it, at any depth.
func ParsePattern(s string) (Pattern, error) {
	rest, at := strings.CutPrefix(strings.TrimPrefix(s, "*"), "@")
	if !at {
		rest = s
	}
	domain, below := strings.CutPrefix(rest, "*.")
	if !at && !below || strings.HasPrefix(domain, "[") {
		return Pattern{}, ErrPattern
	}
	domain, err := normalDomain(domain)
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
// "@", or has a star that no mail system puts into a local part by itself.
func LikePattern(s string) bool {
	return strings.HasPrefix(s, "@") || strings.Contains(s, "*") && !strings.HasPrefix(s, `"`)
}
