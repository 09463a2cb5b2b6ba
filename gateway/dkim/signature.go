package dkim

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Signature is what a DKIM-Signature field says of itself; nothing of it is
// verified.
type Signature struct {
	Domain string   // tag d=, lower case
	Fields []string // tag h=, lower case
	// SimpleHeader is that the header was signed as it is, so that it may not
	// be folded otherwise (RFC 6376 section 3.4.1).
	SimpleHeader bool
}

// ParseSignature reads the value of a DKIM-Signature field (RFC 6376 section
// 3.5) as far as it goes.
func ParseSignature(value string) Signature {
	s := Signature{SimpleHeader: true} // the default
	for tag := range strings.SplitSeq(value, ";") {
		name, text, _ := strings.Cut(tag, "=")
		text = strings.ToLower(strings.Join(strings.Fields(text), ""))
		switch strings.TrimSpace(name) {
		case "d":
			s.Domain = strings.TrimSuffix(text, ".")
		case "c":
			s.SimpleHeader = !strings.HasPrefix(text, "relaxed")
		case "h":
			s.Fields = strings.Split(text, ":")
		}
	}
	return s
}

// Covers says whether a field, named in lower case, is among the signed ones,
// also where the signature only keeps it from being added (section 5.4.2).
func (s Signature) Covers(field string) bool { return slices.Contains(s.Fields, field) }

// CoversAsIs says whether a field, named in any case, may not be folded otherwise
// than it is. The signature itself is part of what it covers (section 3.7).
func (s Signature) CoversAsIs(field string) bool {
	return s.SimpleHeader && (s.Covers(strings.ToLower(field)) || strings.EqualFold(field, "DKIM-Signature"))
}

// Aligned says whether the signature counts for mail from a domain: both have
// one organizational domain (RFC 7489 section 3.1.1).
func (s Signature) Aligned(fromDomain string) bool {
	if s.Domain == fromDomain {
		return fromDomain != ""
	}
	ours, err := publicsuffix.EffectiveTLDPlusOne(s.Domain)
	if err != nil {
		return false
	}
	theirs, err := publicsuffix.EffectiveTLDPlusOne(fromDomain)
	return err == nil && ours == theirs
}
