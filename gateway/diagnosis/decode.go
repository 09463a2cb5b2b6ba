package diagnosis

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"

	"offramp/gateway/mime"
)

// decoded returns the text of a part in UTF-8, at most limit bytes of it. What
// is not clean is read as far as it goes.
func (p part) decoded(limit int) string {
	body := p.body
	switch mime.Keyword(p.header.Get("Content-Transfer-Encoding")) {
	case "base64":
		body = fromBase64(body[:min(len(body), 2*limit)])
	case "quoted-printable":
		body = fromQuotedPrintable(body[:min(len(body), 4*limit)])
	}
	text := toUTF8(parameter(p.header.Get("Content-Type"), "charset"), body[:min(len(body), limit)])
	return strings.ReplaceAll(clip(text, limit), "\r\n", "\n")
}

// clip cuts text to limit bytes and never inside a character.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// fromBase64 skips whatever is not base64 (RFC 2045 section 6.8) and keeps
// what was decoded before padding or the end.
func fromBase64(in []byte) []byte {
	clean := make([]byte, 0, len(in))
	for _, c := range in {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean)
	return out[:n]
}

// fromQuotedPrintable leaves an equals sign that begins nothing as it is (RFC
// 2045 section 6.7).
func fromQuotedPrintable(in []byte) []byte {
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i] != '=' {
			out = append(out, in[i])
			continue
		}
		end := lineEnd(in, i)
		if len(bytes.TrimSpace(in[i+1:end])) == 0 { // soft line break
			i = end - 1
			continue
		}
		if i+2 < len(in) {
			hi, ok1 := hexDigit(in[i+1])
			lo, ok2 := hexDigit(in[i+2])
			if ok1 && ok2 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, '=')
	}
	return out
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// toUTF8 believes a charset only where the bytes allow it.
func toUTF8(name string, in []byte) string {
	switch name = strings.ToLower(strings.Trim(name, `'" `)); {
	case bytes.Contains(in, []byte("\x1b$")):
		name = "iso-2022-jp" // says so itself, whatever the label is
	case !isASCII(string(in)) && utf8.Valid(in):
		return string(in) // no other charset looks so by chance
	case name == "", name == "us-ascii", name == "ascii", name == "utf-8", name == "utf8":
		if utf8.Valid(in) {
			return string(in)
		}
		if strings.HasPrefix(name, "utf") {
			return strings.ToValidUTF8(string(in), "�")
		}
		name = "windows-1252"
	}
	reader, err := charset.Reader(name, bytes.NewReader(in))
	if err != nil {
		return strings.ToValidUTF8(string(in), "�")
	}
	out, _ := io.ReadAll(io.LimitReader(reader, int64(4*len(in)+16)))
	return strings.ToValidUTF8(string(out), "�")
}

// words decodes the encoded words of a field (RFC 2047).
func words(value string) string {
	if strings.Contains(value, "=?") {
		value = mime.DecodeWords(clip(value, maxReason))
	}
	return clip(strings.ToValidUTF8(value, "\ufffd"), maxReason)
}

// plain turns HTML into lines of text. It is not a parser: blocks become lines,
// all other mark-up goes.
func plain(in string) string {
	var out strings.Builder
	lower := asciiLower(in)
	for pos := 0; pos < len(in); {
		open := strings.IndexByte(in[pos:], '<')
		if open < 0 {
			out.WriteString(in[pos:])
			break
		}
		out.WriteString(in[pos : pos+open])
		pos += open
		if closing := hiddenUntil(lower[pos:]); closing != "" {
			end := strings.Index(lower[pos:], closing)
			if end < 0 {
				break
			}
			pos += end
		}
		end := strings.IndexByte(in[pos:], '>')
		if end < 0 {
			break
		}
		if breaksLine(lower[pos+1 : pos+end]) {
			out.WriteByte('\n')
		}
		pos += end + 1
	}
	return html.UnescapeString(out.String())
}

// hiddenUntil returns what ends an element that is never shown.
func hiddenUntil(tag string) string {
	switch {
	case strings.HasPrefix(tag, "<style"):
		return "</style"
	case strings.HasPrefix(tag, "<script"):
		return "</script"
	case strings.HasPrefix(tag, "<!--"):
		return "-->"
	}
	return ""
}

func breaksLine(tag string) bool {
	tag = strings.TrimPrefix(tag, "/")
	for _, name := range []string{"p", "br", "div", "tr", "td", "li", "ul", "h1", "h2", "h3", "h4", "table", "blockquote", "pre", "title", "hr"} {
		if rest, ok := strings.CutPrefix(tag, name); ok && (rest == "" || rest[0] == ' ' || rest[0] == '/' || rest[0] == '\n') {
			return true
		}
	}
	return false
}

// asciiLower keeps every byte in its place, as strings.ToLower does not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
