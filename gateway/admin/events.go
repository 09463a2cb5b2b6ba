package admin

import (
	"net/http"
	"slices"
	"strings"
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
	Ref       int64     `json:"ref,omitempty"` // ID of the event this one is about
	QueueID   string    `json:"queue_id,omitempty"`
	MessageID string    `json:"message_id,omitempty"`
	IP        string    `json:"ip,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Who       string    `json:"who,omitempty"`
	Detail    string    `json:"detail,omitempty"`
}

// EventPage is the answer of GET /api/v1/events, oldest first, or newest first
// where the latest are asked for.
type EventPage struct {
	Items []Event `json:"items"`
	// Next is the value of "after" for what follows, with "latest" the value of
	// "before"; 0: that was all.
	Next int64 `json:"next,omitempty"`
}

// events lists events: ?after= ?before= ?since= ?recipient= ?list= ?kind=
// ?latest= ?limit=. Several kinds are separated by commas.
func (s *server) events(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "after", "before", "since", "recipient", "list", "kind", "latest", "limit")
	if err != nil {
		return err
	}
	f := store.EventFilter{List: q.list("list")}
	if f.Kinds, err = eventKinds(q.text("kind")); err != nil {
		return err
	}
	if f.After, err = q.number("after"); err != nil {
		return err
	}
	if f.Before, err = q.number("before"); err != nil {
		return err
	}
	if f.Since, err = q.time("since"); err != nil {
		return err
	}
	if f.Recipient, err = q.recipient("recipient"); err != nil {
		return err
	}
	if f.Latest, err = q.flag("latest"); err != nil {
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
		page.Items = append(page.Items, eventOf(e))
	}
	if len(all) == f.Limit {
		page.Next = all[len(all)-1].ID
	}
	return answer(w, page)
}

// eventKinds reads kinds that are separated by commas; none: every kind.
func eventKinds(text string) ([]store.EventKind, error) {
	if text == "" {
		return nil, nil
	}
	var kinds []store.EventKind
	for name := range strings.SplitSeq(text, ",") {
		kind := store.EventKind(name)
		if !slices.Contains(store.EventKinds(), kind) {
			var all []string
			for _, k := range store.EventKinds() {
				all = append(all, string(k))
			}
			return nil, badRequest("kind must be one or more of %s.", strings.Join(all, ", "))
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}

func eventOf(e store.Event) Event {
	return Event{
		ID: e.ID, Time: e.Time, Kind: string(e.Kind), Recipient: e.Recipient, List: e.List, Way: string(e.Way),
		Reason: string(e.Reason), Ref: e.Ref, QueueID: e.QueueID, MessageID: e.MessageID,
		IP: e.IP, UserAgent: e.UserAgent, Who: e.Who, Detail: e.Detail,
	}
}
