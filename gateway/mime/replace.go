package mime

import (
	"bytes"
	"io"
)

// maxHeld is the most bytes a placeholder may take with its encoding and the
// line breaks inside; beyond that it stays.
const maxHeld = 1024

// qpLine is the most bytes of a line of quoted-printable before the "=" of a
// soft line break (RFC 2045 section 6.7 rule 5).
const qpLine = 75

// replacer writes text with its placeholders replaced. In quoted-printable text
// it finds them however they are encoded, without decoding anything else.
// Errors of out are not looked at: it keeps them (bufio).
type replacer struct {
	out    io.Writer
	values map[string]string // of placeholders
	qp     bool

	carry   []byte // a token that is not whole yet
	held    []byte // encoded bytes that may be the beginning of a placeholder
	decoded []byte // the same decoded
	starts  []int  // where each decoded byte begins in held
	col     int    // bytes in the line being written
	was     int    // bytes in the line being read
	torn    bool   // a value was written, its line goes on and may be too long
}

func (r *replacer) write(p []byte) {
	for len(p) > 0 {
		if len(r.carry) > 0 {
			r.resume(p[0])
			p = p[1:]
			continue
		}
		if len(r.held) == 0 {
			n := r.plain(p)
			r.emit(p[:n])
			if p = p[n:]; len(p) == 0 {
				return
			}
		}
		kind, n, octet := qpLiteral, 1, p[0]
		if r.qp && p[0] == '=' {
			kind, n, octet = qpToken(p)
		}
		if kind == qpMore {
			r.carry = append(r.carry, p...)
			return
		}
		if len(r.held) == 0 && !begins(octet) {
			r.emit(p[:n])
		} else {
			r.token(kind, p[:n], octet)
		}
		p = p[n:]
	}
}

// plain returns how much of p cannot be part of a placeholder. Soft line breaks
// and encoded bytes that begin none are skipped.
func (r *replacer) plain(p []byte) int {
	for n := 0; n < len(p); n++ {
		c, next := p[n], byte('=')
		if n+1 < len(p) {
			next = p[n+1]
		}
		switch {
		case c == '=' && r.qp:
			kind, size, octet := qpToken(p[n:])
			if kind != qpSoft && (kind != qpOctet || begins(octet)) {
				return n
			}
			n += size - 1
		case !begins(c):
		case next == '=', c == '{' && begins(next), c == '%' && (next == '7' || next == '2'), c == '&' && (next == '#' || next == 'l'), next|0x20 == 't':
			return n
		}
	}
	return len(p)
}

// resume adds a byte to a token that was not whole.
func (r *replacer) resume(c byte) {
	r.carry = append(r.carry, c)
	kind, n, octet := qpToken(r.carry)
	if kind == qpMore {
		return
	}
	carry := r.carry
	r.carry = nil
	r.token(kind, carry[:n], octet)
	r.write(carry[n:]) // not empty only behind a literal "="
}

// token takes one token: a byte, encoded or not, or a soft line break.
func (r *replacer) token(kind qpKind, enc []byte, octet byte) {
	if kind == qpSoft {
		if len(r.held) == 0 {
			r.emit(enc)
			return
		}
		r.held = append(r.held, enc...)
	} else {
		r.starts = append(r.starts, len(r.held))
		r.held = append(r.held, enc...)
		r.decoded = append(r.decoded, octet)
	}
	for len(r.decoded) > 0 {
		placeholder, _, begun := spelled(string(r.decoded))
		if value, ok := r.values[placeholder]; ok && placeholder != "" {
			r.value(value)
			return
		}
		if begun && len(r.held) <= maxHeld && len(r.decoded) <= maxSpelling {
			return
		}
		r.drop()
	}
}

// drop lets the first byte held go as it is, with line breaks behind it.
func (r *replacer) drop() {
	end := len(r.held)
	if len(r.starts) > 1 {
		end = r.starts[1]
	}
	r.emit(r.held[:end])
	r.held = r.held[:copy(r.held, r.held[end:])]
	r.decoded = r.decoded[:copy(r.decoded, r.decoded[1:])]
	r.starts = r.starts[:copy(r.starts, r.starts[1:])]
	for i := range r.starts {
		r.starts[i] -= end
	}
}

// emit writes bytes as they came.
func (r *replacer) emit(p []byte) {
	if len(p) == 0 {
		return
	}
	if r.qp {
		p = r.wrap(p)
		r.count(&r.was, p)
		r.count(&r.col, p)
	}
	r.out.Write(p)
}

// wrap breaks the line after a value that made it longer than it was.
func (r *replacer) wrap(p []byte) []byte {
	if !r.torn {
		return p
	}
	r.torn = false
	soft := false
	if p[0] == '=' {
		kind, _, _ := qpToken(p)
		soft = kind == qpSoft
	}
	if r.col <= r.was || p[0] == '\r' || p[0] == '\n' || soft {
		return p
	}
	io.WriteString(r.out, "=\r\n")
	r.col = 0
	if p[0] == '-' { // must not look like a delimiter
		io.WriteString(r.out, "=2D")
		r.col = 3
		r.was++
		return p[1:]
	}
	return p
}

// count adds p to the length of a line.
func (r *replacer) count(line *int, p []byte) {
	if nl := bytes.LastIndexByte(p, '\n'); nl >= 0 {
		*line, p = 0, p[nl+1:]
	}
	*line += len(p)
}

// value writes v in place of all that is held. Encoded are, beside "=", a hyphen
// at the start of a line, which must not look like a delimiter, and a first
// byte that would complete a broken "=" before it.
func (r *replacer) value(v string) {
	held := r.held
	r.held, r.decoded, r.starts = r.held[:0], r.decoded[:0], r.starts[:0]
	if !r.qp {
		io.WriteString(r.out, v)
		return
	}
	r.count(&r.was, held)
	enc := make([]byte, 0, 2*len(v))
	if r.col+len(v) > qpLine && len(v) <= qpLine && r.col > 0 { // whole on the next line
		enc = append(enc, "=\r\n"...)
		r.col = 0
	}
	for i := 0; i < len(v); i++ {
		c, size := v[i], 1
		_, isHex := unhex(c)
		encode := c == '=' || c == '-' && r.col == 0 || isHex && i == 0
		if encode {
			size = 3
		}
		if r.col+size > qpLine {
			enc = append(enc, "=\r\n"...)
			r.col = 0
		}
		if encode || c == '-' && r.col == 0 { // the line may have started just now
			const hex = "0123456789ABCDEF"
			enc = append(enc, '=', hex[c>>4], hex[c&15])
			r.col += 3
			continue
		}
		enc = append(enc, c)
		r.col++
	}
	r.out.Write(enc)
	r.torn = true
}

// finish writes what is left.
func (r *replacer) finish() {
	if len(r.carry) > 0 {
		carry := r.carry
		r.carry = nil
		r.token(qpLiteral, carry[:1], '=')
		for _, c := range carry[1:] {
			r.token(qpLiteral, []byte{c}, c)
		}
	}
	for len(r.decoded) > 0 {
		r.drop()
	}
}
