package feedback

import (
	"sync"
	"time"

	"offramp/gateway/consent"
)

// Bounds of the reports that are told apart.
const (
	perDay     = 20   // of one person: who has mail of ours can write any number about themselves
	mostPeople = 8192 // that are counted; with more the count begins anew
)

// reports counts what was reported about each person on one day.
type reports struct {
	mu     sync.Mutex
	day    string
	people map[string]int
}

// take counts a report about a person and says whether it is one of the first of
// the day.
func (r *reports) take(person, day string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.people[person]
	if r.day != day || r.people == nil || !known && len(r.people) >= mostPeople {
		r.day, r.people = day, make(map[string]int)
	}
	r.people[person]++
	return r.people[person] <= perDay
}

// merged names what a report has in common with others of the day; empty while
// there are few: each is an event of its own then.
func (m *mail) merged(what string, s consent.Subject) string {
	day := m.f.now().UTC().Format(time.DateOnly)
	if m.f.reports.take(s.Recipient.Key(), day) {
		return ""
	}
	return "many " + what + " " + day + " " + s.List + " " + s.Recipient.Key()
}
