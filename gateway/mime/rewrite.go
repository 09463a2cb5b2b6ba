package mime

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"html"
	"io"
	"slices"
)

// Errors of [Rewrite].
var (
	ErrPart  = errors.New("part does not fit the body")
	ErrValue = errors.New("value of a placeholder is not printable ASCII")
)

// Edit is a change of a body: other text in place of some bytes, or content that is
// encoded anew, or whose placeholders are replaced.
type Edit struct {
	Offset, Length int64    // bytes of the body it replaces
	Text           []byte   // instead; nil: what follows says
	recode         recoding // of the bytes
	part           *Part    // whose placeholders are replaced, before
}

// Combine returns edits, which are sorted, with those that replace the
// placeholders of parts. Parts are what a [Scanner] found in the same body.
func Combine(edits []Edit, parts []Part) []Edit {
	all := slices.Clone(edits)
	for i := range parts {
		p := &parts[i]
		at := slices.IndexFunc(all, func(e Edit) bool { return e.Offset == p.Offset && e.recode != keepEncoding })
		if at >= 0 {
			all[at].part = p
			continue
		}
		all = append(all, Edit{Offset: p.Offset, Length: p.Length, part: p})
	}
	slices.SortStableFunc(all, func(a, b Edit) int { return cmp.Compare(a.Offset, b.Offset) })
	return all
}

// Rewrite streams body to dst with edits made, which come from a [Plan] or
// [Combine] for the same body. The keys of values are the placeholders. A
// placeholder without a value stays. Values are URLs: printable ASCII without
// space, else ErrValue. In HTML they are escaped.
//
// Outside the edits every byte stays. Where placeholders are replaced, text that
// is not encoded changes only where one stood; quoted-printable the same, with
// soft line breaks around the value where its line needs them; base64 is encoded
// again in lines of 76. Errors are those of body and dst, io.ErrUnexpectedEOF
// when body ends inside or before an edit, and ErrPart.
func Rewrite(dst io.Writer, body io.Reader, edits []Edit, values map[string]string) error {
	for _, v := range values {
		for i := 0; i < len(v); i++ {
			if v[i] <= ' ' || v[i] > '~' {
				return ErrValue
			}
		}
	}
	out := bufio.NewWriter(dst)
	w := rewriting{out: out, edits: edits, values: values}
	buf := make([]byte, 8<<10)
	for {
		n, err := body.Read(buf)
		if werr := w.write(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if len(w.edits) > 0 {
		return io.ErrUnexpectedEOF
	}
	return out.Flush()
}

// rewriting is how far Rewrite got.
type rewriting struct {
	out    *bufio.Writer
	edits  []Edit // not finished; the first may be open
	values map[string]string
	pos    int64 // of the next byte of the body
	open   *rewriter
}

func (w *rewriting) write(p []byte) error {
	for len(p) > 0 {
		if len(w.edits) == 0 {
			_, err := w.out.Write(p)
			return err
		}
		edit := w.edits[0]
		if w.open == nil && edit.Offset < w.pos || edit.Length < 0 || edit.Length == 0 && edit.Text == nil {
			return fmt.Errorf("%w: offset %d, length %d", ErrPart, edit.Offset, edit.Length)
		}
		if until := edit.Offset - w.pos; until > 0 {
			n := min(until, int64(len(p)))
			if _, err := w.out.Write(p[:n]); err != nil {
				return err
			}
			w.pos, p = w.pos+n, p[n:]
			continue
		}
		if w.open == nil {
			w.open = newRewriter(w.out, edit, w.values)
		}
		n := min(edit.Offset+edit.Length-w.pos, int64(len(p)))
		w.open.write(p[:n])
		w.pos, p = w.pos+n, p[n:]
		if w.pos < edit.Offset+edit.Length {
			continue
		}
		if err := w.open.finish(); err != nil {
			return err
		}
		w.open, w.edits = nil, w.edits[1:]
	}
	return nil
}

// rewriter makes one edit. Errors of out stay with it and come at the end
// (bufio).
type rewriter struct {
	decode  *base64Decoder // of base64 with placeholders
	replace *replacer      // nil: there are no placeholders
	encode  encoder        // nil: the encoding stays
}

// encoder writes content in another encoding.
type encoder interface {
	io.Writer
	finish() error
}

func newRewriter(out *bufio.Writer, edit Edit, values map[string]string) *rewriter {
	rw := &rewriter{}
	out.Write(edit.Text)
	switch edit.recode {
	case toQuotedPrintable:
		rw.encode = newQPEncoder(out)
	case wrapQuotedPrintable:
		rw.encode = &qpWrapper{w: qpWriter{out: out}}
	case wrapBase64:
		rw.encode = &base64Wrapper{out: out}
	}
	part := edit.part
	if part == nil {
		return rw
	}
	rw.replace = &replacer{out: out, qp: part.Encoding == "quoted-printable"}
	for _, f := range forms {
		v, ok := values[f.placeholder]
		if !ok {
			continue
		}
		if part.HTML {
			v = html.EscapeString(v)
		}
		rw.replace.all = append(rw.replace.all, replacement{f.text, v})
	}
	if part.Encoding == "base64" {
		rw.decode = &base64Decoder{emit: rw.replace.write}
		rw.encode = &base64Encoder{dst: out}
	}
	if rw.encode != nil {
		rw.replace.out = rw.encode
	}
	return rw
}

func (rw *rewriter) write(p []byte) {
	switch {
	case rw.decode != nil:
		rw.decode.decode(p)
	case rw.replace != nil:
		rw.replace.write(p)
	case rw.encode != nil:
		rw.encode.Write(p)
	} // else Text was written in place of all
}

func (rw *rewriter) finish() error {
	if rw.decode != nil {
		rw.decode.finish()
		if rw.decode.bad {
			return fmt.Errorf("%w: %w", ErrPart, errBase64)
		}
	}
	if rw.replace != nil {
		rw.replace.finish()
	}
	if rw.encode != nil {
		return rw.encode.finish()
	}
	return nil
}
