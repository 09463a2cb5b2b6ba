package mime

import (
	"io"
	stdmime "mime"
	"strings"
	"unicode"

	"offramp/gateway/envelope"
)

// FromDomain returns the domain of the first address of a From field's value
// (RFC 5322 section 3.6.2), lower case and in A-label form, or "". It reads
// what real mail has, so it never fails.
func FromDomain(value string) string {
	_, domain := FromAddress(value)
	return domain
}

// FromAddress returns the first address of a From field's value and its domain
// as [FromDomain] does; the address has that domain, and is empty where it
// could not be written to.
func FromAddress(value string) (address, domain string) {
	if address, domain = firstAddress(stripFrom(value)); domain != "" {
		return address, domain
	}
	return firstAddress(value) // an open quote or comment hides all that follows
}

func firstAddress(plain string) (address, domain string) {
	for mailbox := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == ',' || r == ';' }) {
		if open := strings.IndexByte(mailbox, '<'); open >= 0 {
			mailbox, _, _ = strings.Cut(mailbox[open+1:], ">")
		}
		at := strings.LastIndexByte(mailbox, '@')
		if at < 0 {
			continue
		}
		domain = strings.TrimSuffix(strings.Join(strings.Fields(mailbox[at+1:]), ""), ".")
		local := strings.TrimSpace(mailbox[:at])
		if a, err := envelope.Parse(local + "@" + domain); err == nil && !strings.ContainsAny(local, " \t") {
			return a.String(), a.Domain()
		}
		// Local parts are too odd too often, and the domain matters more.
		if a, err := envelope.Parse("x@" + domain); err == nil {
			return "", a.Domain()
		}
	}
	return "", ""
}

// DecodeWords returns text with its encoded-words (RFC 2047) decoded as far as
// they can be.
func DecodeWords(text string) string {
	if !strings.Contains(text, "=?") {
		return text
	}
	d := stdmime.WordDecoder{CharsetReader: func(name string, in io.Reader) (io.Reader, error) {
		raw, err := io.ReadAll(in)
		return strings.NewReader(toUTF8(name, raw)), err
	}}
	if decoded, err := d.DecodeHeader(text); err == nil {
		return decoded
	}
	return text
}

// stripFrom returns value without quoted strings and comments, in which
// characters do not mean what they mean outside.
func stripFrom(value string) string {
	var out strings.Builder
	quoted, depth := false, 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && (quoted || depth > 0):
			i++
		case quoted:
			quoted = c != '"'
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
		case c == '"':
			quoted = true
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// Keyword returns the first word of a structured value in lower case, without
// comments, white space and parameters: "auto-replied" of Auto-Submitted,
// "multipart/report" of Content-Type.
func Keyword(value string) string {
	var word strings.Builder
	depth, escaped := 0, false
	for i := range len(value) {
		c := value[i]
		switch {
		case escaped:
			escaped = false
		case depth > 0 && c == '\\':
			escaped = true
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0 || c == ' ' || c == '\t':
		case c == ';':
			return strings.ToLower(word.String())
		default:
			word.WriteByte(c)
		}
	}
	return strings.ToLower(word.String())
}

// OneLine returns a name that others chose as one line of valid UTF-8, without
// characters that steer the screen or the direction of what follows.
func OneLine(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
	return strings.Join(strings.Fields(name), " ")
}
