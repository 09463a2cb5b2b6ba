package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/stream"
	"offramp/store"
)

// fake is everything below the relay. Its fields are what it was told to do
// and what it saw.
type fake struct {
	mu         sync.Mutex
	usage      store.Usage
	usageErr   error
	usages     int
	lists      map[string]store.List
	listErr    error
	verdicts   map[string]store.Reason // by recipient key: drop
	verdictErr error
	asked      []string // list of each verdict
	eventErr   error
	writeErr   error
	commitErr  error

	events  []store.Event
	drafts  []*fakeDraft
	commits []*fakeDraft
	order   []string
	woken   int
}

type fakeDraft struct {
	f          *fake
	body       bytes.Buffer
	message    store.Message
	recipients []store.Recipient
	ended      string
}

func (f *fake) Usage(context.Context) (store.Usage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.usages++
	return f.usage, f.usageErr
}

func (f *fake) Create(context.Context) (store.Draft, error) {
	d := &fakeDraft{f: f}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drafts = append(f.drafts, d)
	return d, nil
}

func (d *fakeDraft) Write(p []byte) (int, error) {
	if d.f.writeErr != nil {
		return 0, d.f.writeErr
	}
	return d.body.Write(p)
}

func (d *fakeDraft) Commit(_ context.Context, m *store.Message, rcpts []store.Recipient) error {
	d.f.mu.Lock()
	defer d.f.mu.Unlock()
	if d.f.commitErr != nil {
		return d.f.commitErr
	}
	d.message, d.recipients, d.ended = *m, rcpts, "commit"
	d.f.commits = append(d.f.commits, d)
	d.f.order = append(d.f.order, "commit")
	return nil
}

func (d *fakeDraft) Abort() {
	if d.ended == "" {
		d.ended = "abort"
	}
}

func (f *fake) EnsureList(_ context.Context, l store.List) (store.List, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listErr != nil {
		return store.List{}, f.listErr
	}
	if old, ok := f.lists[l.ID]; ok {
		return old, nil
	}
	if f.lists == nil {
		f.lists = map[string]store.List{}
	}
	f.lists[l.ID] = l
	return l, nil
}

func (f *fake) List(_ context.Context, id string) (store.List, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l, ok := f.lists[id]; ok || f.listErr != nil {
		return l, f.listErr
	}
	return store.List{}, store.ErrNotFound
}

func (f *fake) Verdict(_ context.Context, a envelope.Address, list string) (store.Verdict, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, list)
	if f.verdictErr != nil {
		return store.Verdict{}, f.verdictErr
	}
	reason, drop := f.verdicts[a.Key()]
	return store.Verdict{Drop: drop, Reason: reason}, nil
}

func (f *fake) AddEvents(_ context.Context, events ...store.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.eventErr != nil {
		return f.eventErr
	}
	f.events = append(f.events, events...)
	f.order = append(f.order, "events")
	return nil
}

var clock = time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)

func newRelay(f *fake) *Relay {
	return &Relay{
		Hostname: "gate.example",
		// Most tests are about list mail, and few of their messages have a mark.
		Classifier: &stream.Classifier{Default: stream.List},
		Spool:      f, Lists: f, Verdicts: f, Events: f,
		Wake:  func() { f.woken++ },
		Now:   func() time.Time { return clock },
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
		Stats: &Stats{},
	}
}

var client = Client{Addr: netip.MustParseAddr("192.0.2.1"), Name: "shop.example", Protocol: "ESMTPSA", Login: "shop", TLS: true}

func letter(t testing.TB, from string, to ...string) envelope.Envelope {
	t.Helper()
	a, err := envelope.ParseReversePath(from)
	if err != nil {
		t.Fatal(err)
	}
	e := envelope.Envelope{ReversePath: a}
	for _, s := range to {
		a, err := envelope.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		e.Recipients = append(e.Recipients, envelope.Recipient{Address: a})
	}
	return e
}

var errFake = errors.New("made to fail")
