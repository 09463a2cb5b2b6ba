package confirmation

import (
	"strings"
	"unicode"

	"offramp/listunsub"
)

// codeLabel names the use of the code in a mail. The code follows from the
// token of the link beside it, which holds the person, what is asked and when.
const codeLabel = "offramp mailed code"

// codeOf is the code of the mail with the link that token is in.
func codeOf(t Tokens, token string) string { return t.Digits(codeLabel, []byte(token)) }

// grouped is a code as people read it: in two halves.
func grouped(code string) string { return code[:len(code)/2] + " " + code[len(code)/2:] }

// Verifier says whether digits were derived from data.
type Verifier interface {
	VerifyDigits(digits, label string, data ...[]byte) bool
}

// IsCode says whether code, as ReadCode returns it, is that of the mail with
// the link that token is in.
func IsCode(v Verifier, code, token string) bool {
	return v.VerifyDigits(code, codeLabel, []byte(token))
}

// zeros are the digits 0 that keyboards of our languages have: of US-ASCII,
// Arabic, Persian, and full width.
var zeros = [...]rune{'0', '٠', '۰', '０'}

// ReadCode returns the digits that somebody typed or pasted, whatever stands
// between them but letters and signs. ok is false for what cannot be a code.
func ReadCode(typed string) (code string, ok bool) {
	if len(typed) > 100 {
		return "", false
	}
	var b strings.Builder
next:
	for _, r := range typed {
		for _, zero := range zeros {
			if r >= zero && r <= zero+9 {
				b.WriteRune('0' + r - zero)
				continue next
			}
		}
		if !unicode.IsSpace(r) && !unicode.Is(unicode.Bidi_Control, r) && !unicode.Is(unicode.Dash, r) {
			return "", false
		}
	}
	return b.String(), b.Len() == listunsub.DigitCount
}
