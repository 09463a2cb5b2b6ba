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
	Code      int    // of the reply; 0: the domain does not exist, or accepts no mail
	Status    string // enhanced
	Text      string
	// AtEnd says that it answered the message, not the address: filters say
	// "user unknown" to mail they do not like.
	AtEnd     bool
	QueueID   string
	MessageID string
	Once      string // the same whenever this refusal is reported
}

// Refusals is notified of refusals, so that a dead address gets no more mail.
type Refusals interface {
	// Refused is called once the failure is settled, and again after an error.
	// A crash before it loses the refusal and nothing else: the next mail is
	// refused again. The other way round a crash would have the failed message
	// dropped, with no report to its sender.
	Refused(ctx context.Context, r Refusal) error
}

// reportRefusals reports the outcomes that a refusal of the recipient has caused.
func (a *attempt) reportRefusals(ctx context.Context) {
	if a.q.Refusals == nil || a.task.message.stored.ReversePath == "" {
		return // bounces and our other mail go to senders, not to people
	}
	for _, o := range a.outcomes {
		address, err := envelope.Parse(o.job.Recipient.Address)
		if o.refused == notRefused || err != nil {
			continue
		}
		m, st := o.job.Message, o.result.Status
		list := m.List
		if a.prepared != nil && a.prepared.Exempt() {
			list = ""
		}
		r := Refusal{
			Recipient: address, List: list, Code: st.Code, Status: st.Enhanced, Text: withoutAddresses(st.Text, o.job.Recipient.Address),
			AtEnd:   o.refused == atEnd,
			QueueID: m.ID, MessageID: m.MessageID, Once: "refused " + slotOwner(o.job),
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
	a.outcomes[len(a.outcomes)-1].refused = r
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
