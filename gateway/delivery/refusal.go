package delivery

import (
	"context"
	"errors"

	"offramp/gateway/envelope"
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
	QueueID   string
	MessageID string
	Once      string // the same whenever this refusal is told
}

// Refusals is told of refusals, so that a dead address gets no more mail.
type Refusals interface {
	// Refused is called before the recipient leaves the spool, and again after
	// an error or a crash.
	Refused(ctx context.Context, r Refusal) error
}

// tellRefusals tells of the fates that a refusal of the recipient has caused.
func (a *attempt) tellRefusals(ctx context.Context) {
	if a.q.Refusals == nil || a.task.parcel.m.ReversePath == "" {
		return // bounces and other mail of ours go to senders, not to people
	}
	for _, f := range a.fates {
		address, err := envelope.Parse(f.job.Recipient.Address)
		if !f.refused || err != nil {
			continue
		}
		m, st := f.job.Message, f.result.Status
		list := m.List
		if a.letter != nil && a.letter.exempt {
			list = ""
		}
		r := Refusal{
			Recipient: address, List: list, Code: st.Code, Status: st.Enhanced, Text: withoutAddresses(st.Text, f.job.Recipient.Address),
			QueueID: m.ID, MessageID: m.MessageID, Once: "refused " + holder(f.job),
		}
		a.q.persist(ctx, "record a refusal", func(ctx context.Context) error { return a.q.Refusals.Refused(ctx, r) })
	}
}

// bounce settles a job that failed because of what was said about its
// recipient.
func (a *attempt) bounce(j store.Job, st store.Status) {
	a.settle(j, store.Bounced, st)
	a.fates[len(a.fates)-1].refused = true
}

// aboutRecipient says whether a refusal can be about one recipient: that of
// RCPT, or of the message where there is no other recipient.
func aboutRecipient(err error, alone bool) bool {
	e, ok := errors.AsType[*stageError](err)
	if !ok {
		return false
	}
	return e.stage == stageRcpt || alone && (e.stage == stageData || e.stage == stageDot)
}
