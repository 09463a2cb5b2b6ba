package confirmation

import (
	"strings"
	"unicode"
)

const maxName = 200 // characters of a name, or a subject, that anybody reads

// plain makes a name what it should be: one line, without characters that
// steer the screen or the direction of what follows, of maxName characters.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
	name = strings.Join(strings.Fields(name), " ")
	n := 0
	for i := range name {
		if n++; n > maxName {
			return name[:i] + "…"
		}
	}
	return name
}
