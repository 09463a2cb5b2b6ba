package render

import (
	"slices"
	"strings"

	"offramp/gateway/dkim"
	"offramp/gateway/message"
	"offramp/listunsub"
	"offramp/store"
)

// Renderer makes the bytes that leave. It is a pure function of message,
// recipient, list and keys: token and signature take their time from the
// acceptance, so a retry sends the same bytes. Safe for concurrent use.
type Renderer struct {
	Tokens         *listunsub.KeyRing
	Keys           *dkim.Keys // nil: nothing is signed
	PublicURL      string     // https URL of the recipients' listener
	FeedbackDomain string     // of mailto addresses; empty: https URI alone
	ExistingHeader string     // Replace or Keep; empty: Replace
	LongLines      string     // Encode or Pass; empty: Encode
	SignList       bool       // list mail alone is signed
	Feedback       Feedback   // what brings back what happens to list mail
}

const (
	fieldUnsubscribe = "List-Unsubscribe"
	fieldPost        = "List-Unsubscribe-Post"
	fieldListID      = "List-Id"
	controlFields    = "X-Offramp-*"
)

// Message is a message made ready for all its recipients. Read only.
type Message struct {
	r              *Renderer
	stored         *store.Message
	list           store.List
	exempt         bool // leaves without fields for its recipient
	kept           bool // has its own List-Unsubscribe, which stays
	breaks         bool // an earlier signature covers a field that changes
	post           []byte
	listID         []byte
	rest           []byte // the header as received, without what is removed
	keys           []dkim.Key
	parts          []message.Part
	returns        returns
	eightBitHeader bool
	bodyStays      bool // it is not encoded, come what may
	plain          form // the body as stored
	folded, over   bool // long lines of the header were folded; some are left
	forms          forms
}

// Prepare does what is the same for every recipient of stored. l is its list;
// it counts for nothing when the message belongs to none.
//
// Mail of no list, or of a list that is transactional by now, and mail that must
// stay untouched is exempt: it gets no field but a signature, and only its
// control fields go.
func (r *Renderer) Prepare(stored *store.Message, l store.List) (*Message, error) {
	h := message.ParseHeader(stored.Header)
	m := &Message{r: r, stored: stored, list: l, exempt: stored.List == "" || stored.Untouched || l.Transactional, eightBitHeader: !message.ASCII(stored.Header)}
	m.list.ID = stored.List
	m.kept = r.ExistingHeader == Keep && h.Count(fieldUnsubscribe) > 0
	if stored.List != "" && !stored.Untouched {
		for _, p := range stored.Parts {
			m.parts = append(m.parts, message.Part(p))
		}
	}
	m.strip(h)
	m.chooseKeys(h)
	m.fold(h)
	if m.exempt {
		return m, nil
	}
	if err := m.prepareReturns(h); err != nil || m.kept {
		return m, err
	}
	var err error
	if m.post, err = message.NewField(fieldPost, listunsub.PostValue); err != nil {
		return nil, err
	}
	if h.Count(fieldListID) == 0 {
		m.listID, err = listIDField(m.list)
	}
	return m, err
}

// Enforced says whether opt-outs from the list of the message hold: not for one
// that is transactional by now.
func (m *Message) Enforced() bool { return m.stored.List != "" && !m.list.Transactional }

// Exempt says whether the message leaves without fields for its recipient, so
// that one rendering is for all of them.
func (m *Message) Exempt() bool { return m.exempt }

// BreaksSignature says whether the message came with a signature that covers a
// field that is added or replaced.
func (m *Message) BreaksSignature() bool { return m.breaks }

// EightBitHeader says whether the header holds other bytes than US-ASCII.
func (m *Message) EightBitHeader() bool { return m.eightBitHeader }

// WithoutControls returns a header without the fields that control Offramp.
func WithoutControls(header []byte) []byte {
	return message.ParseHeader(header).Without(controlFields)
}

// strip keeps of the header what leaves: without control fields, and without
// the fields ours replace.
func (m *Message) strip(h message.Header) {
	names := []string{controlFields}
	if !m.exempt && !m.kept {
		names = append(names, fieldUnsubscribe, fieldPost)
	}
	m.rest = h.Without(names...)
}

// chooseKeys decides who signs. Mail that is exempt is signed where acceptance
// hashed it, unless its sender has signed it for its own domain.
func (m *Message) chooseKeys(h message.Header) {
	from := message.FromDomain(h.Get("From"))
	came := signatures(h)
	m.breaks = !m.exempt && !m.kept && slices.ContainsFunc(came, coversOurs)
	if m.r.Keys == nil || from == "" || h.Broken() {
		return // the next server ends a broken header sooner, and the signature with it
	}
	aligned := slices.ContainsFunc(came, func(s dkim.Signature) bool { return s.Aligned(from) })
	if m.exempt && (m.r.SignList || len(m.stored.BodyHash) == 0 || aligned) {
		return
	}
	m.keys = m.r.Keys.For(from)
}

// listIDField composes List-Id (RFC 2919). A name that cannot stand in a
// header is left out: the identifier is what counts.
func listIDField(l store.List) ([]byte, error) {
	value, err := listunsub.ListID{Name: l.Name, ID: l.ID}.Compose()
	if err != nil {
		value, err = listunsub.ListID{ID: l.ID}.Compose()
	}
	if err != nil {
		return nil, nil // not every identifier of a list is a valid List-Id
	}
	return message.NewField(fieldListID, value)
}

// signatures returns what the signatures say that the message came with. They
// stay, whatever becomes of them: signers should not remove others' (RFC 6376
// section 4.2).
func signatures(h message.Header) []dkim.Signature {
	var all []dkim.Signature
	for _, f := range h.Fields() {
		if strings.EqualFold(f.Name, "DKIM-Signature") {
			all = append(all, dkim.ParseSignature(f.Value()))
		}
	}
	return all
}

// coversOurs says whether a signature covers a field that is added or replaced,
// and so does not verify any more (RFC 6376 section 5.4.2).
func coversOurs(s dkim.Signature) bool {
	return s.Covers("list-unsubscribe") || s.Covers("list-unsubscribe-post")
}
