package api

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/record"
	"offramp/store"
)

// leaky counts what it is set to.
type leaky struct {
	*world
	since time.Time
}

func (l *leaky) Drops(_ context.Context, since time.Time, _ int) ([]store.Drops, bool, error) {
	l.since = since
	return []store.Drops{
		{Login: "shop", Sender: "shop.example", List: "news", Count: 4, People: 2, First: start.Add(-time.Hour), Last: start, Newest: 9},
		{Client: "192.0.2.1", List: "news", Count: 1, People: 1, First: start, Last: start, Newest: 5}, // its event was erased
	}, true, l.err
}

func (l *leaky) Notified(context.Context, int64) ([]store.Notified, error) {
	return []store.Notified{{Reader: "crm", At: start.Add(-2 * time.Hour)}}, l.err
}

// Events finds by ID, as an engine does.
func (l *leaky) Events(_ context.Context, f store.EventFilter) (found []store.Event, err error) {
	for _, e := range l.all {
		if e.ID > f.After && (f.Before == 0 || e.ID < f.Before) {
			found = append(found, e)
		}
	}
	return found, l.err
}

func TestLeaks(t *testing.T) {
	w := newWorld(t)
	l := &leaky{world: w}
	w.api.Leaks, w.api.Records = l, l
	w.handler = w.api.Handler()
	w.all = []store.Event{
		{ID: 2, Time: start.Add(-3 * time.Hour), Kind: store.EventUnsubscribed, Recipient: "ada@example.net", List: "news"},
		{ID: 9, Time: start, Kind: store.EventDropped, Recipient: "ada@example.net", List: "news", Reason: store.ReasonUnsubscribed, QueueID: "q", MessageID: "<m>"},
	}
	got := call[record.Leaks](w, "GET", "/api/v1/report/leaks", "")
	want := record.Leaks{Since: start.Add(-reportPeriod), Until: start, Partial: true, Applications: []record.Application{
		{
			Login: "shop", Sender: "shop.example", Dropped: 4, First: start.Add(-time.Hour), Last: start, Lists: []record.ListDrops{{List: "news", Dropped: 4, People: 2}},
			Example: &record.Leak{
				Event: 9, Time: start, Recipient: "ada@example.net", List: "news", Reason: "unsubscribed", QueueID: "q", MessageID: "<m>",
				Left: &record.Left{Event: 2, Time: start.Add(-3 * time.Hour), Kind: "unsubscribed"}, Notified: []record.Notified{{Name: "crm", At: start.Add(-2 * time.Hour)}},
			},
		},
		{Client: "192.0.2.1", Dropped: 1, First: start, Last: start, Lists: []record.ListDrops{{List: "news", Dropped: 1, People: 1}}},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	call[record.Leaks](w, "GET", "/api/v1/report/leaks?since=2026-11-01T00:00:00Z", "")
	if !l.since.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("since %v", l.since)
	}
	w.refused(request("GET", "/api/v1/report/leaks?since=yesterday", ""), 400)
	w.err = store.ErrUnavailable
	w.refused(request("GET", "/api/v1/report/leaks", ""), 503)
}
