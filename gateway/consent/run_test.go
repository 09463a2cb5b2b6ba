package consent_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/consent"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

// background is a Consent whose Run is under way, in a bubble.
type background struct {
	*consent.Consent
	f   *fakeStore
	t   *testing.T
	log bytes.Buffer
	end func()
}

func startRun(t *testing.T, f *fakeStore) *background {
	b := &background{Consent: newConsent(f), f: f, t: t}
	began := time.Now()
	b.Now = func() time.Time { return stored.Add(time.Since(began)) }
	b.Log = slog.New(slog.NewTextHandler(&b.log, nil))
	return b
}

func (b *background) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := b.Run(ctx); err != nil {
			b.t.Error(err)
		}
	})
	synctest.Wait()
	b.end = func() {
		cancel()
		running.Wait()
	}
}

// deliver sends n messages of a list to somebody.
func (b *background) deliver(who, list string, n int) {
	b.t.Helper()
	for i := range n {
		_, ended, err := b.Admit(b.t.Context(), address(b.t, who), list, fmt.Sprint("q", i))
		if err == nil {
			err = ended(b.t.Context(), store.Sent)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// pass lets time go by and returns how many deliveries the store knows.
func (b *background) pass(d time.Duration) (known int64) {
	time.Sleep(d)
	synctest.Wait()
	b.f.mu.Lock()
	defer b.f.mu.Unlock()
	for _, c := range b.f.contacts {
		known += c.Count
	}
	return known
}

func TestDeliveriesAreRecordedWithTheirPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startRun(t, &fakeStore{})
		b.run()
		b.deliver("Anna@example.net", "news", 2)
		if n := b.pass(990 * time.Millisecond); n != 0 {
			t.Errorf("%d recorded at once", n)
		}
		b.pass(10 * time.Millisecond)
		b.deliver("anna@example.net", "news", 1)
		b.pass(time.Second)
		want := []store.Contact{{Recipient: "anna@example.net", List: "news", First: stored, Last: stored.Add(time.Second), Count: 3}}
		if diff := cmp.Diff(want, b.f.contacts); diff != "" {
			t.Errorf("contacts (-want +got):\n%s", diff)
		}
		b.deliver("ben@example.net", "news", 1234)
		// They may be taken while they come in: less than 500 can be left.
		if n := b.pass(time.Nanosecond); n < 3+1234-499 {
			t.Errorf("%d known though 500 are enough to be written", n)
		}
		b.deliver("ben@example.net", "shop", 1)
		b.end() // the rest goes out at the end
		if n := b.pass(0); n != 3+1235 || b.Stats.Counted.Load() != n || b.Stats.CountsLost.Load() != 0 {
			t.Errorf("%d known at the end, %d counted", n, b.Stats.Counted.Load())
		}
		for _, n := range b.f.writes {
			if n > 500 {
				t.Errorf("%d in one write", n)
			}
		}
	})
}

// While the store is away deliveries go on; the newest are kept.
func TestDeliveriesWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startRun(t, &fakeStore{fails: map[string]error{"Sent": store.ErrUnavailable}})
		b.run()
		b.deliver("anna@example.net", "news", 10)
		b.deliver("ben@example.net", "news", 50_000)
		if n := b.pass(3 * time.Second); n != 0 {
			t.Errorf("%d recorded", n)
		}
		b.f.mu.Lock()
		tried := b.f.calls["Sent"]
		b.f.mu.Unlock()
		for range 5 { // many are held, and the store is asked once a second all the same
			b.deliver("ben@example.net", "news", 1)
			b.pass(0)
		}
		b.f.mu.Lock()
		if n := b.f.calls["Sent"] - tried; n != 0 {
			t.Errorf("%d tries in no time", n)
		}
		b.f.fails, b.f.panics = nil, "Sent"
		b.f.mu.Unlock()
		b.pass(2 * time.Second)
		b.f.mu.Lock()
		b.f.panics = ""
		b.f.mu.Unlock()
		if n := b.pass(time.Second); n != 50_000 || b.Stats.CountsLost.Load() != 15 || len(b.f.contacts) != 1 {
			t.Errorf("%d recorded, %d lost", n, b.Stats.CountsLost.Load())
		}
		if b.Stats.Panics.Load() == 0 || strings.Count(b.log.String(), "cannot record deliveries") != 1 {
			t.Errorf("log: %s", b.log.String())
		}
		b.f.mu.Lock()
		b.f.err = store.ErrUnavailable
		b.f.mu.Unlock()
		b.end()
	})
}

func TestDeliveriesThatAreLostAtTheStopAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startRun(t, &fakeStore{fails: map[string]error{"Sent": store.ErrUnavailable}})
		b.run()
		b.deliver("anna@example.net", "news", 2)
		b.end()
		if b.Stats.CountsLost.Load() != 2 || !strings.Contains(b.log.String(), "count=2") || strings.Contains(b.log.String(), "anna") {
			t.Errorf("%d lost, log: %s", b.Stats.CountsLost.Load(), b.log.String())
		}
	})
}

func TestRetentionRemovesWhatIsOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{choices: []store.Choice{{Recipient: "anna@example.net", State: store.Unsubscribed, Since: stored.AddDate(-9, 0, 0)}}}
		for _, age := range []time.Duration{1491, 1490, 1489, 1488, 10} {
			f.add(store.Event{Kind: store.EventDropped, Recipient: "anna@example.net", Time: stored.Add(-age * time.Hour)})
		}
		b := startRun(t, f)
		b.Config.Retention = 1488 * time.Hour
		f.fails = map[string]error{"Retire": store.ErrUnavailable}
		b.run()
		b.pass(time.Minute)
		f.mu.Lock()
		if len(f.events) != 5 || !strings.Contains(b.log.String(), "trying again") {
			t.Errorf("events %+v", f.said())
		}
		f.fails = nil
		f.mu.Unlock()
		b.pass(time.Hour)
		b.end()
		want := []said{
			{Kind: "dropped"},
			{Kind: "retired", Detail: "older than " + stored.Add(time.Minute+time.Hour-1488*time.Hour).Format(time.RFC3339), Ref: 2},
		}
		want = append(want, want[1])
		want[2].Ref = 4
		if diff := cmp.Diff(want, f.said()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if b.Stats.Retired.Load() != 4 || len(f.choices) != 1 {
			t.Errorf("%d retired, choices %+v", b.Stats.Retired.Load(), f.choices)
		}
	})
}

func TestNothingIsRetiredWithoutARetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startRun(t, &fakeStore{})
		b.f.add(store.Event{Kind: store.EventDropped})
		b.run()
		b.pass(3 * time.Hour)
		b.end()
		if len(b.f.events) != 1 {
			t.Errorf("events %+v", b.f.said())
		}
	})
}
