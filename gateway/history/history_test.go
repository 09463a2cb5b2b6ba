package history

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/envelope"
	"offramp/store"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// world is a store in memory.
type world struct {
	fates   store.Fates
	events  []store.Event
	usage   store.Usage
	err     error
	asked   store.FateFilter
	events1 store.EventFilter

	mu      sync.Mutex
	old     int64 // fates that are to go
	panics  bool
	retired []retirement
}

func (w *world) set(err error, panics bool, old int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err, w.panics, w.old = err, panics, old
}

type retirement struct {
	before time.Time
	most   int64
}

func (w *world) Fates(_ context.Context, f store.FateFilter) (store.Fates, error) {
	w.asked = f
	return w.fates, w.err
}

func (w *world) RetireFates(_ context.Context, before time.Time, most int64) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.panics {
		panic("no store")
	}
	if w.retired = append(w.retired, retirement{before, most}); w.err != nil {
		return 0, w.err
	}
	n := min(w.old, 500)
	w.old -= n
	return n, nil
}

func (w *world) Events(_ context.Context, f store.EventFilter) (all []store.Event, err error) {
	w.events1 = f
	for _, e := range w.events {
		if e.Recipient == f.Recipient && !e.Time.Before(f.Since) {
			all = append(all, e)
		}
	}
	return all, w.err
}

func (w *world) Usage(context.Context) (store.Usage, error) { return w.usage, nil }

func (w *world) history(c Config) *History {
	return &History{Config: c, Store: w, Ledger: w, Space: w, Sure: func() time.Time { return start }}
}

func address(t *testing.T, s string) envelope.Address {
	t.Helper()
	a, err := envelope.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// delivered is a message that was taken n minutes after the start.
func delivered(id string, n int, list string) store.Fate {
	return store.Fate{QueueID: id, MessageID: "<" + id + "@x.example>", Recipient: "Ada@x.example", List: list,
		Accepted: minute(n - 1), End: store.EndDelivered, Ended: minute(n)}
}

func event(kind store.EventKind, n int, list string) store.Event {
	return store.Event{Time: minute(n), Kind: kind, Recipient: "ada@x.example", List: list}
}

func TestFollowed(t *testing.T) {
	const news, shop = "news.example", "shop.example"
	dropped := delivered("D", 21, news)
	dropped.End = store.EndDropped
	fates := []store.Fate{delivered("C", 30, news), dropped, delivered("S", 20, shop), delivered("B", 20, news), delivered("T", 15, ""), delivered("A", 10, news)}
	named := event(store.EventComplained, 40, news)
	named.MessageID = "<A@x.example>"
	byQueueID := event(store.EventBounced, 41, news)
	byQueueID.QueueID = "T"
	elsewhere := event(store.EventUnsubscribed, 35, news)
	elsewhere.MessageID = "<mail-that-asked@y.example>"
	for name, tt := range map[string]struct {
		event store.Event
		page  int64
		want  string // queue id, with ! when the event names it
	}{
		"after the newest":               {event(store.EventUnsubscribed, 31, news), 0, "C"},
		"of a page behind others":        {event(store.EventUnsubscribed, 31, news), 99, ""},
		"between two":                    {event(store.EventUnsubscribed, 25, news), 0, "B"},
		"between two, behind others":     {event(store.EventUnsubscribed, 25, news), 99, "B"},
		"at the moment of the delivery":  {event(store.EventUnsubscribed, 20, news), 0, "B"},
		"of another list":                {event(store.EventPaused, 25, shop), 0, "S"},
		"of all lists":                   {event(store.EventUnsubscribed, 12, store.AllLists), 0, "A"},
		"before any":                     {event(store.EventUnsubscribed, 9, news), 0, ""},
		"of a list of which nothing was": {event(store.EventUnsubscribed, 31, "other.example"), 0, ""},
		"names the message":              {named, 0, "A!"},
		"names the message, by queue id": {byQueueID, 99, "T!"},
		"names what asked":               {elsewhere, 0, "C"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{fates: store.Fates{Fates: fates}, events: []store.Event{tt.event}}
			a, err := w.history(Config{}).Find(t.Context(), Query{Recipient: address(t, "ADA@x.example"), Before: tt.page})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, m := range a.Messages {
				for _, f := range m.Followed {
					if got += m.QueueID; f.Named {
						got += "!"
					}
				}
			}
			if got != tt.want {
				t.Errorf("it follows %q, want %q", got, tt.want)
			}
			if w.asked.Person != "ada@x.example" || !w.events1.Since.Equal(minute(9)) || w.events1.Recipient != "ada@x.example" {
				t.Errorf("asked for %+v and %+v", w.asked, w.events1)
			}
		})
	}
}

