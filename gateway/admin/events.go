package admin

import (
	"net/http"
	"time"

	"offramp/store"
)

// Event is one thing that happened to one recipient, as the API shows it.
type Event struct {
	ID        int64     `json:"id"`
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`
	Recipient string    `json:"recipient"` // lookup key
	List      string    `json:"list,omitempty"`
	Way       string    `json:"way,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	QueueID   string    `json:"queue_id,omitempty"`
	MessageID string    `json:"message_id,omitempty"`
	IP        string    `json:"ip,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Who       string    `json:"who,omitempty"`
	Detail    string    `json:"detail,omitempty"`
}

// EventPage is the answer of GET /api/v1/events, oldest first.
type EventPage struct {
	Items []Event `json:"items"`
	Next  int64   `json:"next,omitempty"` // value of "after" for what follows; 0: that was all
}

// events lists events: ?after= ?since= ?recipient= ?list= ?kind= ?limit=.
func (s *server) events(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "after", "since", "recipient", "list", "kind", "limit")
	if err != nil {
		return err
	}
	f := store.EventFilter{List: q.list("list"), Kind: store.EventKind(q.text("kind"))}
	switch f.Kind {
	case "", store.EventUnsubscribed, store.EventResubscribed, store.EventSuppressed, store.EventUnsuppressed, store.EventDropped, store.EventFailed:
	default:
		return badRequest("kind must be unsubscribed, resubscribed, suppressed, unsuppressed, dropped or failed.")
	}
	if f.After, err = q.number("after"); err != nil {
		return err
	}
	if f.Since, err = q.time("since"); err != nil {
		return err
	}
	if f.Recipient, err = q.recipient("recipient"); err != nil {
		return err
	}
	if f.Limit, err = q.limit(); err != nil {
		return err
	}
	all, err := s.Records.Events(r.Context(), f)
	if err != nil {
		return err
	}
	page := EventPage{Items: make([]Event, 0, len(all))}
	for _, e := range all {
		page.Items = append(page.Items, Event{
			ID: e.ID, Time: e.Time, Kind: string(e.Kind), Recipient: e.Recipient, List: e.List, Way: string(e.Way),
			Reason: string(e.Reason), QueueID: e.QueueID, MessageID: e.MessageID, IP: e.IP, UserAgent: e.UserAgent, Who: e.Who, Detail: e.Detail,
		})
	}
	if len(all) == f.Limit {
		page.Next = all[len(all)-1].ID
	}
	return answer(w, page)
}
