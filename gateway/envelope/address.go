// Package envelope holds what SMTP says about a message beside its content:
// addresses and the key they are looked up by, the envelope, the queue id, and
// sizes as settings write them.
package envelope

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Limits of RFC 5321 section 4.5.3.1, in bytes without quotes and angle brackets.
const (
	maxDomain = 255
	maxPath   = 254 // a path has 256 with its angle brackets
)

// ErrAddress is wrapped by every error about an address. The texts name the
// error and never repeat the address, so they may be logged and sent.
var ErrAddress = errors.New("invalid address")

// Address is a mailbox of an SMTP envelope. The zero value is the null
// reverse-path. Two addresses are equal (==) when they are the same mailbox as
// far as SMTP is concerned: local part byte for byte, domain in one spelling. Use
// Key to find out whether they belong to one person.
type Address struct {
	local  string // without quotes, as written
	domain string // lower-case A-labels, or an address literal; empty: null or postmaster
}

// Parse reads an address without angle brackets, either as it stands on the
// wire (with a quoted local part where RFC 5321 asks for it) or with the quotes
// taken off, as go-smtp hands it over. It is split at the last @. Where both
// readings are possible (the unquoted local part begins with a quotation mark)
// the quoted one counts; ParseUnquoted never reads quotes.
//
// Refused are: the empty string, an empty local part, control characters,
// bytes that are not UTF-8, source routes, a path
// over 254, and a domain that neither is one nor an address literal. A local
// part that is not a dot-atom is accepted and leaves quoted. A domain with letters
// outside ASCII becomes A-labels by UTS 46 (non-transitional); underscores pass.
func Parse(s string) (Address, error) {
	if len(s) == 0 || s[0] != '"' {
		return ParseUnquoted(s)
	}
	local, rest, err := unquote(s)
	if err != nil {
		return Address{}, err
	}
	if len(rest) == 0 || rest[0] != '@' {
		return Address{}, fault("no @ after the quoted local part")
	}
	return newAddress(local, rest[1:])
}

// ParseUnquoted is Parse for an address whose quotes were taken off already: a
// quotation mark is a character like any other. A local part that begins with
// one is refused, since nothing distinguishes it from a quoted one later.
func ParseUnquoted(s string) (Address, error) {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return Address{}, fault("no @")
	}
	return newAddress(s[:at], s[at+1:])
}

// ParseReversePath is Parse for MAIL: the empty string is the null reverse-path.
func ParseReversePath(s string) (Address, error) {
	if s == "" {
		return Address{}, nil
	}
	return Parse(s)
}

// newAddress checks both halves. local comes without quotes.
func newAddress(local, domain string) (Address, error) {
	switch {
	case local == "":
		return Address{}, fault("no local part")
	case local[0] == '"':
		return Address{}, fault("local part begins with a quotation mark")
	case local[0] == '@':
		return Address{}, fault("source routes are not supported")
	}
	if err := checkText(local); err != nil {
		return Address{}, err
	}
	// A trailing dot says what is said without it (RFC 1034 section 3.1).
	domain, err := normalDomain(strings.TrimSuffix(domain, "."))
	if err != nil {
		return Address{}, err
	}
	a := Address{local: local, domain: domain}
	if len(local)+1+len(domain) > maxPath {
		return Address{}, fault("address over 254 bytes")
	}
	return a, nil
}

