package diagnosis

import (
	"strings"
	"unicode/utf8"

	"offramp/gateway/mime"
)

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

// words decodes the encoded words of a field (RFC 2047).
func words(value string) string {
	if strings.Contains(value, "=?") {
		value = mime.DecodeWords(clip(value, maxReason))
	}
	return clip(strings.ToValidUTF8(value, "\ufffd"), maxReason)
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
