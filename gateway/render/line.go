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
func (m *Message) Greets() bool { return m.wantsLine }

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
	if len(m.keys) == 0 || len(f.edits) > 0 {
		return nil
	}
	in, err := body()
	if err != nil {
		return err
	}
	defer in.Close()
	f.head = dkim.NewBodyHash()
	_, err = io.CopyN(f.head, in, f.line.Head())
	return err
}

// lineHash is the hash of the body with the line. All recipients share that of
// what stands before it.
func (f *form) lineHash(edits []mime.Edit, in io.Reader) ([]byte, error) {
	from := f.line.Head()
	if _, err := io.CopyN(io.Discard, in, from); err != nil {
		return nil, err
	}
	moved := make([]mime.Edit, len(edits))
	for i, e := range edits {
		e.Offset -= from
		moved[i] = e
	}
	hash := f.head.Clone()
	if err := mime.Rewrite(hash, in, moved, nil); err != nil {
		return nil, err
	}
	return hash.Sum(), nil
}
