package delivery

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"offramp/gateway/dkim"
	"offramp/gateway/message"
	"offramp/listunsub"
	"offramp/store"
)

// What becomes of a List-Unsubscribe field that the sender set.
const (
	Replace = "replace" // it gives way to ours
	Keep    = "keep"    // it stays, and ours is not added
)

// Renderer makes the octets that leave. It is a pure function of message,
// recipient, list and keys: token and signature take their time from the
// acceptance, so a retry sends the same octets. Safe for concurrent use.
type Renderer struct {
	Tokens         *listunsub.KeyRing
	Keys           *dkim.Keys // nil: nothing is signed
	PublicURL      string     // https URL of the recipients' listener
	FeedbackDomain string     // of mailto addresses; empty: https URI alone
	ExistingHeader string     // Replace or Keep; empty: Replace
	SignList       bool       // list mail alone is signed
	Feedback       Feedback   // what brings back what happens to list mail
}

const (
	fieldUnsubscribe = "List-Unsubscribe"
	fieldPost        = "List-Unsubscribe-Post"
	fieldListID      = "List-Id"
	controlFields    = "X-Offramp-*"
)

// Letter is a message made ready for all its recipients. Read only.
type Letter struct {
	r              *Renderer
	m              *store.Message
	list           store.List
	exempt         bool // leaves without fields for its recipient
	kept           bool // has its own List-Unsubscribe, which stays
	breaks         bool // an earlier signature covers a field that changes
	post           []byte
	listID         []byte
	rest           []byte   // the header as received, without what is removed
	fields         [][]byte // of rest
	keys           []dkim.Key
	parts          []message.Part
	back           waysBack
	eightBitHeader bool
}

// Prepare does what is the same for every recipient of m. l is the list of m;
// it counts for nothing when m belongs to none.
//
// Mail of no list, or of a list that is transactional by now, and mail that must
// stay untouched is exempt: it gets no field but a signature, and only its
// control fields go.
func (r *Renderer) Prepare(m *store.Message, l store.List) (*Letter, error) {
	h := message.ParseHeader(m.Header)
	letter := &Letter{r: r, m: m, list: l, exempt: m.List == "" || m.Untouched || l.Transactional, eightBitHeader: !ascii(m.Header)}
	letter.list.ID = m.List
	letter.kept = r.ExistingHeader == Keep && h.Count(fieldUnsubscribe) > 0
	if m.List != "" && !m.Untouched {
		for _, p := range m.Parts {
			letter.parts = append(letter.parts, message.Part(p))
		}
	}
	letter.strip(h)
	letter.chooseKeys(h)
	if letter.exempt {
		return letter, nil
	}
	if err := letter.prepareWaysBack(h); err != nil || letter.kept {
		return letter, err
	}
	var err error
	if letter.post, err = message.NewField(fieldPost, listunsub.PostValue); err != nil {
		return nil, err
	}
	if h.Count(fieldListID) == 0 {
		letter.listID, err = listIDField(letter.list)
	}
	return letter, err
}

// strip keeps of the header what leaves: without control fields, and without
// the fields ours replace.
func (l *Letter) strip(h message.Header) {
	names := []string{controlFields}
	if !l.exempt && !l.kept {
		names = append(names, fieldUnsubscribe, fieldPost)
	}
	l.rest = h.Without(names...)
}

