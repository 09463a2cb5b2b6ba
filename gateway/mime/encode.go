package mime

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"offramp/gateway/envelope"
)

const (
	maxColumn = 76 // bytes of a line with an encoded-word (RFC 2047 section 2)
	maxWord   = 60 // bytes of a word that is not encoded
)

// NewTextField returns a field of unstructured text (RFC 5322 section 2.2.1),
// such as Subject. Text that is not plain ASCII becomes encoded-words (RFC 2047),
// and long lines are folded. Its errors are those of [NewField].
//
// go-message v0.18.2 and net/mail do not fold between encoded-words, and leave text
// such as "=?utf-8?q?x?=" as it stands, which readers then decode.
func NewTextField(name, text string) ([]byte, error) {
	return NewField(name, foldWords(name, textWords(text)))
}

// NewMailboxField returns a field with one address, and a display name unless it
// is empty (RFC 5322 section 3.4), encoded and folded as [NewTextField] does. An
// address beyond ASCII stands as it is (RFC 6532). Its errors are those of
// [NewField].
func NewMailboxField(name, display string, a envelope.Address) ([]byte, error) {
	var words []string
	if display != "" {
		words = phraseWords(display)
	}
	if !a.UTF8() {
		return NewField(name, foldWords(name, append(words, "<"+a.String()+">")))
	}
	// NewField takes no such address. Parse let no control character into it.
	address := "<" + a.String() + ">\r\n"
	if len(words) == 0 {
		return []byte(name + ": " + address), nil
	}
	out, err := NewField(name, foldWords(name, words))
	return append(out, " "+address...), err
}

// textWords returns the words of unstructured text.
func textWords(text string) []string {
	words := strings.Split(text, " ")
	for _, w := range words {
		if len(w) > maxWord || !printable(w) || strings.Contains(w, "=?") {
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

// foldWords joins the words of the field with that name, with a line end where a
// line would grow too long.
func foldWords(name string, words []string) string {
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

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
