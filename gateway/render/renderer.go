package render

import (
	"offramp/gateway/dkim"
	"offramp/gateway/footer"
	"offramp/gateway/mime"
	"offramp/listunsub"
	"offramp/store"
)

// Renderer makes the bytes that leave. It is a pure function of message,
// recipient, list, keys and next hop: token and signature take their time from the
// acceptance, so a retry sends the same bytes. Safe for concurrent use.
type Renderer struct {
	Tokens         *listunsub.KeyRing
	Keys           *dkim.Keys     // nil: nothing is signed
	PublicURL      string         // https URL of the recipients' listener
	FeedbackDomain string         // of mailto addresses; empty: https URI alone
	ExistingHeader string         // Replace, Keep or Chain; empty: Replace
	LongLines      string         // Encode or Pass; empty: Encode
	SignList       bool           // list mail alone is signed
	Feedback       Feedback       // what brings back what happens to list mail
	Footer         *footer.Footer // the visible line for list mail that has no link; nil: none
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
	breaks         bool // an earlier signature that stays covers a field that changes
	dropped        int  // earlier signatures that do not stay
	post           []byte
	listID         []byte
	rest           []byte // the header as received, without what is removed
	keys           []dkim.Key
	signing        Signing
	omitted        dkim.Fields // by our signatures: what is rewritten behind us
	parts          []mime.Part
	returns        returns
	eightBitHeader bool
	bodyStays      bool // it is not changed, come what may
	wantsLine      bool // the visible line, where there is a place for it
	plain          form // the body as stored
	folded, over   bool // long lines of the header were folded; some are left
	forms          forms
}

// Prepare does what is the same for every recipient of stored. l is its list;
// it counts for nothing when the message belongs to none. s is for the next hop
// that gets it.
//
// Mail of no list, or of a list that is transactional by now, and mail that must
// stay untouched is exempt: it gets no field but a signature, and only its
// control fields go.
func (r *Renderer) Prepare(stored *store.Message, l store.List, s Signing) (*Message, error) {
	h := mime.ParseHeader(stored.Header)
	m := &Message{r: r, stored: stored, list: l, exempt: stored.List == "" || stored.Untouched || l.Transactional, eightBitHeader: !mime.ASCII(stored.Header),
		signing: s, omitted: dkim.FieldSet(s.Rewritten...)}
	m.list.ID = stored.List
	m.kept = r.ExistingHeader == Keep && h.Count(fieldUnsubscribe) > 0
	if stored.List != "" && !stored.Untouched {
		for _, p := range stored.Parts {
			m.parts = append(m.parts, mime.Part(p))
		}
	}
	m.sign(h)
	m.fold(h)
	m.wantsLine = m.mayHaveLine(stored)
	if m.exempt {
		return m, nil
	}
	if err := m.prepareReturns(h); err != nil || m.kept {
		return m, err
	}
	var err error
	if m.post, err = mime.NewField(fieldPost, listunsub.PostValue); err != nil {
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

// BreaksSignature says whether the message came with a signature that stays and
// covers a field that is added or replaced, here or by the next hop.
func (m *Message) BreaksSignature() bool { return m.breaks }

// DroppedSignatures is how many signatures the message came with that do not
// stay, since the next hop would refuse them.
func (m *Message) DroppedSignatures() int { return m.dropped }

// Unsigned says whether list mail goes out unsigned though it is to be signed
// here: there is no key, or the header is broken.
func (m *Message) Unsigned() bool { return !m.exempt && !m.signing.None && len(m.keys) == 0 }

// EightBitHeader says whether the header holds other bytes than US-ASCII.
func (m *Message) EightBitHeader() bool { return m.eightBitHeader }

// WithoutControls returns a header without the fields that control Offramp.
func WithoutControls(header []byte) []byte {
	return mime.ParseHeader(header).Without(controlFields)
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
	return mime.NewField(fieldListID, value)
}
