package envelope

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrOriginal says that a value is no ORCPT.
var ErrOriginal = errors.New("not an address type, a semicolon and an address")

// ValidNotify says whether s may be a NOTIFY value: NEVER alone, or SUCCESS,
// FAILURE and DELAY, each at most once (RFC 3461 section 4.1). Empty is valid:
// not given.
func ValidNotify(s string) bool {
	if s == "" || s == "NEVER" {
		return true
	}
	seen := map[string]bool{"SUCCESS": false, "FAILURE": false, "DELAY": false}
	for word := range strings.SplitSeq(s, ",") {
		if used, known := seen[word]; !known || used {
			return false
		}
		seen[word] = true
	}
	return true
}

// ParseOriginal reads the value of ORCPT (RFC 3461 section 4.2): an address type
// that is an atom, a semicolon, and an address, as xtext or, of the type utf-8, as
// RFC 6533 section 3 encodes it. Any type is taken. An address that is encoded
// wrongly is taken as it stands, since many senders do not encode it at all. The
// result is "type;address" decoded, with the type in lower case, or empty when an
// address is not UTF-8 and cannot be carried. Control characters are refused, which
// must not reach a bounce, and more than 500 bytes. Empty is not given.
func ParseOriginal(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	kind, address, _ := strings.Cut(value, ";")
	decode := fromXtext
	if kind = strings.ToLower(kind); kind == "utf-8" {
		decode = fromUTF8Address
	}
	if decoded, ok := decode(address); ok {
		address = decoded
	}
	switch {
	case !isAtom(kind) || address == "" || len(kind)+1+len(address) > 500:
		return "", ErrOriginal
	case !utf8.ValidString(address):
		return "", nil
	case checkText(address) != nil:
		return "", ErrOriginal
	}
	return kind + ";" + address, nil
}

func isAtom(s string) bool {
	return isDotAtom(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == '.' || r >= utf8.RuneSelf })
}

// fromXtext decodes "+" and two hexadecimal digits (RFC 3461 section 4).
func fromXtext(s string) (string, bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "+")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if len(after) < 2 || strings.ToUpper(after[:2]) != after[:2] {
			return "", false
		}
		c, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		s = after[2:]
	}
}

// fromUTF8Address decodes "\x{" hexadecimal digits "}" (RFC 6533 section 3).
func fromUTF8Address(s string) (string, bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\x{`)
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		digits, rest, closed := strings.Cut(after, "}")
		r, err := strconv.ParseUint(digits, 16, 21)
		if !closed || err != nil || !utf8.ValidRune(rune(r)) {
			return "", false
		}
		b.WriteRune(rune(r))
		s = rest
	}
}

// Xtext encodes the bytes of s (RFC 3461 section 4).
func Xtext(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c <= '~' && c != '+' && c != '=' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "+%02X", c)
		}
	}
	return b.String()
}

// UTF8Address encodes an address of the type utf-8: as utf-8-addr-unitext where
// raw UTF-8 may stand, else as utf-8-addr-xtext (RFC 6533 section 3).
func UTF8Address(s string, raw bool) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r > ' ' && r <= '~' && r != '+' && r != '=' && r != '\\', r > 0x7f && raw:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\x{%02X}`, r)
		}
	}
	return b.String()
}

// ValidEnvelopeID says whether s may be a decoded ENVID: at most 100 printable
// ASCII characters (RFC 3461 section 4.4). Empty is valid: not given.
func ValidEnvelopeID(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= 100
}
