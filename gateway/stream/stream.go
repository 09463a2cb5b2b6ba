// Package stream decides by its header whether a message is list mail, and of
// which list, or transactional. It is pure: message, client and settings in,
// decision with its cause out.
//
// A newsletter that is missed stays as it was; a password reset taken for one
// can be lost to an opt-out. So a message needs a mark to be list mail, and the
// marks are weighed by how often transactional mail bears them. The first of
// these steps that applies decides:
//
//  1. a report from the null reverse-path stays untouched
//  2. the control field, [ControlHeader]
//  3. the operator's [Rules]
//  4. what must stay untouched: letters of list servers, automatic replies,
//     reports, posts of discussion lists, redirected mail, newsletters of others
//     that are signed
//  5. account mail of known systems is transactional
//  6. a field that only campaigns bear
//  7. List-Id
//  8. List-Unsubscribe with an https or http URI
//  9. the fields of a list server, with List-Unsubscribe by mail alone
//  10. the default of the login
//  11. the default stream
package stream

import (
	"net/netip"
	"strings"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
)

// ControlHeader names the list of a message, or exempts it with the value
// "transactional". It never leaves: delivery removes it.
const ControlHeader = "X-Offramp-List"

// Defaults for mail without any mark, and the word that exempts a message in a
// rule, in the control field and as the default of a login.
const (
	Auto          = "auto" // what bears no mark of a list is transactional
	List          = "list" // it belongs to the list of its From domain
	Transactional = "transactional"
)

// Kind is what a message is.
type Kind int

// The kinds of messages.
const (
	// Exempt is transactional mail: no opt-out stops it.
	Exempt Kind = iota
	// Listed is list mail: it gets the recipient's way out.
	Listed
	// Untouched gets no field either. Where Decision.List names a list, the
	// opt-outs recorded for that list hold all the same.
	Untouched
)

// String returns the kind as commands show it.
func (k Kind) String() string {
	switch k {
	case Listed:
		return "list"
	case Untouched:
		return "untouched"
	}
	return "transactional"
}

// Step is what decided.
type Step string

// The steps, in their order.
const (
	ByReport      Step = "report"
	ByControl     Step = "control field"
	ByRule        Step = "rule"
	ByLetter      Step = "list server's letter"
	ByUntouched   Step = "untouched"
	ByAccount     Step = "account mail"
	ByCampaign    Step = "campaign field"
	ByListID      Step = "List-Id"
	ByUnsubscribe Step = "List-Unsubscribe"
	ByListServer  Step = "list server"
	ByLogin       Step = "login"
	ByDefault     Step = "default"
)

// Decision is what a message is, and why.
type Decision struct {
	Kind Kind
	// List is the list of Listed mail; ID is never empty there. Of Untouched
	// mail it is the list whose opt-outs hold, or empty.
	List listunsub.ListID
	// Known is another identifier that its List-Id can be read as, canonical. It
	// names a list only where there is such a list already; empty: none.
	Known string
	Step  Step
	// Mark is what the step went by: a field, a rule with its line, a login. It
	// holds nothing else of the message and at most 100 bytes.
	Mark string
	// Ignored names a control field that could not be followed, and why.
	Ignored string
	// PassedOn says that the message was delivered somewhere before it came here:
	// who wrote it is not known, and it is not ours to sign.
	PassedOn bool
	// From is the address of From and FromDomain its domain, as far as they can be
	// read, Subject the value of that field.
	From, FromDomain, Subject string
	// Precedence and FeedbackID are hints of bulk mail that decide nothing.
	Precedence, FeedbackID bool
}

// Unmarked says whether the message itself says nothing of a list: a default
// decided.
func (d Decision) Unmarked() bool { return d.Step == ByLogin || d.Step == ByDefault }

// Mail is what is known about a message besides its header.
type Mail struct {
	Login  string           // name the client authenticated with; empty: none
	Client netip.Addr       // of the client
	Sender envelope.Address // reverse-path; the zero value: null
}

// Classifier holds the settings that decide. It does not change and may be used
// by many goroutines.
type Classifier struct {
	Default string // Auto, List or Transactional; empty: Auto
	Rules   Rules  // of the operator
	// LoginLists is the list, or Transactional, of a login's mail that has no
	// mark of its own.
	LoginLists map[string]string
	// Signs says whether mail from a domain is signed here; nil: none is.
	Signs func(domain string) bool
}