// chooseKeys decides who signs. Mail that is exempt is signed where acceptance
// hashed it, unless its sender has signed it for its own domain.
func (l *Letter) chooseKeys(h message.Header) {
	from := message.FromDomain(h.Get("From"))
	came := signatures(h)
	l.breaks = !l.exempt && !l.kept && slices.ContainsFunc(came, coversOurs)
	if l.r.Keys == nil || from == "" {
		return
	}
	aligned := slices.ContainsFunc(came, func(s dkim.Signature) bool { return s.Aligned(from) })
	if l.exempt && (l.r.SignList || len(l.m.BodyHash) == 0 || aligned) {
		return
	}
	if l.keys = l.r.Keys.For(from); len(l.keys) == 0 {
		return
	}
	for _, f := range message.ParseHeader(l.rest).Fields() {
		l.fields = append(l.fields, f.Raw)
	}
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

// Rendering is a message as one recipient gets it.
type Rendering struct {
	Header []byte // with the empty line
	Size   int64  // octets of header and body; an estimate when the body is substituted and nothing is signed
	Signed bool

	parts  []message.Part
	values map[string]string
}

// Render renders for recipient (wire form) into buf, which the result holds on
// to. Body opens the body as stored; it is read here only when it is different
// for each recipient and signed. Errors of body are passed on.
//
// Both List-Unsubscribe fields are added also where no key is at hand for the
// From domain: a smarthost may sign later, and must find the whole set (RFC 8058
// section 4). Such mail is counted.
func (l *Letter) Render(buf []byte, recipient string, body func() (io.ReadCloser, error)) (Rendering, error) {
	out := Rendering{Size: l.m.Size, parts: l.parts}
	var ours [][]byte
	if !l.exempt && !l.kept {
		unsubscribe, err := l.unsubscribe(recipient)
		if err != nil {
			return out, err
		}
		ours = append(ours, unsubscribe, l.post)
		if l.listID != nil {
			ours = append(ours, l.listID)
		}
	}
	ours = append(ours, l.back.fields...)
	if l.back.complaints {
		token, err := l.complaintToken(recipient)
		if err != nil {
			return out, err
		}
		ours = append(ours, token)
	}
	if len(l.m.Trace) > 0 {
		ours = append(ours, l.m.Trace)
	}
	if len(l.parts) > 0 {
		link, err := l.bodyLink(recipient)
		if err != nil {
			return out, err
		}
		out.values = map[string]string{message.UnsubscribeURL: link, message.PreferencesURL: link}
	}
	buf = buf[:0]
	if len(l.keys) > 0 {
		hash, err := l.bodyHash(&out, body)
		if err != nil {
			return out, err
		}
		fields := append(append(make([][]byte, 0, len(ours)+len(l.fields)), ours...), l.fields...)
		for _, k := range l.keys {
			signature, err := k.Sign(fields, hash, l.m.Received)
			if err != nil {
				return out, fmt.Errorf("sign for %s: %w", k.Domain, err)
			}
			buf = append(buf, signature...)
		}
		out.Signed = true
	}
	for _, f := range ours {
		buf = append(buf, f...)
	}
	out.Header = append(buf, l.rest...)
	out.Size += int64(len(out.Header))
	return out, nil
}

// bodyHash is the hash computed on acceptance, or for a body that is different
// for each recipient the hash of what this one gets. It then sets out.Size too.
func (l *Letter) bodyHash(out *Rendering, body func() (io.ReadCloser, error)) ([]byte, error) {
	if len(l.parts) == 0 {
		return l.m.BodyHash, nil
	}
	in, err := body()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	hash := dkim.NewBodyHash()
	var size counter
	if err := out.WriteBody(io.MultiWriter(hash, &size), in); err != nil {
		return nil, err
	}
	out.Size = int64(size)
	return hash.Sum(), nil
}

// WriteBody streams the body for this recipient from body as stored.
func (c Rendering) WriteBody(dst io.Writer, body io.Reader) error {
	if len(c.parts) > 0 {
		return message.Substitute(dst, body, c.parts, c.values)
	}
	_, err := io.Copy(dst, body)
	return err
}

// unsubscribe composes List-Unsubscribe: https first, since several clients
// act on the first URI only (RFC 8058 section 3.1).
func (l *Letter) unsubscribe(recipient string) ([]byte, error) {
	token, err := l.token(recipient, listunsub.HeaderLink)
	if err != nil {
		return nil, err
	}
	uris := []string{l.r.url("/u/", token)}
	if l.r.FeedbackDomain != "" {
		local, err := l.r.Tokens.SealAddress(listunsub.AddressClaims{
			Kind: listunsub.OptOutAddress, ListKey: listunsub.ListKey(l.m.List), Recipient: recipient})
		if err == nil { // ErrTooLong: the https URI alone
			uri, err := listunsub.Mailto(local+"@"+l.r.FeedbackDomain, "unsubscribe")
			if err != nil {
				return nil, err
			}
			uris = append(uris, uri)
		}
	}
	value, err := listunsub.Compose(uris...)
	if err != nil {
		return nil, err
	}
	return message.NewField(fieldUnsubscribe, value)
}

func (l *Letter) bodyLink(recipient string) (string, error) {
	token, err := l.token(recipient, listunsub.BodyLink)
	return l.r.url("/p/", token), err
}

func (l *Letter) token(recipient string, p listunsub.Purpose) (string, error) {
	token, err := l.r.Tokens.Seal(listunsub.Claims{List: l.m.List, Recipient: recipient, Issued: l.m.Received, Purpose: p})
	if err != nil {
		return "", fmt.Errorf("seal token: %w", err)
	}
	return token, nil
}

func (r *Renderer) url(path, token string) string {
	return strings.TrimRight(r.PublicURL, "/") + path + token
}

// counter counts octets.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
