package render

import (
	"slices"
	"strings"

	"offramp/gateway/dkim"
	"offramp/gateway/mime"
)

// Signing is how mail to one next hop is signed, so that the signatures are
// still valid behind it. The zero value is for a hop that changes nothing.
type Signing struct {
	// Rewritten are the fields that the hop replaces or adds. Our signatures
	// do not cover them.
	Rewritten []string
	// Most is how many DKIM-Signature fields the hop takes in one message; 0:
	// any number.
	Most int
	// None has nothing signed here: no signature lives through the hop.
	None bool
	// Repeats is a header field whose value the hop repeats in its reports; it
	// names the recipient to us alone. Empty: there is none.
	Repeats string
}

// rewrites says whether the hop replaces or adds a field.
func (s Signing) rewrites(name string) bool {
	return slices.ContainsFunc(s.Rewritten, func(f string) bool { return strings.EqualFold(f, name) })
}

// breaks says whether a signature that a message came with covers what the hop
// rewrites.
func (s Signing) breaks(one dkim.Signature) bool {
	return slices.ContainsFunc(s.Rewritten, func(f string) bool { return one.Covers(strings.ToLower(f)) })
}

// arrived is a signature that the message came with.
type arrived struct {
	dkim.Signature
	raw []byte
}

const fieldSignature = "DKIM-Signature"

// signatures returns the signatures that the message came with.
func signatures(h mime.Header) []arrived {
	var all []arrived
	for _, f := range h.Fields() {
		if strings.EqualFold(f.Name, fieldSignature) {
			all = append(all, arrived{dkim.ParseSignature(f.Value()), f.Raw})
		}
	}
	return all
}

// coversOurs says whether a signature covers a field that is added or replaced,
// and so does not verify any more (RFC 6376 section 5.4.2).
func coversOurs(s dkim.Signature) bool {
	return s.Covers("list-unsubscribe") || s.Covers("list-unsubscribe-post")
}

// sign decides who signs, and which of the signatures stay that the message came
// with.
func (m *Message) sign(h mime.Header) {
	from := mime.FromDomain(h.Get("From"))
	came := signatures(h)
	changes := h.Broken() // the next server ends the header sooner
	for _, f := range h.Fields() {
		switch name := strings.ToLower(f.Name); name {
		case "from", "to", "cc", "reply-to", "sender":
			if mime.Rewritable(f.Value()) { // "To: root" gets a domain behind us
				m.omitted |= dkim.FieldSet(name)
				changes = changes || name == "from" // which must be covered
			}
		}
	}
	if !changes {
		m.keys = m.chooseKeys(from, came)
	}
	kept := m.keep(from, came)
	m.dropped = len(came) - len(kept)
	m.breaks = slices.ContainsFunc(kept, m.broken)
	m.strip(h, kept)
}

// broken says whether a signature does not verify any more at the recipient.
func (m *Message) broken(s arrived) bool {
	return !m.exempt && !m.kept && coversOurs(s.Signature) || m.signing.breaks(s.Signature)
}

// chooseKeys returns the keys that sign. Mail that is exempt is signed where
// acceptance hashed it, unless its sender has signed it for its own domain and
// that signature lives.
func (m *Message) chooseKeys(from string, came []arrived) []dkim.Key {
	if m.r.Keys == nil || from == "" || m.signing.None {
		return nil
	}
	aligned := slices.ContainsFunc(came, func(s arrived) bool { return s.Aligned(from) && !m.signing.breaks(s.Signature) })
	if m.exempt && (m.r.SignList || len(m.stored.BodyHash) == 0 || aligned) {
		return nil
	}
	keys := m.r.Keys.For(from) // RSA first: what every verifier knows
	if most := m.signing.Most; most > 0 {
		keys = keys[:min(most, len(keys))]
	}
	return keys
}

// keep returns which signatures stay. Signers should not remove others' (RFC
// 6376 section 4.2), so all do, unless the hop would refuse the message for
// their number: then ours come first, after them those of the From domain, and
// what would not verify at the recipient goes.
func (m *Message) keep(from string, came []arrived) []arrived {
	if m.signing.Most == 0 || len(came) == 0 {
		return came
	}
	room := m.signing.Most - len(m.keys)
	var kept []arrived
	for _, wanted := range []bool{true, false} {
		for _, s := range came {
			if len(kept) < room && s.Aligned(from) == wanted && !m.broken(s) {
				kept = append(kept, s)
			}
		}
	}
	return kept
}

// strip keeps of the header what leaves: without control fields, without the
// fields ours replace, and without signatures that do not stay.
func (m *Message) strip(h mime.Header, kept []arrived) {
	names := []string{controlFields}
	if !m.exempt && !m.kept {
		names = append(names, fieldUnsubscribe, fieldPost)
	}
	if m.dropped == 0 {
		m.rest = h.Without(names...)
		return
	}
	for _, s := range kept {
		m.rest = append(m.rest, s.raw...)
	}
	m.rest = append(m.rest, h.Without(append(names, fieldSignature)...)...)
}
