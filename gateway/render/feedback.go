package render

import (
	"strings"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
)

// Feedback is what list mail is given so that what comes back finds its
// person. It needs Renderer.FeedbackDomain; the zero value adds nothing.
type Feedback struct {
	// Bounces has mail leave with our reverse-path (VERP), which names
	// the recipient, or the recipient's code, under a MAC.
	Bounces bool
	// PassOn adds the reverse-path the sender gave, sealed, in
	// [envelope.FieldReturnPath], so that a bounce can be passed on to it.
	PassOn bool
	// Complaints adds CFBL-Address and CFBL-Feedback-ID (RFC 9477) where a
	// signature at hand fits the address.
	Complaints bool
	// SenderID is the last part of the Feedback-ID by which Gmail counts
	// complaints, 5 to 15 characters; empty: none is added.
	SenderID string
}

const (
	fieldFeedbackID     = "Feedback-ID"
	fieldComplaints     = "CFBL-Address"
	fieldComplaintToken = "CFBL-Feedback-ID"
	fieldVariables      = "X-Mailgun-Variables"
)

// returns are the ways back of one message, the same for all its recipients.
type returns struct {
	verp       bool
	complaints bool
	variable   bool     // the hop repeats a field, and the message has none of its own
	fields     [][]byte // without the complaint token, which names the recipient
}

// prepareReturns composes them, once the fields and keys of the message are settled.
func (m *Message) prepareReturns(h mime.Header) error {
	f, r := m.r.Feedback, m.r
	if m.exempt || r.FeedbackDomain == "" {
		return nil
	}
	add := func(name, value string) error {
		field, err := mime.NewField(name, value)
		if err == nil {
			m.returns.fields = append(m.returns.fields, field)
		}
		return err
	}
	m.returns.variable = m.signing.Repeats != "" && h.Count(m.signing.Repeats) == 0
	m.returns.verp = f.Bounces && m.stored.ReversePath != ""
	if m.returns.verp && f.PassOn {
		token, err := r.Tokens.Seal(listunsub.Claims{Recipient: m.stored.ReversePath, Issued: m.stored.Received, Purpose: listunsub.ReturnPath})
		if err == nil { // else it is too long, and its bounces are not passed on
			if err := add(envelope.FieldReturnPath, token); err != nil {
				return err
			}
		}
	}
	from := mime.FromDomain(h.Get("From"))
	if f.SenderID != "" && len(m.keys) > 0 && !m.signing.rewrites(fieldFeedbackID) && h.Count(fieldFeedbackID) == 0 {
		if err := add(fieldFeedbackID, strings.Join([]string{identifier(m.stored.List), identifier(from), "list", f.SenderID}, ":")); err != nil {
			return err
		}
	}
	if !f.Complaints || h.Count(fieldComplaints) > 0 || h.Count(fieldComplaintToken) > 0 || !m.complaintsSigned(from) {
		return nil
	}
	m.returns.complaints = true
	return add(fieldComplaints, envelope.ComplaintBox+"@"+r.FeedbackDomain+"; report=arf")
}

// complaintsSigned says whether the signatures let receivers believe the
// address for complaints: it is in the From domain or below it, and that
// domain signs (RFC 9477 section 3.1.1), or its own domain signs too
// (section 3.1.3), for which its keys are added.
func (m *Message) complaintsSigned(from string) bool {
	if len(m.keys) == 0 || m.signing.rewrites(fieldComplaints) {
		return false
	}
	domain := strings.ToLower(m.r.FeedbackDomain)
	if domain == from || strings.HasSuffix(domain, "."+from) {
		return true
	}
	second := m.r.Keys.For(domain)
	if len(second) == 0 || m.signing.Most > 0 && len(m.keys)+len(second) > m.signing.Most {
		return false
	}
	m.keys = append(append(make([]dkim.Key, 0, len(m.keys)+len(second)), m.keys...), second...)
	return true
}

// identifier makes a part of a Feedback-ID: what is special in one is left out.
func identifier(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
			return c
		}
		return -1
	}, s)
	return s[:min(len(s), 64)]
}

// complaintToken names the recipient to us alone.
func (m *Message) complaintToken(recipient string) ([]byte, error) {
	token, err := m.token(recipient, listunsub.FeedbackID)
	if err != nil {
		return nil, err
	}
	return mime.NewField(fieldComplaintToken, token)
}

// variable is what the hop repeats in its reports about the message: the local
// part of a bounce address, which no limit of a hop is too short for. Mailgun
// reads JSON.
func (m *Message) variable(out *Rendering, to Target) ([]byte, error) {
	address, ok, err := m.address(out, listunsub.BounceAddress, to)
	if !ok {
		return nil, err
	}
	value, _, _ := strings.Cut(address, "@")
	if m.signing.Repeats == fieldVariables {
		value = `{"offramp":"` + value + `"}`
	}
	return mime.NewField(m.signing.Repeats, value)
}

// returnTo sets what mail to a target leaves with: ours, or the sender's.
func (m *Message) returnTo(out *Rendering, to Target) error {
	out.ReversePath = m.stored.ReversePath
	if !m.returns.verp {
		return nil
	}
	address, ok, err := m.address(out, listunsub.BounceAddress, to)
	if ok {
		out.ReversePath = address
	}
	return err
}
