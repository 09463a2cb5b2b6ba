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
	slot           bool     // Text is put in, before the content around it is encoded anew
}

// Edit puts text, in the encoding of the part, in the slot.
func (s Slot) Edit(text []byte) Edit {
	return Edit{Offset: s.Offset, Length: s.Length, Text: s.Append(nil, text), slot: true}
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
	w := rewriting{out: out, values: values}
	w.take(edits)
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
	if w.fill(); len(w.edits) > 0 || len(w.slots) > 0 || w.skip > 0 {
		return io.ErrUnexpectedEOF
	}
	return out.Flush()
}

// rewriting is how far Rewrite got.
type rewriting struct {
	out    *bufio.Writer
	edits  []Edit // not finished; the first may be open
	slots  []Edit // not filled
	values map[string]string
	pos    int64 // of the next byte of the body
	skip   int64 // bytes that what was put in a slot stands for
	open   *rewriter
}

// take sorts edits by what they are.
func (w *rewriting) take(edits []Edit) {
	w.edits = edits
	if !slices.ContainsFunc(edits, func(e Edit) bool { return e.slot }) {
		return
	}
	w.edits = nil
	for _, e := range edits {
		if e.slot {
			w.slots = append(w.slots, e)
		} else {
			w.edits = append(w.edits, e)
		}
	}
}

func (w *rewriting) write(p []byte) error {
	for len(p) > 0 {
		if len(w.edits) == 0 && len(w.slots) == 0 && w.skip == 0 {
			_, err := w.out.Write(p)
			return err
		}
		n, err := w.step(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// step goes on to the next place where something changes, and returns how many
// bytes of p were before it.
func (w *rewriting) step(p []byte) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	w.fill()
	n := int64(len(p))
	if len(w.slots) > 0 {
		n = min(n, w.slots[0].Offset-w.pos)
	}
	if len(w.edits) > 0 {
		next := w.edits[0].Offset
		if w.open != nil {
			next += w.edits[0].Length
		}
		n = min(n, next-w.pos)
	}
	var err error
	switch {
	case n <= 0 && w.skip == 0:
		return 0, fmt.Errorf("%w: offset %d", ErrPart, w.pos)
	case w.skip > 0:
		n = min(int64(len(p)), w.skip)
		w.skip -= n
	case w.open != nil:
		w.open.write(p[:n])
	default:
		_, err = w.out.Write(p[:n])
	}
	w.pos += n
	if err != nil {
		return 0, err
	}
	return int(n), w.end()
}

// begin opens the edit that begins here.
func (w *rewriting) begin() error {
	for w.open == nil && len(w.edits) > 0 && w.edits[0].Offset <= w.pos {
		edit := w.edits[0]
		if edit.Offset < w.pos || edit.Length < 0 || edit.Length == 0 && edit.Text == nil {
			return fmt.Errorf("%w: offset %d, length %d", ErrPart, edit.Offset, edit.Length)
		}
		w.open = newRewriter(w.out, edit, w.values)
		if edit.Length > 0 {
			return nil
		}
		if err := w.end(); err != nil {
			return err
		}
	}
	return nil
}

// fill puts into a slot that is here what it gets.
func (w *rewriting) fill() {
	for len(w.slots) > 0 && w.slots[0].Offset == w.pos && w.skip == 0 {
		if w.open != nil {
			w.open.write(w.slots[0].Text)
		} else {
			w.out.Write(w.slots[0].Text)
		}
		w.skip = w.slots[0].Length
		w.slots = w.slots[1:]
	}
}

// end closes the edit that ends here. A slot at its end is part of it.
func (w *rewriting) end() error {
	if w.open == nil || w.pos < w.edits[0].Offset+w.edits[0].Length {
		return nil
	}
	w.fill()
	err := w.open.finish()
	w.open, w.edits = nil, w.edits[1:]
	return err
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
	rw.replace.values = values
	if part.HTML {
		rw.replace.values = make(map[string]string, len(values))
		for placeholder, v := range values {
			rw.replace.values[placeholder] = html.EscapeString(v)
		}
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
