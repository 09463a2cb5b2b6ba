package message

import (
	"bufio"
	"errors"
	"fmt"
	"html"
	"io"
)

// Errors of [Substitute].
var (
	ErrPart  = errors.New("part does not fit the body")
	ErrValue = errors.New("value of a placeholder is not printable ASCII")
)

// Substitute streams body to dst with the placeholders of parts replaced; parts
// are what the [Scanner] found in the same body, and the keys of values the
// placeholders. A placeholder without a value stays. Values are URLs: printable
// ASCII without space, else ErrValue. In HTML they are escaped.
//
// Outside the parts every byte stays. Inside, text that is not encoded changes
// only where a placeholder stood, even when a long line gets longer than 998
// bytes by it; quoted-printable the same, with soft line breaks around the
// value where its line needs them; base64 is encoded again in lines of 76. Errors
// are those of body and dst, io.ErrUnexpectedEOF when body ends inside or before
// a part, and ErrPart.
func Substitute(dst io.Writer, body io.Reader, parts []Part, values map[string]string) error {
	for _, v := range values {
		for i := 0; i < len(v); i++ {
			if v[i] <= ' ' || v[i] > '~' {
				return ErrValue
			}
		}
	}
	out := bufio.NewWriter(dst)
	s := substitution{out: out, parts: parts, values: values}
	buf := make([]byte, 8<<10)
	for {
		n, err := body.Read(buf)
		if werr := s.write(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if len(s.parts) > 0 {
		return io.ErrUnexpectedEOF
	}
	return out.Flush()
}

// substitution is how far Substitute got.
type substitution struct {
	out    *bufio.Writer
	parts  []Part // not finished; the first may be open
	values map[string]string
	pos    int64 // of the next byte of the body
	open   *rewriter
}

func (s *substitution) write(p []byte) error {
	for len(p) > 0 {
		if len(s.parts) == 0 {
			_, err := s.out.Write(p)
			return err
		}
		part := s.parts[0]
		if s.open == nil && part.Offset < s.pos || part.Length <= 0 {
			return fmt.Errorf("%w: offset %d, length %d", ErrPart, part.Offset, part.Length)
		}
		if until := part.Offset - s.pos; until > 0 {
			n := min(until, int64(len(p)))
			if _, err := s.out.Write(p[:n]); err != nil {
				return err
			}
			s.pos, p = s.pos+n, p[n:]
			continue
		}
		if s.open == nil {
			s.open = newRewriter(s.out, part, s.values)
		}
		n := min(part.Offset+part.Length-s.pos, int64(len(p)))
		s.open.write(p[:n])
		s.pos, p = s.pos+n, p[n:]
		if s.pos < part.Offset+part.Length {
			continue
		}
		if err := s.open.finish(); err != nil {
			return err
		}
		s.open, s.parts = nil, s.parts[1:]
	}
	return nil
}

// rewriter replaces the placeholders of one part. Errors of out stay with it
// and come at the end (bufio).
type rewriter struct {
	replace *replacer
	decode  *base64Decoder // nil but for base64
	encode  *base64Encoder // nil but for base64
}

func newRewriter(out *bufio.Writer, part Part, values map[string]string) *rewriter {
	found := make([]replacement, 0, len(values))
	for placeholder, v := range values {
		if part.HTML {
			v = html.EscapeString(v)
		}
		found = append(found, replacement{placeholder, v})
	}
	if part.Encoding != "base64" {
		return &rewriter{replace: &replacer{out: out, all: found, qp: part.Encoding == "quoted-printable"}}
	}
	rw := &rewriter{encode: &base64Encoder{dst: out}}
	rw.replace = &replacer{out: rw.encode, all: found}
	rw.decode = &base64Decoder{emit: rw.replace.write}
	return rw
}

func (rw *rewriter) write(p []byte) {
	if rw.decode != nil {
		rw.decode.decode(p)
		return
	}
	rw.replace.write(p)
}

func (rw *rewriter) finish() error {
	if rw.decode == nil {
		rw.replace.finish()
		return nil
	}
	rw.decode.finish()
	if rw.decode.bad {
		return fmt.Errorf("%w: %w", ErrPart, errBase64)
	}
	rw.replace.finish()
	return rw.encode.finish()
}
