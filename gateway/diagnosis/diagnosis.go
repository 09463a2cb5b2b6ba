// Package diagnosis says what a message that came back is, and why: a bounce
// (RFC 3464, or the text of one of many mail systems), a complaint (RFC 5965
// and its forerunners), an answer of a machine (RFC 3834), or a reply that asks
// to be left alone.
//
// It only reads. Anybody can write such a message, so nothing in a [Report]
// proves whom it is about. In doubt a bounce is undecided: an address is called
// dead only when its own mail system says so, and nothing beside it says
// something else.
package diagnosis

import (
	"offramp/gateway/message"
)

// Kind is what a message is.
type Kind string

// The kinds.
const (
	Bounce    Kind = "bounce"
	Complaint Kind = "complaint"
	AutoReply Kind = "auto-reply"
	OptOut    Kind = "opt-out"
	Other     Kind = "other"
)

// Class is what a bounce says about the address.
type Class string

// The classes.
const (
	Hard      Class = "hard"      // there is no such address, for good
	Soft      Class = "soft"      // it did not work this time
	Undecided Class = "undecided" // it does not say
)

// Cause is whose fault a bounce is.
type Cause string

// The causes. The empty one is not known.
const (
	CauseAddress Cause = "address" // no such mailbox or domain
	CauseMailbox Cause = "mailbox" // full, disabled or not working
	CauseMessage Cause = "message" // size, form or contents
	CauseSender  Cause = "sender"  // policy, reputation, authentication, rate
	CauseNetwork Cause = "network" // connections, name service, faults of a server
)

// Finding is what a message says about one recipient.
type Finding struct {
	Kind         Kind   `json:"kind"`
	Class        Class  `json:"class"`         // of a bounce; else empty
	Status       string `json:"status"`        // RFC 3463, such as 5.1.1
	Reply        string `json:"reply"`         // RFC 5321, such as 550
	Recipient    string `json:"recipient"`     // as the body names it: proves nothing
	FeedbackType string `json:"feedback_type"` // of a complaint (RFC 5965 section 7.3), lower case
	System       string `json:"system"`        // mail system that wrote the message
	Why          string `json:"why"`           // in one sentence
	Cause        Cause  `json:"cause"`
	Diagnostic   string `json:"diagnostic"` // what the mail system said, at most 500 octets
	Delayed      bool   `json:"-"`          // it is still being tried
}

// Report is what a message says.
type Report struct {
	// Findings has at least one; of a bounce one for each recipient, at most
	// maxFindings.
	Findings []Finding
	// Header is that of the message itself.
	Header message.Header
	// Returned is the header of the message it is about, as far as it came
	// back.
	Returned message.Header
	// Text is what the message itself says, and ReturnedText what the message
	// it is about says, both decoded, at most 64 KiB each.
	Text, ReturnedText string
}

// The limits of what is looked at.
const (
	MaxSize     = 1 << 20 // octets of a message
	maxDepth    = 20      // of parts in parts
	maxParts    = 500
	maxText     = 64 << 10
	maxFindings = 100
	maxDetail   = 500
)

// Read says what a message is. raw may have any line ends and be cut off
// anywhere; what follows [MaxSize] octets is not looked at. null says that it
// came from the null reverse-path. It never fails.
func Read(raw []byte, null bool) Report {
	r := newReader(raw, null)
	for _, read := range []func() []Finding{r.complaint, r.statusReport, r.automaticAnswer, r.bounceText, r.optOut} {
		if found := read(); len(found) > 0 {
			return r.report(found)
		}
	}
	return r.report([]Finding{{Kind: Other, Why: "nothing known is said in it"}})
}

// report completes what was found.
func (r *reader) report(found []Finding) Report {
	if len(found) > maxFindings {
		found = found[:maxFindings]
	}
	for i := range found {
		f := &found[i]
		if f.System == "" {
			f.System = r.system()
		}
		f.Diagnostic = cut(f.Diagnostic, maxDetail)
		f.Recipient = cut(f.Recipient, maxDetail)
	}
	return Report{Findings: found, Header: r.header, Returned: r.returnedHeader(), Text: cut(r.text, maxText), ReturnedText: cut(r.returnedText, maxText)}
}
