package record

import (
	"time"

	"offramp/store"
)

// QueueEntry is a message in the queue. The fields that Postfix's
// "postqueue -j" has are named and filled as there, so that what reads the one
// reads the other; the rest is ours.
type QueueEntry struct {
	QueueName   string           `json:"queue_name" enum:"active,deferred,hold" doc:"Where it stands, in the words of Postfix."`
	QueueID     string           `json:"queue_id" doc:"The message's queue id."`
	ArrivalTime int64            `json:"arrival_time" doc:"When it was accepted, in seconds since 1970."`
	MessageSize int64            `json:"message_size" doc:"Bytes, header included."`
	Sender      string           `json:"sender" doc:"Reverse-path; empty: the null reverse-path."`
	Recipients  []QueueRecipient `json:"recipients"`

	List      string `json:"list,omitempty" doc:"Empty: transactional mail."`
	MessageID string `json:"message_id,omitempty" doc:"Its Message-ID."`
	Client    string `json:"client,omitempty" doc:"Address of the client that handed it over."`
	Login     string `json:"login,omitempty" doc:"Login of that client."`
}

// QueueRecipient is a recipient of a [QueueEntry].
type QueueRecipient struct {
	Address     string `json:"address"`
	DelayReason string `json:"delay_reason,omitempty" doc:"The last attempt's outcome."`

	State    string    `json:"state" enum:"queued,held,failed"`
	Attempts int       `json:"attempts" doc:"How often delivery was tried."`
	Next     time.Time `json:"next,omitzero" doc:"When it is tried next."`
	Code     int       `json:"code,omitempty" example:"451" doc:"The next hop's reply code."`
	Status   string    `json:"status,omitempty" example:"4.2.2" doc:"Its enhanced status code (RFC 3463)."`
	Relay    string    `json:"relay,omitempty" doc:"Who said it."`
}

// QueuePage is messages of the queue, by queue id.
type QueuePage struct {
	Items  []QueueEntry `json:"items"`
	Cursor string       `json:"cursor,omitempty" doc:"The cursor of the next page; left out: that was all."`
	Next   string       `json:"next,omitempty" deprecated:"true" doc:"The value of after for the next page; use cursor."`
}

// QueueAct changes messages of the queue. At least one selector is needed, or
// All, so that a forgotten one does not mean everything.
type QueueAct struct {
	Action string `json:"action" enum:"retry,hold,release,rm" doc:"What to do: try now, hold, let go what is held, or remove without a bounce."`
	ID     string `json:"id,omitempty" doc:"Only the message with this queue id."`
	State  string `json:"state,omitempty" enum:"queued,held,failed" doc:"Only recipients in this state."`
	Domain string `json:"domain,omitempty" example:"example.com" doc:"Only recipients of this domain."`
	Sender string `json:"sender,omitempty" doc:"Only messages with this reverse-path."`
	All    bool   `json:"all,omitempty" doc:"All messages: needed where nothing is selected."`
}

// QueueEntryOf is a message as the spool has it.
func QueueEntryOf(e store.QueueEntry) QueueEntry {
	m := e.Message
	entry := QueueEntry{
		QueueName: queueName(e), QueueID: m.ID, ArrivalTime: m.Received.Unix(),
		MessageSize: int64(len(m.Trace)+len(m.Header)) + m.Size, Sender: m.ReversePath,
		Recipients: make([]QueueRecipient, 0, len(e.Recipients)),
		List:       m.List, MessageID: m.MessageID, Client: m.Client, Login: m.Login,
	}
	for _, to := range e.Recipients {
		q := QueueRecipient{
			Address: to.Address, DelayReason: to.Status.Text, State: string(to.State), Attempts: to.Attempts,
			Code: to.Status.Code, Status: to.Status.Enhanced, Relay: to.Status.Host,
		}
		if to.State == store.Queued {
			q.Next = to.Next
		}
		entry.Recipients = append(entry.Recipients, q)
	}
	return entry
}

// queueName is Postfix's word for where a message stands: on hold when all
// its recipients are, deferred when each that is left was tried before.
func queueName(e store.QueueEntry) string {
	held, tried := 0, 0
	for _, to := range e.Recipients {
		switch {
		case to.State == store.Held:
			held++
		case to.State == store.Failed || to.Attempts > 0:
			tried++
		}
	}
	switch {
	case e.Active > 0:
		return "active"
	case held == len(e.Recipients):
		return "hold"
	case held+tried == len(e.Recipients):
		return "deferred"
	}
	return "active"
}