// unquote reads the quoted-string that s begins with (RFC 5321 section 4.1.2)
// and returns its content and what follows.
func unquote(s string) (content, rest string, err error) {
	end := strings.IndexAny(s[1:], `"\`) + 1
	if end > 0 && s[end] == '"' {
		return s[1:end], s[end+1:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			if i++; i == len(s) {
				return "", "", fault("unclosed quoted local part")
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fault("unclosed quoted local part")
}

// checkText refuses what no address can carry even when quoted.
func checkText(s string) error {
	ascii := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c == 0x7f {
			return fault("control character")
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		return nil
	}
	if !utf8.ValidString(s) {
		return fault("not UTF-8")
	}
	for _, r := range s {
		// C1 controls, line and paragraph separator: line ends to some readers.
		if r >= 0x80 && r <= 0x9f || r == 0x2028 || r == 0x2029 {
			return fault("control character")
		}
	}
	return nil
}

func fault(text string) error { return fmt.Errorf("%w: %s", ErrAddress, text) }

// String returns the form that goes on the wire between angle brackets: the
// local part quoted where it is not a dot-atom, the domain in A-labels. The null
// reverse-path is empty. ParseReversePath gives the same address again.
func (a Address) String() string {
	switch {
	case a.IsNull():
		return ""
	case isDotAtom(a.local):
		return a.local + "@" + a.domain
	}
	return a.quoted()
}

// Literal is the address in a spelling that nobody reads as a pattern: with a
// star in it, the local part is quoted.
func (a Address) Literal() string {
	if s := a.String(); !LikePattern(s) {
		return s
	}
	return a.quoted()
}

// quoted is the address with its local part as a quoted string.
func (a Address) quoted() string {
	b := make([]byte, 0, len(a.local)+len(a.domain)+8)
	b = append(b, '"')
	for i := 0; i < len(a.local); i++ {
		if c := a.local[i]; c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, a.local[i])
	}
	b = append(b, '"', '@')
	return string(append(b, a.domain...))
}

// isDotAtom says whether s can stand without quotes (RFC 5321 section 4.1.2
// Dot-string; RFC 6531 section 3.3 adds everything outside ASCII).
func isDotAtom(s string) bool {
	dot := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if dot {
				return false
			}
			dot = true
			continue
		}
		dot = false
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c >= utf8.RuneSelf:
		case strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0:
		default:
			return false
		}
	}
	return !dot
}

// Key is what choices and suppressions are recorded under: the local part
// without quotes, case-folded and in NFC, "@", the domain. Dots and plus tags
// are kept, since merging them would opt out other people. Compatibility
// characters and look-alikes stay different. The null reverse-path has an empty
// key, postmaster without a domain the key "postmaster".
func (a Address) Key() string {
	local := a.local
	upper := false
	for i := 0; i < len(local); i++ {
		c := local[i]
		if c >= utf8.RuneSelf {
			// Unicode section 3.13, D145: decompose, fold, then one form.
			local = norm.NFC.String(cases.Fold().String(norm.NFD.String(local)))
			upper = false
			break
		}
		upper = upper || 'A' <= c && c <= 'Z'
	}
	if upper {
		local = strings.ToLower(local)
	}
	if a.domain == "" {
		return local
	}
	return local + "@" + a.domain
}

// Local is the local part without quotes, as written.
func (a Address) Local() string { return a.local }

// Domain is the domain in lower-case A-labels, an address literal in brackets,
// or empty for the null reverse-path.
func (a Address) Domain() string { return a.domain }

// IsNull says whether a is the null reverse-path.
func (a Address) IsNull() bool { return a.local == "" }

// UTF8 says whether the address can be sent only with SMTPUTF8 (RFC 6531).
func (a Address) UTF8() bool {
	for i := 0; i < len(a.local); i++ {
		if a.local[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// Masked returns the address for pages and logs, where strangers may see it:
// "a•••@e•••.example". Its owner recognises it, nobody can write to it.
func (a Address) Masked() string {
	switch {
	case a.IsNull():
		return "<>"
	case a.domain[0] == '[':
		return first(a.local) + dots + "@[" + dots + "]"
	}
	masked := first(a.local) + dots + "@" + first(a.domain) + dots
	if dot := strings.LastIndexByte(a.domain, '.'); dot >= 0 {
		masked += a.domain[dot:]
	}
	return masked
}

// MaskedLocal returns the address for its owner, on pages that others may see
// too: "a•••e@example.com". The domain, and the ends of a local part of four
// characters or more, tell two addresses of one person apart.
func (a Address) MaskedLocal() string {
	if a.IsNull() || a.domain[0] == '[' {
		return a.Masked()
	}
	masked := first(a.local) + dots
	if utf8.RuneCountInString(a.local) > 3 {
		_, n := utf8.DecodeLastRuneInString(a.local)
		masked += a.local[len(a.local)-n:]
	}
	return masked + "@" + readable(a.domain)
}

const dots = "•••"

// first returns the first character of s.
func first(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// LogValue makes slog write the masked form.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.Masked()) }
