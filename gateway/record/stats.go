package record

import (
	"time"

	"offramp/store"
)

// Stats is what happened day by day, in UTC.
type Stats struct {
	Since time.Time `json:"since" doc:"First moment of the first day."`
	Until time.Time `json:"until" doc:"When the last day was counted: today is not over."`
	Total Tally     `json:"total"`
	Days  []Day     `json:"days" doc:"Every day, the oldest first."`
}

// Day is what happened on one day.
type Day struct {
	Day string `json:"day" format:"date" example:"2026-11-23"`
	Tally
}

// Tally is how often something happened. People who were erased since count no
// more.
type Tally struct {
	OptOuts      int64 `json:"opt_outs" doc:"Opt-outs, from a list or from all."`
	Resubscribed int64 `json:"resubscribed" doc:"People who came back to a list."`
	Paused       int64 `json:"paused" doc:"Pauses."`
	Complaints   int64 `json:"complaints" doc:"Messages reported as spam."`
	Bounces      int64 `json:"bounces" doc:"Mail that came back or was refused because of the address."`
	Suppressed   int64 `json:"suppressed" doc:"Addresses stopped for other causes than a choice."`
	Drops        int64 `json:"drops" doc:"Recipients to whom mail was not sent, since they did not want it."`
	Failures     int64 `json:"failures" doc:"Recipients to whom mail could not be delivered."`
	Erased       int64 `json:"erased" doc:"People who were erased."`
}

// Add counts events of a kind; other kinds are not counted.
func (t *Tally) Add(kind store.EventKind, n int64) {
	switch kind {
	case store.EventUnsubscribed:
		t.OptOuts += n
	case store.EventResubscribed:
		t.Resubscribed += n
	case store.EventPaused:
		t.Paused += n
	case store.EventComplained:
		t.Complaints += n
	case store.EventBounced:
		t.Bounces += n
	case store.EventSuppressed:
		t.Suppressed += n
	case store.EventDropped:
		t.Drops += n
	case store.EventFailed:
		t.Failures += n
	case store.EventErased:
		t.Erased += n
	}
}
