package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/ledger"
	"offramp/gateway/record"
	"offramp/store"
)

const key = "correct horse battery staple"

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// world is everything behind the API, in memory.
type world struct {
	t           testing.TB
	api         *API
	access      *access.Access // of api, while it has the usual one
	log         bytes.Buffer
	handler     http.Handler // nil: that of api, from the first request on
	choices     []store.Choice
	stops       []store.Suppression
	all         []store.Event
	known       map[string]store.List
	entries     []store.QueueEntry
	usage       store.Usage
	calls       []string // every change asked for
	evidence    []consent.Evidence
	ledger      []store.Entry
	inForce     map[int64]time.Time // of the opt-outs among all
	following   []store.Reader
	person      store.Person
	decision    consent.Decision
	queueFilter store.QueueFilter
	eventFilter store.EventFilter
	flushed     int
	traffic     []store.Traffic
	counts      []store.DayCount
	counted     string // the time that was counted
	earlier     string
	err         error // answer of everything, when set
}

func newWorld(t testing.TB) *world {
	w := &world{
		t:     t,
		known: map[string]store.List{"news.example.org": {ID: "news.example.org", Name: "News", Created: start}},
		usage: store.Usage{Messages: 2, Queued: 3, Held: 1, Oldest: start.Add(-90 * time.Second), Free: 50 << 30, Capacity: 100 << 30},
	}
	signer, err := ledger.NewSigner("offramp.example.org", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	w.following = []store.Reader{{Name: "crm", Through: 3, Since: start}}
	w.access = &access.Access{
		Keys: newKeyring(store.Key{ID: "q5r2m7xw3hy6takz", Name: "shop", Scope: "read", Created: start}),
		Now:  func() time.Time { return start },
	}
	w.api = &API{
		Access: w.access, Keys: w.access,
		Imports:  &importing{w: w},
		Traffic:  w,
		Messages: new(became),
		Counts:   w,
		Leaks:    &leaky{world: w},
		Clock:    w,
		Receipts: signer, Consent: w, Records: w, Lists: w, Queue: w, Webhooks: hooks{w}, Flush: func() { w.flushed++ },
		Preview: rendering{}, Reload: func(context.Context) record.Reloaded {
			w.calls = append(w.calls, "reload")
			return record.Reloaded{Changed: []string{}, Restart: []string{}, Files: []string{}}
		},
		Version: "1.2.3", Revision: "abc",
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Now: func() time.Time { return start },
	}
	return w
}

func (w *world) change(name string, s consent.Subject, rest string, ev consent.Evidence) (bool, error) {
	if w.err != nil {
		return false, w.err
	}
	w.calls = append(w.calls, strings.TrimSpace(fmt.Sprintf("%s %s %q %s", name, s.Recipient.Key(), s.List, rest)))
	w.evidence = append(w.evidence, ev)
	return true, nil
}

func (w *world) OptOut(_ context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (bool, error) {
	return w.change("opt-out", s, string(way), ev)
}

func (w *world) Resubscribe(_ context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (bool, error) {
	return w.change("resubscribe", s, string(way), ev)
}

func (w *world) Suppress(_ context.Context, s consent.Stop, ev consent.Evidence) (bool, error) {
	rest := string(s.Reason) + " " + s.Note
	if !s.Until.IsZero() {
		rest += " until " + s.Until.Format(time.DateOnly)
	}
	return w.change("suppress"+s.Pattern.Key(), s.Subject, rest, ev)
}

func (w *world) Unsuppress(_ context.Context, s consent.Stop, ev consent.Evidence) (bool, error) {
	for _, stop := range w.stops {
		if (stop.Recipient == s.Recipient.Key() || stop.Recipient == s.Pattern.Key()) && stop.List == s.List && stop.Reason == s.Reason {
			return w.change("unsuppress"+s.Pattern.Key(), s.Subject, string(s.Reason), ev)
		}
	}
	return false, w.err
}

func (w *world) Decide(_ context.Context, d consent.Decision, way store.Way, ev consent.Evidence) ([]int64, error) {
	if w.err != nil {
		return nil, w.err
	}
	w.decision = d
	for _, wish := range d.Wishes {
		if wish.State == store.Paused && !wish.Until.After(start) {
			return nil, fmt.Errorf("wish: %w", consent.ErrDate)
		}
		if !slices.Contains([]store.State{store.Subscribed, store.Unsubscribed, store.Paused, store.Limited}, wish.State) {
			return nil, fmt.Errorf("wish: %w", consent.ErrWish)
		}
	}
	_, err := w.change("decide", consent.Subject{Recipient: d.Recipient}, string(way), ev)
	return []int64{7}, err
}

func (w *world) Person(context.Context, envelope.Address) (store.Person, error) {
	return w.person, w.err
}

func (w *world) Erase(_ context.Context, to envelope.Address, way store.Way, ev consent.Evidence) error {
	_, err := w.change("erase", consent.Subject{Recipient: to}, string(way), ev)
	return err
}

func (w *world) Hash(recipient string) string {
	return "hash-of-" + strings.ReplaceAll(recipient, "@", ".")
}

func (w *world) Entries(_ context.Context, after int64, limit int) ([]store.Entry, error) {
	var out []store.Entry
	for _, e := range w.ledger {
		if e.Event.ID > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, w.err
}

func (w *world) Head(context.Context) (store.Head, error) {
	return store.Head{ID: 9, Link: store.Sum{1}, First: 2, FirstLink: store.Sum{2}}, w.err
}

func (w *world) OptOuts(_ context.Context, since time.Time, after int64, limit int) ([]store.OptOut, error) {
	var out []store.OptOut
	for _, e := range w.all {
		if e.Kind == store.EventUnsubscribed && e.ID > after && !e.Time.Before(since) && len(out) < limit {
			out = append(out, store.OptOut{Event: e, InForce: w.inForce[e.ID]})
		}
	}
	return out, w.err
}

func (w *world) Readers(context.Context) ([]store.Reader, error) { return w.following, w.err }

func (w *world) Acknowledge(_ context.Context, r store.Reader) error {
	if w.err == nil {
		w.following = append(w.following, r)
		w.calls = append(w.calls, fmt.Sprintf("acknowledge %s %d", r.Name, r.Through))
	}
	return w.err
}

func (w *world) Dismiss(_ context.Context, name string) error {
	n := len(w.following)
	w.following = slices.DeleteFunc(w.following, func(r store.Reader) bool { return r.Name == name })
	if w.err == nil && len(w.following) == n {
		return store.ErrNotFound
	}
	w.calls = append(w.calls, "dismiss "+name)
	return w.err
}

// selected keeps what an engine would return, in its order.
func selected[T any](all []T, f store.RecordFilter, recipient, list func(T) string) []T {
	var out []T
	for _, r := range all {
		if (f.Recipient == "" || recipient(r) == f.Recipient) && (f.List == nil || list(r) == *f.List) && recipient(r) > f.After {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b T) int {
		return cmp.Or(cmp.Compare(recipient(a), recipient(b)), cmp.Compare(list(a), list(b)))
	})
	return out[:min(len(out), f.Limit)]
}

func (w *world) Choices(_ context.Context, f store.RecordFilter) ([]store.Choice, error) {
	return selected(w.choices, f, func(c store.Choice) string { return c.Recipient }, func(c store.Choice) string { return c.List }), w.err
}

func (w *world) Traffic(context.Context, int) ([]store.Traffic, error) { return w.traffic, w.err }

func (w *world) EarlierStream(context.Context) (string, error) { return w.earlier, w.err }

func (w *world) Suppressions(_ context.Context, f store.RecordFilter) ([]store.Suppression, error) {
	return selected(w.stops, f, func(s store.Suppression) string { return s.Recipient }, func(s store.Suppression) string { return s.List }), w.err
}

func (w *world) Events(_ context.Context, f store.EventFilter) ([]store.Event, error) {
	w.eventFilter = f
	return w.all[:min(len(w.all), f.Limit)], w.err
}

func (w *world) CountEvents(_ context.Context, since, until time.Time) ([]store.DayCount, error) {
	w.counted = since.Format(time.DateTime) + " to " + until.Format(time.DateTime)
	return w.counts, w.err
}

func (w *world) Lists(context.Context) ([]store.List, error) {
	var all []store.List
	for _, id := range slices.Sorted(maps.Keys(w.known)) {
		all = append(all, w.known[id])
	}
	return all, w.err
}

func (w *world) List(_ context.Context, id string) (store.List, error) {
	l, ok := w.known[id]
	if !ok && w.err == nil {
		return l, store.ErrNotFound
	}
	return l, w.err
}

func (w *world) EnsureList(_ context.Context, l store.List) (store.List, error) {
	if old, ok := w.known[l.ID]; ok || w.err != nil {
		return old, w.err
	}
	w.known[l.ID] = l
	w.calls = append(w.calls, "add "+l.ID)
	return l, nil
}

func (w *world) UpdateList(_ context.Context, l store.List) error {
	w.known[l.ID] = l
	w.calls = append(w.calls, "update "+l.ID)
	return w.err
}

func (w *world) Queue(_ context.Context, f store.QueueFilter) ([]store.QueueEntry, error) {
	w.queueFilter = f
	return w.entries[:min(len(w.entries), f.Limit)], w.err
}

func (w *world) Act(_ context.Context, a store.QueueAction, f store.QueueFilter) (int, error) {
	w.calls = append(w.calls, string(a))
	w.queueFilter = f
	return 2, w.err
}

func (w *world) Usage(context.Context) (store.Usage, error) { return w.usage, w.err }

// request is one from the machine itself, as the commands send it.
func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:4711", "127.0.0.1:8081"
	r.Header.Set("User-Agent", "offramp/1")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (w *world) send(r *http.Request) (*http.Response, string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	if w.handler == nil {
		w.handler = w.api.Handler()
	}
	w.handler.ServeHTTP(rec, r)
	body, err := io.ReadAll(rec.Result().Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return rec.Result(), string(body)
}

// call sends and decodes what is expected to be a success.
func call[T any](w *world, method, target, body string) T {
	w.t.Helper()
	res, text := w.send(request(method, target, body))
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" {
		w.t.Fatalf("%s %s: %s %s", method, target, res.Status, text)
	}
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		w.t.Fatalf("%s %s: %v in %s", method, target, err, text)
	}
	return v
}

// refused sends and checks that the answer is a problem of that status.
func (w *world) refused(r *http.Request, status int) record.Problem {
	w.t.Helper()
	res, text := w.send(r)
	var p record.Problem
	if err := json.Unmarshal([]byte(text), &p); err != nil || res.Header.Get("Content-Type") != "application/problem+json" ||
		res.StatusCode != status || p.Status != status || p.Type != "about:blank" || p.Title != http.StatusText(status) || p.Detail == "" {
		w.t.Errorf("%s %s: %s %s, want a problem of status %d", r.Method, r.URL, res.Status, text, status)
	}
	return p
}
