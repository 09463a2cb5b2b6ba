package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/store"
)

// leaking answers as an engine does.
type leaking struct {
	rows     []store.Drops
	partial  bool
	events   []store.Event
	notified map[int64][]store.Notified
	failAt   int // the call that fails; 0: none
	calls    int
}

func (l *leaking) call() error {
	if l.calls++; l.calls == l.failAt {
		return store.ErrUnavailable
	}
	return nil
}

func (l *leaking) Drops(_ context.Context, _ time.Time, limit int) ([]store.Drops, bool, error) {
	return l.rows[:min(limit, len(l.rows))], l.partial, l.call()
}

func (l *leaking) Notified(_ context.Context, event int64) ([]store.Notified, error) {
	return l.notified[event], l.call()
}

func (l *leaking) Events(_ context.Context, f store.EventFilter) (found []store.Event, err error) {
	for _, e := range l.events {
		if e.ID > f.After && (f.Before == 0 || e.ID < f.Before) && (f.Recipient == "" || e.Recipient == f.Recipient) && (f.Kinds == nil || slices.Contains(f.Kinds, e.Kind)) {
			found = append(found, e)
		}
	}
	if f.Latest {
		slices.Reverse(found)
	}
	return found[:min(f.Limit, len(found))], l.call()
}

func leak() *leaking {
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	return &leaking{
		rows: []store.Drops{
			{Login: "shop", Sender: "shop.example", List: "news", Count: 5, People: 2, First: day(1), Last: day(2), Newest: 20},
			{Client: "192.0.2.1", Sender: "crm.example", List: "news", Count: 4, People: 4, First: day(0), Last: day(0), Newest: 9},
			{Client: "192.0.2.1", Sender: "crm.example", List: "offers", Count: 3, People: 1, First: day(-1), Last: day(3), Newest: 30},
		},
		events: []store.Event{
			{ID: 1, Kind: store.EventUnsubscribed, Recipient: "ada@example.net", List: "offers"},
			{ID: 2, Kind: store.EventUnsubscribed, Recipient: "ada@example.net", List: "news"}, // of another list
			{ID: 3, Kind: store.EventPaused, Recipient: "ada@example.net", List: "offers"},
			{ID: 9, Kind: store.EventDropped, Recipient: "ben@example.net", List: "news"},
			{ID: 30, Kind: store.EventDropped, Recipient: "ada@example.net", List: "offers"},
			{ID: 31, Kind: store.EventUnsubscribed, Recipient: "ada@example.net", List: "offers"}, // later
		},
		notified: map[int64][]store.Notified{1: {{Reader: "crm", At: day(-3)}}},
	}
}

func TestLeaks(t *testing.T) {
	src := leak()
	got, err := MakeLeaks(t.Context(), src, start.AddDate(0, 0, -30), start)
	if err != nil {
		t.Fatal(err)
	}
	want := &Leaks{Since: start.AddDate(0, 0, -30), Until: start, Applications: []Application{
		{
			Client: "192.0.2.1", Sender: "crm.example", Dropped: 7, First: start.AddDate(0, 0, -1), Last: start.AddDate(0, 0, 3),
			Lists: src.rows[1:], Example: src.events[4], OptOut: src.events[0], Notified: src.notified[1],
		},
		// The example was erased meanwhile.
		{Login: "shop", Sender: "shop.example", Dropped: 5, First: start.AddDate(0, 0, 1), Last: start.AddDate(0, 0, 2), Lists: src.rows[:1]},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	for fail := 1; fail <= src.calls; fail++ {
		src := leak()
		src.failAt = fail
		if _, err := MakeLeaks(t.Context(), src, start, start); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("call %d fails: %v", fail, err)
		}
	}
}

// However many applications there are, the ledger is asked about a bounded number.
func TestLeaksAreBounded(t *testing.T) {
	src := &leaking{}
	for i := range 2 * maxLeakRows {
		src.rows = append(src.rows, store.Drops{Login: fmt.Sprint(i), Count: 1, Newest: int64(i + 1)})
	}
	got, err := MakeLeaks(t.Context(), src, start, start)
	if err != nil || len(got.Applications) != MaxApplications || !got.Partial || src.calls > 3*MaxApplications+1 {
		t.Errorf("%d applications, partial %v, %d calls, %v", len(got.Applications), got.Partial, src.calls, err)
	}
}
