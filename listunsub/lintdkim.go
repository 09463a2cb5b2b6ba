package listunsub

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// dkim checks what the signatures promise to cover. A receiver offers one-click
// only when one valid signature covers both fields (RFC 8058 section 4).
func (l *linter) dkim() {
	if len(l.named("list-unsubscribe")) == 0 {
		return
	}
	all := l.named("dkim-signature")
	if len(all) == 0 {
		l.add(Error, "dkim-missing", "RFC 8058 section 4", 0,
			"There is no DKIM-Signature, so clients ignore List-Unsubscribe-Post. Sign last, with both list fields in h=.")
		return
	}
	var signatures []signature
	for _, f := range all {
		s, err := parseSignature(f.raw)
		if err != nil {
			l.add(Error, "dkim-syntax", "RFC 6376 section 3.5", f.line, "This DKIM-Signature cannot be valid: %v.", err)
			continue
		}
		s.line = f.line
		signatures = append(signatures, s)
	}
	if len(signatures) == 0 {
		return
	}
	l.coverage(signatures)
}

// coverage judges the best signature: receivers need one.
func (l *linter) coverage(signatures []signature) {
	best := signatures[0]
	for _, s := range signatures {
		if l.rank(s) > l.rank(best) {
			best = s
		}
	}
	var missing []string
	if best.count("list-unsubscribe") == 0 {
		missing = append(missing, "List-Unsubscribe")
	}
	if l.posted && best.count("list-unsubscribe-post") == 0 {
		missing = append(missing, "List-Unsubscribe-Post")
	}
	if len(missing) > 0 {
		l.add(Error, "dkim-coverage", "RFC 8058 section 4", best.line,
			"No DKIM signature covers both list fields; h= of this one lacks %s. Add it to the signer's list of fields, and sign after the fields are added.", strings.Join(missing, " and "))
		return
	}
	if !l.oversigned(best) {
		l.add(Warning, "dkim-oversign", "RFC 6376 section 8.15", best.line,
			"The list fields are signed and not oversigned, so somebody can put another one in front of a replayed copy. Name each once more in h= than it occurs.")
	}
	if best.bodyLength {
		l.add(Warning, "dkim-length", "RFC 6376 section 8.2", best.line,
			"The signature covers only a part of the body (l=), so text can be added to it. Leave l= out.")
	}
	if !l.aligned(best) {
		l.add(Warning, "dkim-align", "RFC 7489 section 3.1.1", best.line,
			"The signature is by %s and From is of %s. Large receivers count only a signature of the From domain.", best.domain, l.fromDomain())
	}
}

// rank orders signatures: what they cover before whose they are before the rest.
func (l *linter) rank(s signature) int {
	rank := 0
	for _, good := range [...]bool{
		s.count("list-unsubscribe") > 0 && s.count("list-unsubscribe-post") > 0,
		s.count("list-unsubscribe") > 0,
		l.aligned(s), l.oversigned(s), !s.bodyLength,
	} {
		rank <<= 1
		if good {
			rank++
		}
	}
	return rank
}

// oversigned says whether h= names the list fields more often than they occur.
func (l *linter) oversigned(s signature) bool {
	for _, name := range [...]string{"list-unsubscribe", "list-unsubscribe-post"} {
		if n := len(l.named(name)); n > 0 && s.count(name) <= n {
			return false
		}
	}
	return true
}

// aligned says whether the signature is by the From domain, a parent or a
// child of it, or From cannot be read.
func (l *linter) aligned(s signature) bool {
	from := l.fromDomain()
	return from == "" || from == s.domain || strings.HasSuffix(from, "."+s.domain) || strings.HasSuffix(s.domain, "."+from)
}

// fromDomain returns the domain of From when it is plain to see.
func (l *linter) fromDomain() string {
	from := l.named("from")
	if len(from) != 1 {
		return ""
	}
	value := strings.TrimSpace(stripComments(unfold(from[0].raw)))
	if i := strings.LastIndexByte(value, '<'); i >= 0 {
		value, _, _ = strings.Cut(value[i+1:], ">")
	}
	_, domain, _ := strings.Cut(value, "@")
	domain = strings.ToLower(strings.TrimSpace(domain))
	if !isDotAtom(domain) {
		return ""
	}
	return domain
}

// signature is a DKIM-Signature field of valid syntax.
type signature struct {
	domain     string   // d=, lower case
	names      []string // h=, lower case
	bodyLength bool     // has l=
	line       int
}

func (s signature) count(name string) int {
	n := 0
	for _, h := range s.names {
		if h == name {
			n++
		}
	}
	return n
}

// parseSignature reads a field (RFC 6376 section 3.5).
func parseSignature(raw string) (signature, error) {
	tags := make(map[string]string)
	for spec := range strings.SplitSeq(strings.Map(dropSpace, raw), ";") {
		if spec == "" {
			continue
		}
		name, value, ok := strings.Cut(spec, "=")
		if !ok || name == "" {
			return signature{}, errors.New("a tag has no \"=\"")
		}
		if _, twice := tags[name]; twice {
			return signature{}, fmt.Errorf("the tag %.20q occurs twice", name)
		}
		tags[name] = value
	}
	for _, name := range [...]string{"v", "a", "b", "bh", "d", "h", "s"} {
		if tags[name] == "" {
			return signature{}, fmt.Errorf("the tag %s= is missing or empty", name)
		}
	}
	s := signature{domain: strings.ToLower(tags["d"]), names: strings.Split(strings.ToLower(tags["h"]), ":")}
	_, s.bodyLength = tags["l"]
	switch a := strings.ToLower(tags["a"]); {
	case tags["v"] != "1":
		return signature{}, errors.New("v= is not 1")
	case a != "rsa-sha256" && a != "ed25519-sha256": // RFC 8301 section 3.1 forbids rsa-sha1
		return signature{}, fmt.Errorf("a= is %.20q, want rsa-sha256 or ed25519-sha256", a)
	case !isDotAtom(s.domain) || !strings.Contains(s.domain, "."):
		return signature{}, errors.New("d= is not a domain")
	case s.count("from") == 0:
		return signature{}, errors.New("h= lacks From")
	}
	for _, name := range [...]string{"b", "bh"} {
		if _, err := base64.StdEncoding.DecodeString(tags[name]); err != nil {
			return signature{}, fmt.Errorf("%s= is not base64", name)
		}
	}
	return s, nil
}
