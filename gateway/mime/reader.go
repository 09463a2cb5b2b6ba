package mime

import (
	"bytes"
	"errors"
	"io"
)

// Errors of [Reader.Read] and of reading the body it returns.
var (
	ErrHeaderTooLarge = errors.New("header too large")
	ErrBareNewline    = errors.New("line end that is not CRLF")
	ErrNUL            = errors.New("NUL in message")
)

const defaultMaxHeader = 256 << 10

// Reader splits a message that arrives into header and body, and normalises line
// ends on the way. The zero value is ready to use.
type Reader struct {
	MaxHeader  int  // most bytes of a header with its empty line; 0: 256 KiB
	RejectBare bool // a CR or LF that is not part of CRLF is ErrBareNewline instead of being fixed
}

// Read returns the header, ending in the empty line, and the body, which streams
// from r. The header is read into memory, of the body only what came with it.
// The package comment says what is changed. Errors, here and when the body is
// read: those of r, ErrHeaderTooLarge, ErrBareNewline, ErrNUL; after an error
// the message is not to be used.
func (rd Reader) Read(r io.Reader) (Header, io.Reader, error) {
	limit := rd.MaxHeader
	if limit <= 0 {
		limit = defaultMaxHeader
	}
	src := &lines{src: r, reject: rd.RejectBare}
	buf := make([]byte, 0, min(8<<10, limit+minRead))
	end, seen, eof := -1, 0, false
	for end < 0 && !eof && len(buf) <= limit {
		if cap(buf)-len(buf) < minRead {
			buf = append(make([]byte, 0, min(4*cap(buf), limit+2*minRead)), buf...)
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil && err != io.EOF {
			return Header{}, nil, err
		}
		eof = err == io.EOF
		end = emptyLine(buf, seen)
		seen = len(buf)
	}
	whole := end >= 0 && end <= limit
	if !whole {
		end = len(buf)
	}
	top := separators(buf[:end])
	switch {
	case !beginsHeader(buf[top:end]):
		// No field follows: all that does is the body.
		header := append(append(make([]byte, 0, top+2), buf[:top]...), '\r', '\n')
		return ParseHeader(named(header)), &body{buf[top:], src}, nil
	case whole:
	case !eof || len(buf)+2 > limit:
		return Header{}, nil, ErrHeaderTooLarge
	default:
		buf = append(buf, '\r', '\n')
		end = len(buf)
	}
	return ParseHeader(named(buf[:end:end])), &body{buf[end:], src}, nil
}

// separators returns the length of the mbox separators on top of text, with the
// lines that continue them.
func separators(text []byte) int {
	n := 0
	for rest := text; isSeparator(rest) || n > 0 && len(rest) > 0 && isSpace(rest[0]); rest = text[n:] {
		nl := bytes.IndexByte(rest, '\n')
		if nl < 0 {
			return len(text)
		}
		n += nl + 1
	}
	return n
}

// beginsHeader says whether text is empty, or its first line is a field or the
// empty one.
func beginsHeader(text []byte) bool {
	line := text
	if nl := bytes.IndexByte(text, '\n'); nl >= 0 {
		line = text[:nl+1]
	}
	if len(line) == 0 || isEmptyLine(line) {
		return true
	}
	_, _, ok := splitField(line)
	return ok && !isSpace(line[0])
}

// isSeparator says whether a line is one between the messages of an mbox, also
// where it was quoted. "From : a@b.example" is a field (RFC 5322 section 4.5).
func isSeparator(line []byte) bool {
	if !bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
		return false
	}
	_, _, field := splitField(line)
	return !field || line[0] == '>'
}

// named gives the separators on top of a header a name: a server further on
// would take the first of them for the end of the header. Postfix uses the same.
func named(header []byte) []byte {
	const name = "X-Mailbox-Line: "
	n := 0
	for rest := header; isSeparator(rest); n++ {
		rest = rest[bytes.IndexByte(rest, '\n')+1:]
	}
	if n == 0 {
		return header
	}
	out := make([]byte, 0, len(header)+n*len(name))
	for ; n > 0; n-- {
		end := bytes.IndexByte(header, '\n') + 1
		out = append(append(out, name...), header[:end]...)
		header = header[end:]
	}
	return append(out, header...)
}

// emptyLine returns the position behind the first empty line of buf, whose first
// seen bytes hold none, or -1.
func emptyLine(buf []byte, seen int) int {
	if seen < 2 && bytes.HasPrefix(buf, []byte("\r\n")) {
		return 2
	}
	from := max(seen-3, 0)
	if i := bytes.Index(buf[from:], []byte("\r\n\r\n")); i >= 0 {
		return from + i + 4
	}
	return -1
}

// body gives out what was read with the header, then the rest.
type body struct {
	rest []byte
	src  io.Reader
}

func (b *body) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return b.src.Read(p)
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
