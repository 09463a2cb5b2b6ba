package web

import (
	"time"

	"offramp/store"
)

// Held is what a person downloads: all that is recorded about them. Times are
// UTC.
type Held struct {
	Made         time.Time         `json:"made"`
	Operator     string            `json:"operator"`
	Recipient    string            `json:"recipient"` // lookup key
	Erased       bool              `json:"erased"`    // nothing before was kept but the choices
	Choices      []HeldChoice      `json:"choices"`
	Sharing      *HeldSharing      `json:"sharing,omitempty"` // nil: never said
	Contacts     []HeldContact     `json:"contacts"`
	Suppressions []HeldSuppression `json:"suppressions"`      // for other causes than a choice
	Bounces      *HeldBounces      `json:"bounces,omitempty"` // nil: none since mail last arrived
	Events       []HeldEvent       `json:"events"`            // oldest first
}

// HeldChoice is what a person chose for one list.
type HeldChoice struct {
	List  string    `json:"list"` // empty: all lists
	State string    `json:"state"`
	Until time.Time `json:"until,omitzero"`
	Every string    `json:"every,omitempty"`
	Since time.Time `json:"since"`
	Way   string    `json:"way,omitempty"`
}

// HeldSharing is whether a person lets their data be shared.
type HeldSharing struct {
	Refused bool      `json:"refused"`
	Since   time.Time `json:"since"`
	Way     string    `json:"way,omitempty"`
}

// HeldContact is what mail of one list a person was sent.
type HeldContact struct {
	List  string    `json:"list"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Count int64     `json:"count"`
}

// HeldSuppression is why nothing is sent.
type HeldSuppression struct {
	List   string    `json:"list"` // empty: all lists
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	Note   string    `json:"note,omitempty"` // of the operator
	Until  time.Time `json:"until,omitzero"`
	Domain string    `json:"domain,omitempty"` // what it is about, where it is not the address alone
}

// HeldBounces is mail that came back, without any between that arrived.
type HeldBounces struct {
	Count int64     `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// HeldEvent is one thing that happened.
type HeldEvent struct {
	ID        int64     `json:"id"`
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`
	List      string    `json:"list"`
	Way       string    `json:"way,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	About     int64     `json:"about,omitempty"` // event that this one is about
	MessageID string    `json:"message_id,omitempty"`
	IP        string    `json:"ip,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	By        string    `json:"by,omitempty"` // account that asked, empty for the person
	Detail    string    `json:"detail,omitempty"`
}

func heldEvent(e store.Event) HeldEvent {
	return HeldEvent{
		ID: e.ID, Time: e.Time, Kind: string(e.Kind), List: e.List, Way: string(e.Way), Reason: string(e.Reason), About: e.Ref,
		MessageID: e.MessageID, IP: e.IP, UserAgent: e.UserAgent, By: e.Who, Detail: e.Detail,
	}
}

// held is all that is recorded but the events.
func (h *handler) held(x *submission) Held {
	now := x.now
	held := Held{
		Made: h.now().UTC(), Operator: h.operator, Recipient: x.visit.subject.Recipient.Key(), Erased: now.Erased,
		Choices: []HeldChoice{}, Contacts: []HeldContact{}, Suppressions: []HeldSuppression{}, Events: []HeldEvent{},
	}
	for _, c := range now.Choices {
		held.Choices = append(held.Choices, HeldChoice{
			List: c.List, State: string(c.State), Until: c.Until, Every: string(c.Every), Since: c.Since, Way: string(c.Way)})
	}
	if s := now.Sharing; !s.Since.IsZero() {
		held.Sharing = &HeldSharing{Refused: s.Refused, Since: s.Since, Way: string(s.Way)}
	}
	for _, c := range now.Contacts {
		held.Contacts = append(held.Contacts, HeldContact{List: c.List, First: c.First, Last: c.Last, Count: c.Count})
	}
	for _, s := range now.Suppressions {
		part := HeldSuppression{List: s.List, Reason: string(s.Reason), Since: s.Since, Note: s.Note, Until: s.Until}
		if store.IsPattern(s.Recipient) {
			part.Domain = s.Recipient[1:]
		}
		held.Suppressions = append(held.Suppressions, part)
	}
	if b := now.Bounces; b.Count > 0 {
		held.Bounces = &HeldBounces{Count: b.Count, First: b.First, Last: b.Last}
	}
	return held
}