func TestFind(t *testing.T) {
	bob := delivered("B", 2, "")
	bob.Recipient = "bob@x.example"
	w := &world{
		fates:  store.Fates{Fates: []store.Fate{delivered("A", 1, ""), bob}, More: 7, From: minute(-5), Damaged: 2},
		events: []store.Event{{Time: minute(5), Kind: store.EventBounced, Recipient: "bob@x.example", QueueID: "B"}},
	}
	a, err := w.history(Config{}).Find(t.Context(), Query{MessageID: " A@x.example", QueueID: "A", Since: minute(1), Before: 9, Limit: 3})
	if err != nil || a.More != 7 || a.Damaged != 2 || !a.From.Equal(minute(-5)) || len(a.Messages) != 2 || len(a.Messages[1].Followed) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	want := store.FateFilter{MessageID: "<A@x.example>", QueueID: "A", Since: minute(1), Before: 9, Limit: 3}
	if d := cmp.Diff(want, w.asked); d != "" {
		t.Error(d)
	}
	w.err = store.ErrUnavailable
	if _, err := w.history(Config{}).Find(t.Context(), Query{QueueID: "A"}); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
}

func TestRetire(t *testing.T) {
	const gib = 1 << 30
	for name, tt := range map[string]struct {
		config Config
		usage  store.Usage
		want   retirement
	}{
		"defaults, room for all":   {Config{Retention: 720 * time.Hour, Size: gib}, store.Usage{Capacity: 100 * gib, Free: 50 * gib}, retirement{start.Add(-720 * time.Hour), gib}},
		"a small volume":           {Config{Retention: time.Hour, Size: gib}, store.Usage{Capacity: 5 * gib, Free: 4 * gib}, retirement{start.Add(-time.Hour), gib / 2}},
		"little is free":           {Config{Size: gib}, store.Usage{Capacity: 100 * gib, Free: gib}, retirement{time.Time{}, gib / 2}},
		"nothing is free":          {Config{Size: gib}, store.Usage{Capacity: 100 * gib}, retirement{time.Time{}, leastSize}},
		"a tenth":                  {Config{}, store.Usage{Capacity: 100 * gib, Free: 90 * gib}, retirement{time.Time{}, 10 * gib}},
		"an engine without limits": {Config{Size: gib}, store.Usage{}, retirement{time.Time{}, gib}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{usage: tt.usage, old: 1200}
				if err := w.history(tt.config).Retire(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(w.retired) != 4 || w.old != 0 {
					t.Errorf("%d steps, %d left", len(w.retired), w.old)
				}
				if d := cmp.Diff(tt.want, w.retired[0], cmp.AllowUnexported(retirement{})); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// Run retires a minute after the start and then every ten, also after an error
// and a panic, and ends with its context.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		w := &world{err: store.ErrUnavailable}
		h := w.history(Config{Retention: time.Hour})
		h.Log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- h.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.set(nil, true, 0)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.set(nil, false, 700)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(w.retired) != 4 || w.old != 0 {
			t.Errorf("%d steps, %d left; %s", len(w.retired), w.old, log.String())
		}
		if n := strings.Count(log.String(), "trying again"); n != 2 || !strings.Contains(log.String(), "panic: no store") {
			t.Error(log.String())
		}
	})
}

func TestValidate(t *testing.T) {
	for want, c := range map[string]Config{
		"":                                      {},
		"OFFRAMP_RETENTION_MESSAGES is 1m0s":    {Retention: time.Minute},
		"OFFRAMP_RETENTION_MESSAGES is -1h0m0s": {Retention: -time.Hour},
		"OFFRAMP_RETENTION_MESSAGES_SIZE is 1MiB": {Size: 1 << 20},
	} {
		err := c.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want+":") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
