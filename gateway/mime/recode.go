package mime

import "io"

// recoding is how the content of a part is encoded anew. Decoded it stays the
// same, byte for byte.
type recoding int

const (
	keepEncoding recoding = iota
	toQuotedPrintable
	wrapQuotedPrintable // in shorter lines, and what is not ASCII encoded
	wrapBase64          // in lines of 76
)

// qpWriter writes quoted-printable in lines of 76 (RFC 2045 section 6.7). Errors
// of out are not looked at: it keeps them (bufio).
type qpWriter struct {
	out  io.Writer
	line [qpLine + 3]byte
	n    int
	soft bool // the line began behind a soft line break of ours
}

// put writes c, as it is or encoded.
func (w *qpWriter) put(c byte, encode bool) {
	size := 1
	if encode {
		size = 3
	}
	if w.n+size > qpLine {
		w.end("=\r\n")
		w.soft = true
	}
	// At the start of a line a hyphen could look like a delimiter, "From " like
	// the beginning of a message to those who keep many in one file, and a dot
	// is lost by those who do not unstuff.
	if !encode && !(w.n == 0 && w.soft && (c == '-' || c == 'F' || c == '.')) {
		w.line[w.n] = c
		w.n++
		return
	}
	const hex = "0123456789ABCDEF"
	w.n += copy(w.line[w.n:], []byte{'=', hex[c>>4], hex[c&15]})
}

// raw writes a token as it came.
func (w *qpWriter) raw(token []byte) {
	if w.n+len(token) > qpLine {
		w.end("=\r\n")
		w.soft = true
	}
	w.n += copy(w.line[w.n:], token)
}

// end writes the line with a line end.
func (w *qpWriter) end(with string) {
	w.out.Write(append(w.line[:w.n:len(w.line)], with...))
	w.n = 0
}

// qpEncoder encodes text that comes in pieces as quoted-printable. A CRLF is a
// line end and stays one.
type qpEncoder struct {
	w     qpWriter
	space byte // white space that may come to stand at the end of a line; 0: none
	cr    bool
}

func newQPEncoder(out io.Writer) *qpEncoder { return &qpEncoder{w: qpWriter{out: out, soft: true}} }

func (e *qpEncoder) Write(p []byte) (int, error) {
	for _, c := range p {
		if e.cr {
			e.cr = false
			if c == '\n' {
				e.flush(true)
				e.w.end("\r\n")
				continue
			}
			e.flush(false)
			e.w.put('\r', true)
		}
		if c == '\r' {
			e.cr = true
			continue
		}
		e.flush(false)
		if isSpace(c) {
			e.space = c
			continue
		}
		e.w.put(c, c == '=' || c < ' ' || c > '~')
	}
	return len(p), nil
}

// flush writes white space that was held back.
func (e *qpEncoder) flush(encode bool) {
	if e.space != 0 {
		e.w.put(e.space, encode)
		e.space = 0
	}
}

func (e *qpEncoder) finish() error {
	e.flush(true)
	if e.cr {
		e.w.put('\r', true)
	}
	e.w.end("")
	return nil
}

// qpWrapper breaks the long lines of quoted-printable text that comes in pieces,
// and encodes what is not ASCII. Nothing else is decoded.
type qpWrapper struct {
	w     qpWriter
	carry []byte // a token that is not whole yet
}

func (q *qpWrapper) Write(p []byte) (int, error) {
	size := len(p)
	if len(q.carry) > 0 {
		p = append(q.carry, p...)
		q.carry = nil
	}
	for len(p) > 0 {
		n := 1
		switch c := p[0]; {
		case c == '=':
			kind, length, _ := qpToken(p)
			if kind == qpMore {
				q.carry = append([]byte(nil), p...)
				return size, nil
			}
			q.token(kind, p[:length])
			n = length
		case c == '\n':
			q.w.end("\r\n")
			q.w.soft = false
		case c == '\r':
		default:
			q.w.put(c, c >= 0x80)
		}
		p = p[n:]
	}
	return size, nil
}

func (q *qpWrapper) token(kind qpKind, token []byte) {
	switch kind {
	case qpSoft:
		q.w.end("=\r\n")
		q.w.soft = false
	case qpLiteral: // before a line break it would become another token
		q.w.put('=', true)
	default:
		q.w.raw(token)
	}
}

func (q *qpWrapper) finish() error {
	q.w.raw(q.carry) // the line end behind the content decides what it is
	q.w.end("")
	return nil
}

// base64Wrapper sets base64 text that comes in pieces in lines of 76, without a
// line end behind the last one.
type base64Wrapper struct {
	out   io.Writer
	line  [76 + 2]byte
	n     int
	wrote bool
}

func (b *base64Wrapper) Write(p []byte) (int, error) {
	for _, c := range p {
		if isSpace(c) || c == '\r' || c == '\n' {
			continue
		}
		if b.n == 76 {
			b.put()
		}
		b.line[2+b.n] = c
		b.n++
	}
	return len(p), nil
}

// put writes one line with the line end of the one before.
func (b *base64Wrapper) put() {
	from := 2
	if b.wrote {
		b.line[0], b.line[1], from = '\r', '\n', 0
	}
	b.out.Write(b.line[from : 2+b.n])
	b.wrote, b.n = true, 0
}

func (b *base64Wrapper) finish() error {
	if b.n > 0 {
		b.put()
	}
	return nil
}
