package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"offramp/store"
)

// LeakSource is what a report of leaks is made of; a [store.Consent] that counts
// drops has it all.
type LeakSource interface {
	store.Leaks
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
}

// Leaks says which applications still send mail to people who left.
type Leaks struct {
	Since, Until time.Time
	Applications []Application // the one with the most such mail first
	// Partial says that there was more than is counted: over store.MaxDrops
	// recipients, over maxLeakRows lists of applications, or over MaxApplications.
	Partial bool
}

// Application is what hands over mail, known as [store.Drops] says.
type Application struct {
	Login, Client, Sender string

	Dropped     int64
	First, Last time.Time
	Lists       []store.Drops // the one with the most such mail first
	// Example is the newest drop; its ID is 0 where it was erased meanwhile.
	Example store.Event
	// OptOut is why the example was dropped: the last event before it by which the
	// person left. Its ID is 0 when it is not in the ledger any more.
	OptOut store.Event
	// Notified are the systems that have acknowledged OptOut.
	Notified []store.Notified
}

// MaxApplications is how many applications are named: for each the ledger is asked
// for an example.
const MaxApplications = 100

// maxLeakRows is how many lists of applications are counted.
const maxLeakRows = 10_000

// MakeLeaks reads the store and reports on drops since then.
func MakeLeaks(ctx context.Context, src LeakSource, since, now time.Time) (*Leaks, error) {
	rows, partial, err := src.Drops(ctx, since, maxLeakRows)
	if err != nil {
		return nil, fmt.Errorf("leaks: %w", err)
	}
	l := &Leaks{Since: since, Until: now, Partial: partial || len(rows) == maxLeakRows}
	l.add(rows)
	for i := range l.Applications {
		if err := l.Applications[i].explain(ctx, src); err != nil {
			return nil, fmt.Errorf("leaks: %w", err)
		}
	}
	return l, nil
}

// add puts rows together by application.
func (l *Leaks) add(rows []store.Drops) {
	type key struct{ login, client, sender string }
	at := map[key]int{}
	for _, r := range rows {
		k := key{r.Login, r.Client, r.Sender}
		i, known := at[k]
		if !known {
			i, at[k] = len(l.Applications), len(l.Applications)
			l.Applications = append(l.Applications, Application{Login: r.Login, Client: r.Client, Sender: r.Sender, First: r.First})
		}
		a := &l.Applications[i]
		a.Dropped += r.Count
		a.Lists = append(a.Lists, r)
		a.Example.ID = max(a.Example.ID, r.Newest)
		if r.First.Before(a.First) {
			a.First = r.First
		}
		if r.Last.After(a.Last) {
			a.Last = r.Last
		}
	}
	slices.SortStableFunc(l.Applications, func(a, b Application) int { return cmp.Compare(b.Dropped, a.Dropped) })
	if len(l.Applications) > MaxApplications {
		l.Applications, l.Partial = l.Applications[:MaxApplications], true
	}
}

// left are the kinds of events by which a person leaves for good.
var left = []store.EventKind{store.EventUnsubscribed, store.EventComplained, store.EventSharingRefused, store.EventSuppressed, store.EventErased}

// explain finds the example, why it was dropped, and who has been notified.
func (a *Application) explain(ctx context.Context, src LeakSource) error {
	found, err := src.Events(ctx, store.EventFilter{After: a.Example.ID - 1, Before: a.Example.ID + 1, Limit: 1})
	if err != nil || len(found) == 0 {
		a.Example = store.Event{}
		return err
	}
	a.Example = found[0]
	events, err := src.Events(ctx, store.EventFilter{Recipient: a.Example.Recipient, Kinds: left, Before: a.Example.ID, Latest: true, Limit: 100})
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.List == store.AllLists || e.List == a.Example.List {
			a.OptOut = e
			break
		}
	}
	if a.OptOut.ID == 0 {
		return nil
	}
	a.Notified, err = src.Notified(ctx, a.OptOut.ID)
	return err
}
