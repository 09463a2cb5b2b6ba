package confirmation

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
)

const (
	maxName   = 200 // characters of a name, or a subject, that anybody reads
	maxColumn = 76
	maxWord   = 60 // bytes of a word that is not encoded
)

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

// textWords returns the words of unstructured text (RFC 5322 section 2.2.1).
func textWords(text string) []string {
	words := strings.Split(text, " ")
	for _, w := range words {
		if len(w) > maxWord || !ascii(w) || strings.Contains(w, "=?") {
			return encodedWords(text)
		}
	}
	return words
}

// phraseWords returns the words of a display name (RFC 5322 section 3.2.5).
func phraseWords(name string) []string {
	if words := textWords(name); len(words) == 0 || strings.HasPrefix(words[0], "=?") {
		return words
	}
	return strings.Split(`"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)+`"`, " ")
}

// encodedWords writes text in encoded-words of at most 68 bytes, the first of
// which fits behind a short name, cut between characters (RFC 2047 section 5).
func encodedWords(text string) []string {
	const piece = 42
	var words []string
	for text != "" {
		n := min(piece, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:n]))+"?=")
		text = text[n:]
	}
	return words
}

// fold joins the words of the field with that name, with a line end where a
// line would grow too long.
func fold(name string, words []string) string {
	var out strings.Builder
	column := len(name) + len(":")
	for i, w := range words {
		switch {
		case i == 0:
			column++
		case column+1+len(w) > maxColumn:
			out.WriteString("\r\n ")
			column = 1
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(w)
		column += len(w)
	}
	return out.String()
}

// mailbox returns a field with one address, and its name if there is one.
func mailbox(field, name string, a envelope.Address) ([]byte, error) {
	var words []string
	if name = plain(name); name != "" {
		words = phraseWords(name)
	}
	if !a.UTF8() {
		return mime.NewField(field, fold(field, append(words, "<"+a.String()+">")))
	}
	// RFC 6532: such an address stands as it is, which NewField takes none of.
	// Parse let no control character into it.
	address := "<" + a.String() + ">\r\n"
	if len(words) == 0 {
		return []byte(field + ": " + address), nil
	}
	out, err := mime.NewField(field, fold(field, words))
	return append(out, " "+address...), err
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
