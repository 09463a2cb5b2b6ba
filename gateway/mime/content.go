package mime

import (
	"net/url"
	"strings"
)

// content is what the MIME fields of an entity say (RFC 2045).
type content struct {
	media       string // lower case, e.g. text/plain
	params      string // behind the first semicolon of Content-Type
	encoding    string // lower case
	disposition string // lower case; empty: none
	doubled     bool   // a field comes twice, so readers differ about it
}

// contentOf reads the MIME fields. other is the type of an entity without one.
func contentOf(h Header, other string) content {
	c := content{media: other, encoding: "7bit"}
	c.doubled = h.Count("Content-Type") > 1 || h.Count("Content-Transfer-Encoding") > 1
	if v := h.Get("Content-Type"); v != "" {
		var media string
		media, c.params, _ = strings.Cut(v, ";")
		c.media = firstWord(media)
	}
	if v := h.Get("Content-Transfer-Encoding"); v != "" {
		c.encoding = encodingNamed(firstWord(v))
	}
	if v := h.Get("Content-Disposition"); v != "" {
		v, _, _ = strings.Cut(v, ";")
		c.disposition = firstWord(v)
	}
	return c
}

// firstWord returns what stands before space, comment or semicolon, in lower
// case, behind comments. A semicolon behind an encoding is wrong, and readers
// look over it.
func firstWord(s string) string {
	for s = strings.Trim(s, " \t"); strings.HasPrefix(s, "("); s = strings.TrimLeft(s, " \t") {
		_, s, _ = strings.Cut(s, ")")
	}
	if i := strings.IndexAny(s, " \t(;"); i >= 0 {
		s = s[:i]
	}
	return strings.ToLower(s)
}

// encodingNamed returns the encoding that a word names. What no reader knows, they
// take as it is; these are known to mean no more than that.
func encodingNamed(word string) string {
	switch strings.Trim(word, `"'`) {
	case "7bit", "7-bit", "", "none":
		return "7bit"
	case "8bit", "8-bit", "utf-8", "utf8":
		return "8bit"
	case "binary":
		return "binary"
	}
	return word
}

func (c content) param(name string) string { return param(c.params, name, false) }

// Param returns a parameter of a structured value such as Content-Type, ""
// when it is absent. It reads what real mail has: semicolons may be missing.
func Param(value, name string) string { return param(value, name, true) }

// param returns a parameter, "" when it is absent. One that is split up or
// encoded (RFC 2231) counts where there is no plain one. Unlike ParseMediaType of
// the standard library it survives a broken neighbour. loose takes white space
// for a semicolon; what may be changed is not read so, since readers differ.
func param(s, name string, loose bool) string {
	var sections [10]string
	for s != "" {
		s = strings.TrimLeft(s, "; \t")
		end := strings.IndexAny(s, "=;")
		if end < 0 {
			break
		}
		key := strings.TrimRight(s[:end], " \t")
		if s[end] == ';' {
			s = s[end:]
			continue
		}
		if loose {
			key = key[strings.LastIndexAny(key, " \t")+1:]
		}
		var value string
		value, s = paramValue(strings.TrimLeft(s[end+1:], " \t"), loose)
		if strings.EqualFold(key, name) {
			return value
		}
		if n, encoded, ok := sectionOf(key, name); ok {
			if encoded {
				value = decodeSection(value, n == 0)
			}
			sections[n] = value
		}
	}
	var whole strings.Builder
	for _, value := range sections {
		if value == "" {
			break
		}
		whole.WriteString(value)
	}
	return whole.String()
}

// sectionOf says which part of a parameter a key names, as in "boundary*0*" or
// "boundary*", and whether its value is encoded (RFC 2231 sections 3 and 4).
func sectionOf(key, name string) (n int, encoded, ok bool) {
	if len(key) <= len(name) || !strings.EqualFold(key[:len(name)], name) || key[len(name)] != '*' {
		return 0, false, false
	}
	number, encoded := strings.CutSuffix(key[len(name)+1:], "*")
	switch {
	case number == "":
		return 0, true, !encoded // boundary*=
	case len(number) == 1 && number[0] >= '0' && number[0] <= '9':
		return int(number[0] - '0'), encoded, true
	}
	return 0, false, false
}

// decodeSection decodes "%41". The first section begins with charset and language.
func decodeSection(value string, first bool) string {
	if first {
		if parts := strings.SplitN(value, "'", 3); len(parts) == 3 {
			value = parts[2]
		}
	}
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}

// paramValue reads a token or a quoted-string and returns what follows it.
func paramValue(s string, loose bool) (value, rest string) {
	if s == "" || s[0] != '"' {
		ends := ";"
		if loose {
			ends = "; \t"
		}
		end := strings.IndexAny(s, ends)
		if end < 0 {
			end = len(s)
		}
		value = s[:end]
		if i := strings.IndexAny(value, " \t("); i >= 0 {
			value = value[:i]
		}
		return value, s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i == len(s) {
				return b.String(), ""
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// holdsASCII says whether text in a charset has ASCII characters as their own
// bytes, so that a placeholder can be found and a URL written. Only charsets
// known not to be so are left out, since new names for the others turn up.
func holdsASCII(charset string) bool {
	for _, prefix := range [...]string{"utf-16", "utf16", "utf-32", "utf32", "utf-7", "utf7", "ucs-", "ucs2", "ucs4",
		"iso-10646-", "unicode", "csunicode", "scsu", "bocu", "hz-", "ebcdic", "ibm037", "cp037", "ibm5", "ibm1047"} {
		if strings.HasPrefix(charset, prefix) {
			return false
		}
	}
	return true
}
