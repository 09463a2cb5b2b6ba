package render

import (
	"io"

	"offramp/gateway/dkim"
	"offramp/gateway/footer"
	"offramp/gateway/mime"
	"offramp/store"
)

// mayHaveLine says whether a message may get the visible line: list mail without
// a placeholder, whose body no signature that came with it has to keep.
func (m *Message) mayHaveLine(stored *store.Message) bool {
	return m.r.Footer != nil && !m.exempt && !stored.Untouched && len(m.parts) == 0 && !m.bodyStays
}

// Line is what became of the visible line; ok is false where none was wanted, or
// the message was not rendered yet.
func (m *Message) Line() (p *footer.Plan, ok bool) {
	m.forms.mu.Lock()
	defer m.forms.mu.Unlock()
	return m.forms.line, m.forms.line != nil
}

// Greets says whether the first message of the list to a person differs from
// those that follow.
func (m *Message) Greets() bool {
	p, known := m.Line()
	return m.wantsLine && (!known || p.Result == footer.Added)
}

// addLine adds the line to a form. Where it goes is found out once; m.forms is
// locked.
func (m *Message) addLine(f *form, body func() (io.ReadCloser, error)) error {
	if m.forms.line == nil {
		in, err := body()
		if err != nil {
			return err
		}
		defer in.Close()
		plan, err := m.r.Footer.Plan(footer.Message{Header: mime.ParseHeader(m.stored.Header), List: m.list, EightBit: m.stored.EightBit}, in)
		if err != nil {
			return err
		}
		m.forms.line = plan
	}
	if m.forms.line.Result != footer.Added {
		return nil
	}
	f.line = m.forms.line
	if len(f.edits) > 0 || m.stored.Size > keptBody {
		return nil
	}
	in, err := body()
	if err != nil {
		return err
	}
	defer in.Close()
	if f.pieces, err = split(in, f.line.Edits("", false)); err != nil {
		return err
	}
	f.head = dkim.NewBodyHash()
	_, _ = f.head.Write(f.pieces[0]) // never fails
	for _, piece := range f.pieces[1:] {
		f.tail = append(f.tail, dkim.NewBodyPiece(piece))
	}
	return nil
}

// keptBody is the most bytes of a body that are kept in memory, so that one more
// recipient costs what stands behind the line alone.
const keptBody = 128 << 10

// split returns what stands around edits.
func split(in io.Reader, edits []mime.Edit) ([][]byte, error) {
	all, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	var pieces [][]byte
	pos := int64(0)
	for _, e := range edits {
		if e.Offset < pos || e.Offset+e.Length > int64(len(all)) {
			return nil, io.ErrUnexpectedEOF
		}
		pieces = append(pieces, all[pos:e.Offset])
		pos = e.Offset + e.Length
	}
	return append(pieces, all[pos:]), nil
}

// lineHash is the hash of the body with the line. All recipients share that of
// what stands before it.
func (f *form) lineHash(line []mime.Edit) []byte {
	hash := f.head.Clone()
	for i, e := range line {
		_, _ = hash.Write(e.Text) // never fails
		hash.WritePiece(f.tail[i])
	}
	return hash.Sum()
}
