package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"offramp/gateway/mime"
	"offramp/gateway/render"
	"offramp/store"
)

// fits decides before MAIL what the client would decide wrongly or not at
// all. ok is false when the hop can never take the message as it is; st then
// says why. eightBit is that it has 8-bit content which cannot be converted for
// this hop.
func (a *attempt) fits(r render.Rendering, eightBit bool) (st store.Status, ok bool) {
	hop, m := a.session.Abilities(), a.task.message.stored
	refuse := func(enhanced, text string) (store.Status, bool) {
		return store.Status{Enhanced: enhanced, Text: text, Host: a.session.Name()}, false
	}
	// RFC 8689 section 4.2.1; a bounce is sent all the same (section 5).
	if m.RequireTLS && m.ReversePath != "" && !hop.RequireTLS {
		return refuse("5.7.30", "the sender requires TLS (REQUIRETLS), and the next hop does not offer it")
	}
	if hop.MaxSize > 0 && r.Size > hop.MaxSize {
		return refuse("5.3.4", fmt.Sprintf("the message has %d bytes, and the next hop accepts %d at most", r.Size, hop.MaxSize))
	}
	if !hop.UTF8 && a.needsUTF8(r.ReversePath, nil) {
		return refuse("5.6.7", noUTF8)
	}
	if eightBit {
		return refuse("5.6.3", "the message has 8-bit content that cannot be converted, and the next hop does not offer 8BITMIME")
	}
	return st, true
}

// target is whom the message is rendered for, at the hop of this session. A
// fail-over has a session with other abilities.
//
// What was never declared is passed on as it came; RFC 6152 section 3 speaks of
// declared content only. Many clients declare it for all they send, so the
// content is looked at.
func (a *attempt) target(ctx context.Context, j store.Job) (t render.Target, err error) {
	t = render.Target{Recipient: j.Recipient.Address, SevenBit: a.task.message.stored.EightBit && !a.session.Abilities().EightBit}
	if a.prepared.Greets() && a.q.Contacts != nil {
		t.First, err = a.greets(ctx, j)
	}
	return t, err
}

// greetAgain is how long after the first message of a list further ones count as
// the first. It is longer than a delivery takes to be recorded with its person,
// so that every attempt for a message finds the same.
const greetAgain = 5 * time.Minute

// greets says whether a message is the first of its list to a person. Only what
// reached them well before it was accepted counts: what does meanwhile must not
// change the bytes of a later attempt.
func (a *attempt) greets(ctx context.Context, j store.Job) (bool, error) {
	m := a.task.message.stored
	first, err := a.q.Contacts.FirstSent(ctx, key(j.Recipient.Address), m.List)
	return first.IsZero() || first.After(m.Received.Add(-greetAgain)), err
}

const noUTF8 = "the message has non-ASCII addresses or header fields, and the next hop does not offer SMTPUTF8"

// needsUTF8 says whether a transaction of that reverse-path for jobs needs
// SMTPUTF8. A client may have asked for it without need (RFC 6531 section 3.1).
func (a *attempt) needsUTF8(sender string, jobs []store.Job) bool {
	m := a.task.message.stored
	if !m.UTF8 {
		return false
	}
	return a.prepared.EightBitHeader() || !mime.ASCII(sender) || slices.ContainsFunc(jobs, beyondASCII)
}

func beyondASCII(j store.Job) bool { return !mime.ASCII(j.Recipient.Address) }

// addressable returns the jobs whose recipients can be named to the hop, and
// settles the others: one address must not fail the whole message.
func (a *attempt) addressable(jobs []store.Job) []store.Job {
	if a.session.Abilities().UTF8 || !a.task.message.stored.UTF8 || !slices.ContainsFunc(jobs, beyondASCII) {
		return jobs
	}
	var fit []store.Job
	for _, j := range jobs {
		if beyondASCII(j) {
			a.settle(j, store.Bounced, store.Status{Enhanced: "5.6.7", Text: noUTF8, Host: a.session.Name()})
		} else {
			fit = append(fit, j)
		}
	}
	return fit
}
