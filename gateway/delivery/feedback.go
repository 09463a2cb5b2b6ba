package delivery

import (
	"strings"

	"offramp/gateway/dkim"
	"offramp/gateway/message"
	"offramp/listunsub"
)

// Feedback is what list mail is given so that what comes back finds its
// person. It needs Renderer.FeedbackDomain; the zero value adds nothing.
type Feedback struct {
	// Bounces has mail leave with a reverse-path of ours (VERP), which names
	// the recipient under a MAC.
	Bounces bool
	// PassOn adds the reverse-path the sender gave, sealed, in
	// [FieldReturnPath], so that a bounce can be passed on to it.
	PassOn bool
	// Complaints adds CFBL-Address and CFBL-Feedback-ID (RFC 9477) where a
	// signature at hand fits the address.
	Complaints bool
	// SenderID is the last part of the Feedback-ID by which Gmail counts
	// complaints, 5 to 15 characters; empty: none is added.
	SenderID string
}

// FieldReturnPath is the field that brings the sender's reverse-path back.
const FieldReturnPath = "X-Offramp-Return-Path"

// ComplaintBox is the local part of the address for complaints.
const ComplaintBox = "cfbl"

const (
	fieldFeedbackID     = "Feedback-ID"
	fieldComplaints     = "CFBL-Address"
	fieldComplaintToken = "CFBL-Feedback-ID"
)

// ways back of one message, the same for all its recipients.
type waysBack struct {
	verp       bool
	complaints bool
	fields     [][]byte // without the complaint token, which names the recipient
}

// waysBack settles them, once the fields and keys of the letter stand.
func (l *Letter) prepareWaysBack(h message.Header) error {
	f, r := l.r.Feedback, l.r
	if l.exempt || r.FeedbackDomain == "" {
		return nil
	}
	add := func(name, value string) error {
		field, err := message.NewField(name, value)
		if err == nil {
			l.back.fields = append(l.back.fields, field)
		}
		return err
	}
	l.back.verp = f.Bounces && l.m.ReversePath != ""
	if l.back.verp && f.PassOn {
		token, err := r.Tokens.Seal(listunsub.Claims{Recipient: l.m.ReversePath, Issued: l.m.Received, Purpose: listunsub.ReturnPath})
		if err == nil { // else it is too long, and its bounces are not passed on
			if err := add(FieldReturnPath, token); err != nil {
				return err
			}
		}
	}
	from := message.FromDomain(h.Get("From"))
	if f.SenderID != "" && len(l.keys) > 0 && h.Count(fieldFeedbackID) == 0 {
		if err := add(fieldFeedbackID, strings.Join([]string{identifier(l.m.List), identifier(from), "list", f.SenderID}, ":")); err != nil {
			return err
		}
	}
	if !f.Complaints || h.Count(fieldComplaints) > 0 || h.Count(fieldComplaintToken) > 0 || !l.complaintsSigned(from) {
		return nil
	}
	l.back.complaints = true
	return add(fieldComplaints, ComplaintBox+"@"+r.FeedbackDomain+"; report=arf")
}

// complaintsSigned says whether the signatures let receivers believe the
// address for complaints: it is in the From domain or below it, and that
// domain signs (RFC 9477 section 3.1.1), or its own domain signs too
// (section 3.1.3), for which its keys are added.
func (l *Letter) complaintsSigned(from string) bool {
	if len(l.keys) == 0 {
		return false
	}
	domain := strings.ToLower(l.r.FeedbackDomain)
	if domain == from || strings.HasSuffix(domain, "."+from) {
		return true
	}
	second := l.r.Keys.For(domain)
	if len(second) == 0 {
		return false
	}
	l.keys = append(append(make([]dkim.Key, 0, len(l.keys)+len(second)), l.keys...), second...)
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
func (l *Letter) complaintToken(recipient string) ([]byte, error) {
	token, err := l.token(recipient, listunsub.FeedbackID)
	if err != nil {
		return nil, err
	}
	return message.NewField(fieldComplaintToken, token)
}

// reversePath is what mail to recipient leaves with: ours, or, where the
// recipient does not fit into one, the sender's.
func (l *Letter) reversePath(recipient string) string {
	if !l.back.verp {
		return l.m.ReversePath
	}
	local, err := l.r.Tokens.SealAddress(listunsub.AddressClaims{
		Kind: listunsub.BounceAddress, ListKey: listunsub.ListKey(l.m.List), Recipient: recipient})
	if err != nil { // ErrTooLong
		return l.m.ReversePath
	}
	return local + "@" + l.r.FeedbackDomain
}
