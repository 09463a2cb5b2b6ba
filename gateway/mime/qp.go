package mime

import "bytes"

// qpKind is what stands in quoted-printable text at an "=".
type qpKind int

const (
	qpMore    qpKind = iota // too short to decide
	qpOctet                 // an encoded byte
	qpSoft                  // a soft line break, which adds nothing
	qpLiteral               // neither: the "=" is literal
)

// maxPadding is the most white space taken between "=" and its line end.
const maxPadding = 16

// qpToken reads the token p begins with, which is "=" (RFC 2045 section 6.7),
// and returns its length.
func qpToken(p []byte) (kind qpKind, n int, octet byte) {
	if len(p) < 2 {
		return qpMore, 0, 0
	}
	if hi, ok := unhex(p[1]); ok {
		if len(p) < 3 {
			return qpMore, 0, 0
		}
		if lo, ok := unhex(p[2]); ok {
			return qpOctet, 3, hi<<4 | lo
		}
		return qpLiteral, 1, '='
	}
	i := 1
	for i < len(p) && isSpace(p[i]) {
		if i++; i > maxPadding {
			return qpLiteral, 1, '='
		}
	}
	switch {
	case i == len(p) || p[i] == '\r' && i+1 == len(p):
		return qpMore, 0, 0
	case p[i] == '\r' && p[i+1] == '\n':
		return qpSoft, i + 2, 0
	case p[i] == '\n': // only where line ends were not normalised
		return qpSoft, i + 1, 0
	}
	return qpLiteral, 1, '='
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// qpDecoder decodes quoted-printable text that comes in pieces. What is no
// valid encoding is literal.
type qpDecoder struct {
	emit  func([]byte)
	carry []byte // a token that is not whole yet
	out   [1024]byte
	n     int
}

func (d *qpDecoder) decode(p []byte) {
	for len(p) > 0 {
		if len(d.carry) > 0 {
			d.resume(p[0])
			p = p[1:]
			continue
		}
		i := bytes.IndexByte(p, '=')
		if i < 0 {
			d.put(p)
			return
		}
		d.put(p[:i])
		p = p[i:]
		kind, n, octet := qpToken(p)
		switch kind {
		case qpMore:
			d.carry = append(d.carry, p...)
			return
		case qpOctet, qpLiteral:
			d.put([]byte{octet})
		}
		p = p[n:]
	}
}

// resume adds a byte to a token that was not whole.
func (d *qpDecoder) resume(c byte) {
	d.carry = append(d.carry, c)
	kind, _, octet := qpToken(d.carry)
	switch kind {
	case qpMore:
		return
	case qpOctet:
		d.put([]byte{octet})
	case qpLiteral: // only the byte that decided it can begin another token
		if last := len(d.carry) - 1; c == '=' {
			d.put(d.carry[:last])
			d.carry = append(d.carry[:0], c)
			return
		}
		d.put(d.carry)
	}
	d.carry = d.carry[:0]
}

func (d *qpDecoder) put(p []byte) {
	for len(p) > 0 {
		n := copy(d.out[d.n:], p)
		d.n += n
		p = p[n:]
		if d.n == len(d.out) {
			d.flush()
		}
	}
}

func (d *qpDecoder) flush() {
	d.emit(d.out[:d.n])
	d.n = 0
}

// finish decodes what is left.
func (d *qpDecoder) finish() {
	d.put(d.carry)
	d.carry = d.carry[:0]
	d.flush()
}
