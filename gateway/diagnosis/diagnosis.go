// Package diagnosis says what a message that came back is and why it came: a
// bounce (RFC 3464, and the forms of mail systems that know no RFC), a complaint
// (RFC 5965, RFC 6591), an automatic answer (RFC 3834, RFC 8098), an opt-out
// somebody wrote by hand, or something else.
//
// It is pure: no network, no store, and the same bytes give the same report.
// It never fails, since what comes back is seldom well formed.
//
// # Hard
//
// A bounce is hard only when the address itself is dead for good: no such
// mailbox, no such host or domain, a domain that takes no mail (RFC 7505), moved
// away. A wrong hard costs a reader, a missed one only a further attempt. So a
// single word that speaks of the sender, the message, a full mailbox or the
// network is enough against it, whatever the status code says (RFC 3463), and so
// are a conjunction that joins another reason and an address that is not the
// one the mail was sent to, and a sentence beside a bare status code of which no
// phrase is known. Words of a report's form, such as names of products, and words
// that only say that something is not allowed do not outweigh it.
//
// # Limits
//
// Of a message the first MiB is looked at, 20 levels of nesting, 500 parts and
// 200 recipients, and 8 KiB of the reason given for one. Texts are at most
// 64 KiB. What the returned message says never counts.
package diagnosis

import "offramp/gateway/mime"

// MaxSize is how many bytes of a message are looked at.
const MaxSize = 1 << 20

// Limits of what is looked at and kept.
const (
	maxText       = 64 << 10
	maxReason     = 8 << 10
	maxDiagnostic = 512
	maxRecipients = 200
	maxWrapped    = 3
)

// Kind is what a message is.
type Kind string

// Kinds of messages.
const (
	Bounce    Kind = "bounce"
	Complaint Kind = "complaint"
	AutoReply Kind = "auto-reply"
	OptOut    Kind = "opt-out"
	Other     Kind = "other"
)

// Class is what a bounce says about the address.
type Class string

// Classes of bounces.
const (
	Hard      Class = "hard"      // dead for good
	Soft      Class = "soft"      // not delivered, but the address may live; counts where the cause is address or mailbox
	Undecided Class = "undecided" // contradictory or not understood
)

// Cause is where the problem lies.
type Cause string

// Causes of bounces; "" is unknown.
const (
	CauseAddress Cause = "address" // no such address or host, moved
	CauseMailbox Cause = "mailbox" // full, disabled, suspended, down for a while
	CauseMessage Cause = "message" // too large, content, virus, spam
	CauseSender  Cause = "sender"  // policy, reputation, authentication, relaying, rate
	CauseNetwork Cause = "network" // connection, DNS, time-out, loop, system
)

// Finding is what a message says about one recipient.
type Finding struct {
	Kind         Kind   `json:"kind"`
	Class        Class  `json:"class"`         // "" where the kind is not bounce
	Status       string `json:"status"`        // RFC 3463: "5.1.1"
	Reply        string `json:"reply"`         // RFC 5321: "550"
	Recipient    string `json:"recipient"`     // as the message names it; never to be acted on alone
	FeedbackType string `json:"feedback_type"` // RFC 5965, lower case
	System       string `json:"system"`        // mail system that wrote it: "Postfix"
	Why          string `json:"why"`           // one sentence
	Diagnostic   string `json:"diagnostic"`    // what the mail system gave as reason
	Cause        Cause  `json:"cause"`
	Delayed      bool   `json:"delayed"` // not delivered yet, the mail system goes on trying
	// Loose says that no code, field or mail system says so, only a sentence in
	// what some machine wrote. It counts for nobody but the recipient it names.
	Loose bool `json:"loose,omitempty"`
}

// Report is what a message says.
type Report struct {
	Findings     []Finding   // at least one; one for each recipient of a bounce
	Header       mime.Header // of the message itself
	Returned     mime.Header // of the message it is about, as far as it came back
	Feedback     string      // fields of a feedback report (RFC 5965)
	Text         string      // its own text, decoded
	ReturnedText string      // text of the message it is about, decoded, mark-up kept
}

// Read reads a message. nullReversePath says that it came with an empty
// reverse-path, as bounces and most answering machines do (RFC 5321 section
// 4.5.5). It never fails and never panics: of a message it cannot make sense of
// it says Other. It keeps raw, which must not be changed any more.
func Read(raw []byte, nullReversePath bool) Report {
	l := open(raw[:min(len(raw), MaxSize)])
	l.null = nullReversePath || l.header.Get("Return-Path") == "<>"
	r := Report{Findings: l.findings(), Header: l.header}
	for range maxWrapped {
		inner, found := l.wrapped(r.Findings)
		if inner == nil {
			break
		}
		l, r.Findings = inner, found
	}
	r.Returned, r.ReturnedText, r.Text = l.returned, l.returnedText, l.text
	r.Feedback = clip(string(l.feedbackFields()), maxText)
	return r
}

// wrapped reads the message inside one that says nothing itself, where that is a
// report: some systems and people pass reports on as an enclosure.
func (l *letter) wrapped(found []Finding) (*letter, []Finding) {
	if len(found) > 1 || found[0].Kind != Other && (found[0].Kind != Bounce || found[0].Class != Undecided || found[0].Cause != "") || l.enclosed == nil {
		return nil, nil
	}
	inner := open(l.enclosed)
	found = inner.findings()
	if found[0].Kind != Bounce && found[0].Kind != Complaint || !inner.isReport() && !inner.daemon() && jsonNotice(inner) == nil {
		return nil, nil
	}
	return inner, found
}

// findings asks each form in turn, the surest first.
func (l *letter) findings() []Finding {
	for _, form := range []func(*letter) []Finding{
		jsonNotice, complaints, statusReport, receiptOf, challenge, textBounce, automatic, optOut,
	} {
		if found := form(l); len(found) > 0 {
			return found
		}
	}
	return []Finding{{Kind: Other, Why: "no form of a bounce, a complaint, an automatic answer or an opt-out was found"}}
}
