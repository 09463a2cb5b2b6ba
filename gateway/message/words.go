package message

import (
	"strings"

	"offramp/gateway/envelope"
)

// FromDomain returns the domain of the first address of a From field's value
// (RFC 5322 section 3.6.2), lower case and in A-label form, or "". It reads
// what real mail has, so it never fails.
func FromDomain(value string) string {
	if d := firstDomain(stripFrom(value)); d != "" {
		return d
	}
	return firstDomain(value) // an open quote or comment hides all that follows
}

func firstDomain(plain string) string {
	for mailbox := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == ',' || r == ';' }) {
		if open := strings.IndexByte(mailbox, '<'); open >= 0 {
			mailbox, _, _ = strings.Cut(mailbox[open+1:], ">")
		}
		at := strings.LastIndexByte(mailbox, '@')
		if at < 0 {
			continue
		}
		domain := strings.Join(strings.Fields(mailbox[at+1:]), "")
		// Only the domain matters here: local parts are too odd too often.
		if a, err := envelope.Parse("x@" + strings.TrimSuffix(domain, ".")); err == nil {
			return a.Domain()
		}
	}
	return ""
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
