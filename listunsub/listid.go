package listunsub

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// ErrListID says that a List-Id value or identifier cannot be used.
var ErrListID = errors.New("not a list identifier")

// maxListID is the longest identifier (RFC 2919 section 3).
const maxListID = 255

// ListID is the value of a List-Id field (RFC 2919).
type ListID struct {
	Name string // readable name, UTF-8, any length; empty: none
	ID   string // identifier without brackets, e.g. "news.example.com"
}

// ParseListID reads a List-Id value: a name, quoted or not, that may hold
// encoded-words (RFC 2047), and the identifier in angle brackets. Also taken
// are an identifier without brackets, comments, and white space inside the
// brackets. White space in the name is collapsed, control characters in it
// become spaces. The case of the identifier is kept; compare [CanonicalID].
// The error wraps ErrListID for an identifier that is empty, over 255 bytes
// or not printable US-ASCII.
func ParseListID(value string) (ListID, error) {
	value = unfold(value)
	plain, phrase := value, ""
	if open := strings.LastIndexByte(value, '<'); open >= 0 {
		phrase, plain = value[:open], value[open+1:]
		plain, _, _ = strings.Cut(plain, ">")
	} else {
		plain = stripComments(value)
	}
	l := ListID{Name: decodePhrase(phrase), ID: strings.Map(dropSpace, plain)}
	switch {
	case l.ID == "":
		return ListID{}, fmt.Errorf("empty: %w", ErrListID)
	case len(l.ID) > maxListID:
		return ListID{}, fmt.Errorf("%d bytes, at most %d: %w", len(l.ID), maxListID, ErrListID)
	case !isPrintable(l.ID) || strings.ContainsAny(l.ID, "<>"):
		return ListID{}, fmt.Errorf("not printable US-ASCII: %w", ErrListID)
	}
	return l, nil
}

// Compose returns the field value, folded (CRLF SP) between words when a line
// would pass 78 bytes. A name that is not plain text is quoted; one beyond
// US-ASCII is written in encoded-words. The error wraps ErrListID when the ID
// is empty, over 255 bytes or not of dot-atom form (RFC 5322 section 3.2.3).
// RFC 2919 section 2 also wants a dot in it; that is left to the caller.
func (l ListID) Compose() (string, error) {
	if len(l.ID) == 0 || len(l.ID) > maxListID || !isDotAtom(l.ID) {
		return "", fmt.Errorf("identifier of %d bytes, want a dot-atom of 1 to %d: %w", len(l.ID), maxListID, ErrListID)
	}
	return foldWords(len("List-Id: "), append(phraseWords(cleanName(l.Name)), "<"+l.ID+">")), nil
}

// foldWords joins words with SP or CRLF SP; column is where the first begins.
func foldWords(column int, words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			if column+1+len(w) > goodLine {
				b.WriteString("\r\n")
				column = 0
			}
			b.WriteByte(' ')
			column++
		}
		column += len(w)
		b.WriteString(w)
	}
	return b.String()
}

// phraseWords renders a name as the words of a phrase (RFC 5322 section 3.2.5).
// A very long word is encoded, because only that can be folded.
func phraseWords(name string) []string {
	if name == "" {
		return nil
	}
	if !isPrintable(strings.ReplaceAll(name, " ", "")) || strings.Contains(name, "=?") || longestWord(name) > 400 {
		return encodedWords(name)
	}
	words := strings.Split(name, " ")
	for _, w := range words {
		if !isAtom(w) {
			quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
			return strings.Split(quoted, " ")
		}
	}
	return words
}

func longestWord(s string) int {
	longest := 0
	for w := range strings.SplitSeq(s, " ") {
		longest = max(longest, len(w))
	}
	return longest
}

// encodedWords splits between characters, as RFC 2047 section 5 asks. 42
// bytes give words of 68, so that the first fits beside the field's name.
func encodedWords(s string) []string {
	var words []string
	for s != "" {
		n := 0
		for n < len(s) {
			_, size := utf8.DecodeRuneInString(s[n:])
			if n+size > 42 {
				break
			}
			n += size
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return words
}

// decodePhrase returns the text of a phrase: quotes and comments removed,
// encoded-words decoded, also within quotes, where they should not be but are.
func decodePhrase(phrase string) string {
	text := unquote(phrase)
	d := mime.WordDecoder{CharsetReader: charsetReader}
	if decoded, err := d.DecodeHeader(text); err == nil {
		text = decoded
	}
	return cleanName(text)
}

func charsetReader(charset string, input io.Reader) (io.Reader, error) {
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil, fmt.Errorf("charset %q: %w", charset, err)
	}
	return e.NewDecoder().Reader(input), nil
}

// unquote removes quotation marks, quoted pairs and comments. A quote that is
// never closed reaches to the end.
func unquote(s string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == '"':
			quoted = !quoted
		case c == '(' && !quoted:
			if n := scanComment(s[i:]); n > 1 {
				i += n - 1
			} else {
				b.WriteByte(c)
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func stripComments(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '(' {
			if n := scanComment(s[i:]); n > 1 {
				i += n - 1
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// cleanName returns valid UTF-8 without control characters and with single
// spaces between words.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// isAtom says whether s is an atom (RFC 5322 section 3.2.3).
func isAtom(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0) {
			return false
		}
	}
	return true
}

// isDotAtom says whether s is atoms with single dots between them.
func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if !isAtom(atom) {
			return false
		}
	}
	return true
}
