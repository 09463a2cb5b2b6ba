package mime

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// Text returns the decoded text of the part in UTF-8 with LF line ends, at most
// limit bytes of it, and looks at no more of the part than that can need. What
// is not clean is read as far as it goes.
func (l Leaf) Text(limit int) string {
	body := l.Body
	switch l.content.encoding {
	case "base64":
		body = looseBase64(body[:min(len(body), 2*limit)])
	case "quoted-printable":
		body = decodeQP(body[:min(len(body), 4*limit)])
	}
	text := toUTF8(Param(l.Header.Get("Content-Type"), "charset"), clip(body, limit))
	return strings.ReplaceAll(clip(text, limit), "\r\n", "\n")
}

// clip cuts text to limit bytes, and never inside a character of UTF-8.
func clip[T string | []byte](text T, limit int) T {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && limit-end < utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// looseBase64 skips whatever is not base64 (RFC 2045 section 6.8), and begins
// anew behind padding, unlike [base64Decoder], which lets no part be changed that
// is not clean.
func looseBase64(in []byte) []byte {
	out := make([]byte, 0, base64.RawStdEncoding.DecodedLen(len(in)))
	for run := range bytes.SplitSeq(in, []byte("=")) {
		clean := make([]byte, 0, len(run))
		for _, c := range run {
			if base64Digit(c) {
				clean = append(clean, c)
			}
		}
		if len(clean)%4 == 1 {
			clean = clean[:len(clean)-1]
		}
		out, _ = base64.RawStdEncoding.AppendDecode(out, clean)
	}
	return out
}

func decodeQP(in []byte) []byte {
	out := make([]byte, 0, len(in))
	d := qpDecoder{emit: func(p []byte) { out = append(out, p...) }}
	d.decode(in)
	d.finish()
	return out
}

// toUTF8 believes the name of a charset only where the bytes allow it.
func toUTF8(name string, in []byte) string {
	switch name = strings.ToLower(strings.Trim(name, `'" `)); {
	case bytes.Contains(in, []byte("\x1b$")):
		name = "iso-2022-jp" // says so itself, whatever the label is
	case !ASCII(in) && utf8.Valid(in):
		return string(in) // no other charset looks so by chance
	case name == "", name == "us-ascii", name == "ascii", name == "utf-8", name == "utf8":
		if utf8.Valid(in) {
			return string(in)
		}
		if strings.HasPrefix(name, "utf") {
			return strings.ToValidUTF8(string(in), "\uFFFD")
		}
		name = "windows-1252"
	}
	reader, err := charset.Reader(name, bytes.NewReader(in))
	if err != nil {
		return strings.ToValidUTF8(string(in), "\uFFFD")
	}
	out, _ := io.ReadAll(io.LimitReader(reader, int64(4*len(in)+16)))
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

// ASCII says whether b holds US-ASCII alone, so that 7-bit transport keeps it.
func ASCII[T string | []byte](b T) bool {
	for i := range len(b) {
		if b[i] >= 0x80 {
			return false
		}
	}
	return true
}
