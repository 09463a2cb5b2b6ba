package record

import (
	"time"

	"offramp/store"
)

// Message is what became of one message for one recipient. Nothing of the
// message's text is in it.
type Message struct {
	QueueID   string    `json:"queue_id"`
	MessageID string    `json:"message_id,omitempty" doc:"Its Message-ID."`
	Recipient string    `json:"recipient" example:"ada@example.net"`
	Sender    string    `json:"sender" doc:"Reverse-path; empty: the null reverse-path."`
	List      string    `json:"list,omitempty" doc:"Left out: transactional mail."`
	Accepted  time.Time `json:"accepted"`
	Client    string    `json:"client,omitempty" doc:"Address of the client that handed it over; left out: made here."`
	Login     string    `json:"login,omitempty" doc:"Login of that client."`

	Verdict  string    `json:"verdict" enum:"deliver,drop" doc:"Whether it may be sent to this person."`
	Outcome  string    `json:"outcome" enum:"queued,held,failed,delivered,dropped,bounced,removed" doc:"Where it is, or how it ended. failed: its bounce is being written."`
	Reason   string    `json:"reason,omitempty" example:"unsubscribed" doc:"Why it was dropped."`
	Ended    time.Time `json:"ended,omitzero" doc:"When it left the queue."`
	Next     time.Time `json:"next,omitzero" doc:"When it is tried next."`
	Bounce   string    `json:"bounce,omitempty" doc:"Queue id of the bounce that went to the sender."`
	Attempts int       `json:"attempts" doc:"How often delivery was tried."`
	Tries    []Try     `json:"tries" doc:"Attempts, oldest first: the first and the last five. Those in a row that had one answer stand together."`

	Followed []Followed `json:"followed" doc:"What the person did, or what came back, after it."`
}

// Try is an attempt, or several in a row that had one answer.
type Try struct {
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Count  int       `json:"count"`
	Relay  string    `json:"relay,omitempty" doc:"Who answered."`
	Code   int       `json:"code,omitempty" example:"250" doc:"The reply code; left out: there was no reply."`
	Status string    `json:"status,omitempty" example:"2.0.0" doc:"The enhanced status code (RFC 3463)."`
	Text   string    `json:"text,omitempty" doc:"The reply, at most 200 bytes of it."`
}

// Followed is an event after a message.
type Followed struct {
	Event
	NamesMessage bool `json:"names_message" doc:"The event names the message. Otherwise it is the next after the last message of its list."`
}

// MessagePage is what became of messages: first those in the queue, the newest
// first, then those that ended, the last first.
type MessagePage struct {
	Items   []Message `json:"items"`
	From    time.Time `json:"from" doc:"What ended before then is not known any more, or not all of it."`
	Damaged int       `json:"damaged,omitempty" doc:"How many records were met that cannot be read."`
	Cursor  string    `json:"cursor,omitempty" doc:"The cursor of the next page; left out: that was all."`
}

// MessageOf is what the store has of a message.
func MessageOf(f store.Fate) Message {
	m := Message{
		QueueID: f.QueueID, MessageID: f.MessageID, Recipient: f.Recipient, Sender: f.ReversePath, List: f.List,
		Accepted: f.Accepted, Client: f.Client, Login: f.Login, Verdict: "deliver", Outcome: string(f.End),
		Reason: string(f.Reason), Ended: f.Ended, Bounce: f.Bounce, Attempts: f.Attempts,
		Tries: make([]Try, 0, len(f.Tries)), Followed: []Followed{},
	}
	if f.End == store.EndDropped {
		m.Verdict = "drop"
	}
	if f.End == "" {
		m.Outcome = string(f.State)
	}
	if f.State == store.Queued {
		m.Next = f.Next
	}
	for _, t := range f.Tries {
		st := t.Status
		m.Tries = append(m.Tries, Try{First: t.First, Last: t.Last, Count: t.Count, Relay: st.Host, Code: st.Code, Status: st.Enhanced, Text: st.Text})
	}
	return m
}
