package record

import (
	"time"

	"offramp/store"
)

// Reader is another system that follows the events.
type Reader struct {
	Name    string    `json:"name" example:"crm"`
	Through int64     `json:"through" doc:"Id of the last event that it has taken over."`
	Since   time.Time `json:"since" doc:"When it said so."`
}

// ReaderOf is a reader as the store has it.
func ReaderOf(r store.Reader) Reader {
	return Reader{Name: r.Name, Through: r.Through, Since: r.Since}
}

// ReaderPage is readers by name.
type ReaderPage struct {
	Items []Reader `json:"items"`
}

// Acknowledge says that a system has taken over every event up to Through.
type Acknowledge struct {
	Through int64 `json:"through" minimum:"0" doc:"Id of an event; not after the last one."`
}

// Report is how soon opt-outs are in force, and how far other systems have
// followed. All durations are in seconds.
type Report struct {
	Since      time.Time        `json:"since"`
	Until      time.Time        `json:"until"`
	OptOuts    int64            `json:"opt_outs"`
	ByWay      map[string]int64 `json:"by_way"`
	Median     float64          `json:"median_seconds" doc:"From the receipt of an opt-out until no delivery starts any more."`
	P95        float64          `json:"p95_seconds"`
	Longest    float64          `json:"longest_seconds"`
	Unrecorded int64            `json:"unrecorded" doc:"Without a recorded time in force."`
	Deadlines  []Deadline       `json:"deadlines"`
	Readers    []ReaderReport   `json:"readers"`
}

// Deadline is how one deadline was kept. Business days are Monday to Friday in
// UTC, holidays included.
type Deadline struct {
	Name   string  `json:"name" example:"48 hours"`
	For    string  `json:"for" example:"Gmail, Yahoo"`
	Source string  `json:"source"`
	Since  string  `json:"since" doc:"Date from which it holds."`
	Kept   int64   `json:"kept"`
	Missed int64   `json:"missed"`
	Left   float64 `json:"least_left_seconds" doc:"Of the opt-out that came nearest; negative: late."`
	Event  int64   `json:"event,omitempty" doc:"That opt-out."`
}

// ReaderReport is how far another system is behind.
type ReaderReport struct {
	Reader
	Oldest   int64     `json:"oldest,omitempty" doc:"The first opt-out that it has not acknowledged."`
	Received time.Time `json:"received,omitzero"`
	Age      float64   `json:"age_seconds,omitempty"`
	Due      []Due     `json:"due,omitempty"`
}

// Due is a deadline for the oldest opt-out of a [ReaderReport].
type Due struct {
	Name    string    `json:"name"`
	For     string    `json:"for"`
	At      time.Time `json:"at"`
	Overdue bool      `json:"overdue"`
}
