package feedback

import (
	"context"
	"fmt"
	"strings"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/gateway/envelope"
	"offramp/store"
)

// whom is the person and list that a report of a smarthost is about.
type whom struct {
	consent.Subject
	proven bool // a token names them
	noList bool // it is about mail of no list
}

// recipientOf reads an address as smarthosts write it: alone, in angle brackets,
// or with a display name or a comment, as a header field of the message had it.
// Several addresses name nobody.
func recipientOf(text string) (envelope.Address, bool) {
	text = strings.TrimSpace(text)
	if strings.HasSuffix(text, ">") {
		open := strings.LastIndexByte(text, '<')
		if open < 0 || severalAddresses(text[:open]) {
			return envelope.Address{}, false
		}
		text = strings.TrimSpace(text[open+1 : len(text)-1])
	} else {
		text = withoutComments(text)
	}
	a, err := envelope.Parse(text)
	// An address that is not quoted has none of these: it is several, or a text.
	if err != nil || a.Domain() == "" || text[0] != '"' && strings.ContainsAny(a.Local(), "@,;:<>() \t") {
		return envelope.Address{}, false
	}
	return a, true
}

// severalAddresses says whether a display name ends an address before it: it has
// an address, and a comma or semicolon after it, outside of quotes.
func severalAddresses(name string) bool {
	quoted, address := false, false
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '@':
			address = true
		case (c == ',' || c == ';') && address:
			return true
		}
	}
	return false
}

// withoutComments removes what is in parentheses before and after an address
// (RFC 5322 section 3.2.2).
func withoutComments(text string) string {
	for strings.HasSuffix(text, ")") && strings.LastIndexByte(text, '(') >= 0 {
		text = strings.TrimSpace(text[:strings.LastIndexByte(text, '(')])
	}
	for strings.HasPrefix(text, "(") {
		_, after, ok := strings.Cut(text, ")")
		if !ok {
			break
		}
		text = strings.TrimSpace(after)
	}
	return text
}

// about finds the list of a report. A valid token of the person names it, and
// for a complaint, which stops a list, also the Message-ID of mail that we
// relayed of late, or that the person was sent mail of one list only. Else it
// holds for all lists: all mail to a person is one to a smarthost too.
//
// An opt-out at the smarthost is from all that it sends, unless the header of
// the message says otherwise.
func (f *Feedback) about(ctx context.Context, t Told, recipient envelope.Address) (whom, error) {
	w := whom{Subject: consent.Subject{Recipient: recipient}}
	text := t.Header
	if t.Kind != ToldOptOut && t.Kind != ToldWithheld {
		text += "\n" + t.Variables
	}
	proof, err := f.prove(ctx, &diagnosis.Report{Text: text})
	if err != nil {
		return w, err
	}
	if proof.header && proof.subject.Recipient.Key() == recipient.Key() {
		w.Subject, w.proven = proof.subject, true
	}
	if w.List != store.AllLists || t.Kind != ToldComplaint {
		return w, nil
	}
	if list, known := f.Sent.List(t.MessageID); known {
		w.List, w.noList = list, list == store.AllLists
		return w, nil
	}
	p, err := f.Answers.Person(ctx, recipient)
	if err != nil {
		return w, fmt.Errorf("lists of a person who complained: %w", err)
	}
	if len(p.Contacts) == 1 {
		w.List = p.Contacts[0].List
	}
	return w, nil
}
