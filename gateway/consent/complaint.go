package consent

import (
	"cmp"
	"context"
	"fmt"

	"offramp/store"
)

// Complaint is mail that a person reported to their provider.
type Complaint struct {
	Subject
	Kind  string // Feedback-Type of the report (RFC 5965 section 7.3)
	Stops bool   // the person wants no more of it
	Way   store.Way
	Once  string // see Bounce.Once
	// Merged is that of Bounce.
	Merged string
}

// Complained records a complaint. One that stops suppresses the list for the
// person, or with Config.ComplaintScope "all", or when the list is not known,
// all lists; stopped says that it did. It waits like [Consent.OptOut], with the
// same errors: who pressed the button wants no more of it.
func (c *Consent) Complained(ctx context.Context, q Complaint, ev Evidence) (stopped bool, err error) {
	e, err := c.event(store.EventComplained, q.Subject, q.Way, ev)
	if err != nil {
		return false, err
	}
	e.Detail, e.Once = cut(q.Kind, maxDetail), cmp.Or(q.Merged, q.Once)
	if err := c.Store.AddEvents(ctx, e); err != nil {
		return false, fmt.Errorf("record a complaint: %w", err)
	}
	if !q.Stops {
		return false, nil
	}
	e.Once = q.Once
	if c.Config.ComplaintScope == ComplaintsStopAll {
		e.List = store.AllLists
	}
	if stopped, err = c.stop(ctx, e, store.ReasonComplained); err != nil {
		return false, err
	}
	return stopped, c.settle(ctx, "complaint", e.Recipient)
}

// Answer is mail that came back and changes nothing by itself.
type Answer struct {
	Subject
	// Kind is store.EventAnswered for what a machine wrote, or
	// store.EventProposed for a wish whose author is not proven.
	Kind   store.EventKind
	Detail string
	Once   string
}

// Answered records an answer and changes nothing.
func (c *Consent) Answered(ctx context.Context, a Answer, ev Evidence) error {
	e, err := c.event(a.Kind, a.Subject, store.Mail, ev)
	if err != nil {
		return err
	}
	e.Detail, e.Once = cut(a.Detail, maxDetail), a.Once
	if err := c.Store.AddEvents(ctx, e); err != nil {
		return fmt.Errorf("record an answer: %w", err)
	}
	return nil
}
