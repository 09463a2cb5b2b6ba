package message

import (
	"bytes"
	"io"
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
	switch {
	case end >= 0 && end <= limit:
	case !looksLikeHeader(buf):
		return ParseHeader([]byte("\r\n")), &body{buf, src}, nil
	case !eof || len(buf)+2 > limit:
		return Header{}, nil, ErrHeaderTooLarge
	default:
		buf = append(buf, '\r', '\n')
		end = len(buf)
	}
	return ParseHeader(buf[:end:end]), &body{buf[end:], src}, nil
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

// looksLikeHeader says whether a message without an empty line is all header. A
// message without any line is an empty header.
func looksLikeHeader(buf []byte) bool {
	if len(buf) == 0 || isSpace(buf[0]) || bytes.HasPrefix(buf, []byte("From ")) {
		return true
	}
	line := buf
	if nl := bytes.IndexByte(buf, '\n'); nl >= 0 {
		line = buf[:nl]
	}
	_, _, ok := splitField(line)
	return ok
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
