package admin

import (
	"net/http"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// QueueEntry is a message in the queue. The fields that Postfix's
// "postqueue -j" has are named and filled as there, so that what reads the one
// reads the other; the rest is ours.
type QueueEntry struct {
	QueueName   string           `json:"queue_name"` // active, deferred or hold
	QueueID     string           `json:"queue_id"`
	ArrivalTime int64            `json:"arrival_time"` // seconds since 1970
	MessageSize int64            `json:"message_size"` // bytes, header included
	Sender      string           `json:"sender"`       // empty: the null reverse-path
	Recipients  []QueueRecipient `json:"recipients"`

	List      string `json:"list,omitempty"` // empty: exempt mail
	MessageID string `json:"message_id,omitempty"`
	Client    string `json:"client,omitempty"`
	Login     string `json:"login,omitempty"`
}

// QueueRecipient is a recipient of a [QueueEntry].
type QueueRecipient struct {
	Address     string `json:"address"`
	DelayReason string `json:"delay_reason,omitempty"` // the last attempt's outcome

	State    string    `json:"state"` // queued, held or failed
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next,omitzero"` // of the next attempt
	Code     int       `json:"code,omitempty"`
	Status   string    `json:"status,omitempty"` // enhanced code, e.g. 4.2.2
	Relay    string    `json:"relay,omitempty"`  // who said it
}

// QueuePage is the answer of GET /api/v1/queue, by queue id.
type QueuePage struct {
	Items []QueueEntry `json:"items"`
	Next  string       `json:"next,omitempty"` // value of "after" for what follows; empty: that was all
}

// queue lists messages: ?id= ?state= ?domain= ?sender= ?after= ?limit=.
func (s *server) queue(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "id", "state", "domain", "sender", "after", "limit")
	if err != nil {
		return err
	}
	f := store.QueueFilter{ID: q.text("id"), After: q.text("after")}
	if f.State, err = queueState(q.text("state")); err != nil {
		return err
	}
	if f.Domain, f.Sender, err = selectors(q.text("domain"), q.text("sender")); err != nil {
		return err
	}
	if f.Limit, err = q.limit(); err != nil {
		return err
	}
	entries, err := s.Queue.Queue(r.Context(), f)
	if err != nil {
		return err
	}
	page := QueuePage{Items: make([]QueueEntry, 0, len(entries))}
	for _, e := range entries {
		page.Items = append(page.Items, queueEntry(e))
	}
	if len(entries) == f.Limit {
		page.Next = entries[len(entries)-1].Message.ID
	}
	return answer(w, page)
}

func queueState(s string) (store.RecipientState, error) {
	switch state := store.RecipientState(s); state {
	case "", store.Queued, store.Held, store.Failed:
		return state, nil
	}
	return "", badRequest("state must be queued, held or failed.")
}

// selectors brings a domain and a sender into the form the spool keeps.
func selectors(domain, sender string) (d, from string, err error) {
	if domain != "" {
		a, err := address("x@" + domain)
		if err != nil {
			return "", "", badRequest("domain must be a domain name.")
		}
		d = a.Domain()
	}
	if sender != "" {
		a, err := address(sender)
		if err != nil {
			return "", "", badRequest("sender must be a mail address.")
		}
		from = a.String()
	}
	return d, from, nil
}

func queueEntry(e store.QueueEntry) QueueEntry {
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

// QueueAct is the body of POST /api/v1/queue. At least one selector is needed,
// or All, so that a forgotten one does not mean everything.
type QueueAct struct {
	Action string `json:"action"` // retry, hold, release or rm
	ID     string `json:"id,omitempty"`
	State  string `json:"state,omitempty"`
	Domain string `json:"domain,omitempty"`
	Sender string `json:"sender,omitempty"`
	All    bool   `json:"all,omitempty"`
}

// Changed is the answer to a change: how many records it touched.
type Changed struct {
	Changed int `json:"changed"`
}

func (s *server) act(w http.ResponseWriter, r *http.Request) error {
	var q QueueAct
	if err := readJSON(r, &q); err != nil {
		return err
	}
	action := store.QueueAction(q.Action)
	switch action {
	case store.Retry, store.Hold, store.ReleaseHold, store.Remove:
	default:
		return badRequest("action must be retry, hold, release or rm.")
	}
	state, err := queueState(q.State)
	if err != nil {
		return err
	}
	f := store.QueueFilter{ID: q.ID, State: state}
	if f.Domain, f.Sender, err = selectors(q.Domain, q.Sender); err != nil {
		return err
	}
	if selected := f != (store.QueueFilter{}); selected == q.All {
		return badRequest("Give either id, state, domain or sender, or \"all\": true.")
	}
	n, err := s.Queue.Act(r.Context(), action, f)
	if err != nil {
		return err
	}
	if n > 0 && (action == store.Retry || action == store.ReleaseHold) && s.Flush != nil {
		s.Flush()
	}
	s.log().InfoContext(r.Context(), "queue changed", "action", q.Action, "queue_id", q.ID, "domain", f.Domain,
		"sender", masked(f.Sender), "all", q.All, "changed", n, "ip", peer(r).String())
	return answer(w, Changed{Changed: n})
}

func masked(sender string) string {
	a, err := envelope.Parse(sender)
	if err != nil || a.IsNull() {
		return ""
	}
	return a.Masked()
}