// Classify decides about one message. Fields are those of its header, in their
// order.
func (c *Classifier) Classify(m Mail, fields []mime.Field) Decision {
	f := read(fields)
	d := Decision{PassedOn: f.wasPassedOn(m), From: f.from, FromDomain: f.fromDomain, Subject: f.subject, Precedence: f.bulk(), FeedbackID: f.feedbackID}
	d.Kind, d.Step, d.Mark, d.List = c.decide(m, f)
	switch {
	case f.control == "" && f.controls > 0:
		d.Ignored = "it is empty"
	case f.control != "" && d.Step == ByReport:
		d.Ignored = "the message is a report from the null reverse-path"
	}
	if d.Mark == MarkSigned && d.List.ID == "" {
		d.List = c.unnamed(m, f) // it would be, if nobody else had signed it
	}
	if d.asListID() && f.named != listunsub.CanonicalID(f.listID.ID) {
		d.Known = f.named
	}
	if d.Kind == Listed && d.List.ID == "" {
		d.List = c.unnamed(m, f)
	}
	if d.Kind == Listed && d.List.ID == "" {
		d.Kind = Exempt // no From domain either: there is nothing a person could leave
	}
	d.Mark = strings.ToValidUTF8(d.Mark[:min(len(d.Mark), maxMark)], "")
	return d
}

const maxMark = 100

// asListID says whether the List-Id may name the list, beside what decided.
func (d Decision) asListID() bool {
	switch d.Step {
	case ByControl, ByRule, ByAccount, ByLetter:
		return false
	}
	return true
}

// decide returns the kind and what decided. The list is named where the step
// names one.
func (c *Classifier) decide(m Mail, f *facts) (Kind, Step, string, listunsub.ListID) {
	none := listunsub.ListID{}
	if f.report && m.Sender.IsNull() {
		return Untouched, ByReport, "multipart/report", f.listID
	}
	if f.control != "" {
		kind, list := named(f.control)
		return kind, ByControl, ControlHeader, list
	}
	if r := c.Rules.match(m, f); r != nil {
		return r.Kind, ByRule, r.name(), r.List
	}
	if mark := f.letter(); mark != "" {
		return Untouched, ByLetter, mark, none
	}
	if mark := c.untouched(m, f); mark != "" {
		return Untouched, ByUntouched, mark, f.listID
	}
	if mark := f.account(); mark != "" {
		return Exempt, ByAccount, mark, none
	}
	if f.campaign != "" {
		return Listed, ByCampaign, f.campaign, f.listID
	}
	if f.bracketed || f.hasListID && f.unsubscribes() {
		return Listed, ByListID, "List-Id", f.listID
	}
	if f.unsubscribeHTTP {
		return Listed, ByUnsubscribe, "List-Unsubscribe", none
	}
	// Applications add a mailto to codes and receipts too, "against spam
	// filters": what a list server has beside it makes the difference.
	if f.unsubscribeMail && f.bulk() && f.listServer != "" {
		return Listed, ByListServer, f.listServer, none
	}
	if word := c.LoginLists[m.Login]; m.Login != "" && word != "" {
		kind, list := named(word)
		return kind, ByLogin, m.Login, list
	}
	if c.Default == List && !m.Sender.IsNull() && !f.automatic() {
		return Listed, ByDefault, List, none
	}
	return Exempt, ByDefault, Transactional, none
}

// named reads what a control field or setting says: a list, or the word that
// exempts, in whatever it is wrapped.
func named(text string) (Kind, listunsub.ListID) {
	if equal(strings.Trim(mime.Keyword(text), `<>"'`), Transactional) {
		return Exempt, listunsub.ListID{}
	}
	if l, err := listunsub.ParseListID(text); err == nil {
		return Listed, l
	}
	// It was meant as a list: mail without an unsubscribe would be the worse reading.
	return Listed, listunsub.ListID{ID: text}
}

// unnamed is the list of mail that names none: that of the login, else that of
// the From domain, else that of the reverse-path.
func (c *Classifier) unnamed(m Mail, f *facts) listunsub.ListID {
	if word := c.LoginLists[m.Login]; m.Login != "" && word != "" && !equal(word, Transactional) {
		_, list := named(word)
		return list
	}
	if f.fromDomain != "" {
		return listunsub.ListID{ID: f.fromDomain}
	}
	return listunsub.ListID{ID: m.Sender.Domain()}
}
