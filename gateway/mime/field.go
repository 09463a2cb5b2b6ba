package mime

import (
	"errors"
	"fmt"
)

// maxLine is the most bytes a line may have without its CRLF, and maxName
// what leaves room for a value in the recommended 78 (RFC 5322 section 2.1.1).
const (
	maxLine = 998
	maxName = 76
)

// ErrField is wrapped by the errors of [NewField]. The texts never hold the value.
var ErrField = errors.New("invalid header field")

// NewField returns the bytes of a header field, CRLF included. It is the only
// way a field is made, so that nothing injected gets further: it refuses a name
// that is invalid (RFC 5322 section 3.6.8), and in the value every byte that is
// not printable US-ASCII, space or tab, but for the CRLF of a folding that has
// text on its continuation line; and lines over 998 bytes.
func NewField(name, value string) ([]byte, error) {
	if len(name) == 0 || len(name) > maxName {
		return nil, fmt.Errorf("%w: a name has 1 to %d characters", ErrField, maxName)
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= ' ' || c > '~' || c == ':' {
			return nil, fmt.Errorf("%w: invalid character in the name", ErrField)
		}
	}
	length, text := len(name)+2, true // of the line; whether it holds any
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\r':
			if len(value)-i < 4 || value[i+1] != '\n' || !isSpace(value[i+2]) || !text {
				return nil, fmt.Errorf("%w: line break in %s that is not folding", ErrField, name)
			}
			length, text = 0, false
			i++
			continue
		case c != '\t' && (c < ' ' || c > '~'):
			return nil, fmt.Errorf("%w: %s is not printable ASCII", ErrField, name)
		case !isSpace(c):
			text = true
		}
		if length++; length > maxLine {
			return nil, fmt.Errorf("%w: line over %d bytes in %s", ErrField, maxLine, name)
		}
	}
	if !text {
		return nil, fmt.Errorf("%w: continuation line of %s without text", ErrField, name)
	}
	b := make([]byte, 0, len(name)+len(value)+4)
	b = append(b, name...)
	b = append(b, ':', ' ')
	b = append(b, value...)
	return append(b, '\r', '\n'), nil
}
