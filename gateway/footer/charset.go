package footer

import (
	"bytes"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// codec returns how text in a charset is read and written; nil: it is unknown,
// or US-ASCII.
func codec(charset string) encoding.Encoding {
	if e, err := ianaindex.MIME.Encoding(charset); err == nil && e != nil {
		return e
	}
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil
	}
	return e
}

// readable says whether text that a part names a charset for is read in it, by
// clients that know no more than browsers do: those follow a byte order mark
// before the name, and take none of the old charsets that shift by control
// characters (Encoding section 4.2).
func readable(text []byte, charset string) bool {
	if bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.IndexByte(text, 0) >= 0 {
		return false
	}
	e, err := htmlindex.Get(charset)
	return err != nil || e != encoding.Replacement
}

func isUTF8(charset string) bool { return charset == "utf-8" || charset == "utf8" }

// switches says whether a charset changes between ASCII and others by escape
// sequences (RFC 1468), so that bytes of ASCII may mean something else.
func switches(charset string) bool { return strings.HasPrefix(charset, "iso-2022-") }

// toASCII is how ISO-2022 goes back to ASCII.
const toASCII = "\x1b(B"

// utf8Of reads text.
func utf8Of(text []byte, charset string) []byte {
	if isUTF8(charset) || isASCII(text) && !switches(charset) {
		return text
	}
	e := codec(charset)
	if e == nil {
		return text
	}
	out, err := e.NewDecoder().Bytes(text)
	if err != nil {
		return text
	}
	return out
}

// inCharset writes text; ok is false where the charset lacks a character, or
// where it needs bytes that 7-bit content has not.
func inCharset(text, charset string, eightBit bool) (out string, ok bool) {
	if isASCII([]byte(text)) {
		return text, true
	}
	if isUTF8(charset) {
		return text, eightBit
	}
	e := codec(charset)
	if e == nil {
		return "", false
	}
	out, err := e.NewEncoder().String(text)
	if err == nil && switches(charset) {
		out += toASCII
	}
	return out, err == nil && (eightBit || isASCII([]byte(out)))
}

func isASCII(p []byte) bool {
	for _, c := range p {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// plainASCII returns text of the same length, in which what is not ASCII cannot
// be taken for it.
func plainASCII(text []byte, charset string) []byte {
	if !switches(charset) || bytes.IndexByte(text, 0x1b) < 0 {
		return text
	}
	out := bytes.Clone(text)
	other := false
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == 0x1b && i+2 < len(out):
			other = !bytes.HasPrefix(out[i:], []byte(toASCII)) && !bytes.HasPrefix(out[i:], []byte("\x1b(J"))
			i += 2
		case out[i] == '\r' || out[i] == '\n':
			other = false // RFC 1468: each line begins in ASCII
		case other:
			out[i] = 'x'
		}
	}
	return out
}
