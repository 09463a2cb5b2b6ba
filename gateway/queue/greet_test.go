package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"offramp/store"
)

// earlier is when mail of a list first reached somebody.
type earlier struct {
	first time.Time
	err   error
}

func (e earlier) FirstSent(_ context.Context, recipient, list string) (time.Time, error) {
	if recipient != "ada@b.example" || list != "news" {
		return time.Time{}, errors.New("asked for somebody else")
	}
	return e.first, e.err
}

// A message is the first of its list by what reached the person well before it
// was accepted: what does between two attempts changes nothing.
func TestGreets(t *testing.T) {
	received := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		earlier
		want bool
	}{
		"never":            {earlier{}, true},
		"long ago":         {earlier{first: received.Add(-time.Hour)}, false},
		"just before":      {earlier{first: received.Add(-time.Minute)}, true},
		"after acceptance": {earlier{first: received.Add(time.Hour)}, true},
		"no answer":        {earlier{err: broken}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := news("q1")
			m.Received = received
			a := &attempt{q: &Queue{Parts: Parts{Contacts: tt.earlier}}, task: &task{message: &message{stored: &m}}}
			got, err := a.greets(context.Background(), store.Job{Recipient: store.Recipient{Address: "Ada@B.example"}})
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%t, %v", got, err)
			}
		})
	}
}
