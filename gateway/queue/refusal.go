package queue

import (
	"context"

	"offramp/gateway/envelope"
	"offramp/gateway/nexthop"
	"offramp/store"
)

// Refusal is that a recipient failed because of what the next hop, or the name
// service, said about it.
type Refusal struct {
	Recipient envelope.Address
	List      string // empty for exempt mail
	Code      int    // of the reply; 0: the domain exists not, or takes no mail
	Status    string // enhanced
	Text      string
	// AtEnd says that it answered the message, not the address: filters say
	// "user unknown" to mail they do not like.
	AtEnd     bool
	QueueID   string
	MessageID string
	Once      string // the same whenever this refusal is told
}

// Refusals is told of refusals, so that a dead address gets no more mail.
type Refusals interface {
	// Refused is called once the failure is settled, and again after an error.
	// A crash before it loses the refusal and nothing else: the next mail is
	// refused again. The other way round a crash would have the failed message
	// dropped, with no report to its sender.
	Refused(ctx context.Context, r Refusal) error
}

// tellRefusals tells of the fates that a refusal of the recipient has caused.
func (a *attempt) tellRefusals(ctx context.Context) {
	if a.q.Refusals == nil || a.task.parcel.m.ReversePath == "" {
		return // bounces and other mail of ours go to senders, not to people
	}
	for _, f := range a.fates {
		address, err := envelope.Parse(f.job.Recipient.Address)
		if f.refused == notRefused || err != nil {
			continue
		}
		m, st := f.job.Message, f.result.Status
		list := m.List
		if a.letter != nil && a.letter.Exempt() {
			list = ""
		}
		r := Refusal{
			Recipient: address, List: list, Code: st.Code, Status: st.Enhanced, Text: withoutAddresses(st.Text, f.job.Recipient.Address),
			AtEnd:   f.refused == atEnd,
			QueueID: m.ID, MessageID: m.MessageID, Once: "refused " + holder(f.job),
		}
		a.q.persist(ctx, "record a refusal", func(ctx context.Context) error { return a.q.Refusals.Refused(ctx, r) })
	}
}

// refused is what a failure says about its recipient.
type refused int

const (
	notRefused refused = iota // nothing
	byAddress                 // it answered RCPT, or no server was found
	atEnd                     // it answered the message
)

// bounce settles a job that failed because of what was said about its
// recipient.
func (a *attempt) bounce(j store.Job, st store.Status, r refused) {
	a.settle(j, store.Bounced, st)
	a.fates[len(a.fates)-1].refused = r
}

// refusedAt says whether an answer can be about one recipient: that to RCPT,
// or to the message where there is no other recipient.
func refusedAt(at nexthop.Stage, alone bool) refused {
	switch {
	case at == nexthop.StageRcpt:
		return byAddress
	case alone && (at == nexthop.StageData || at == nexthop.StageDot):
		return atEnd
	}
	return notRefused
}
