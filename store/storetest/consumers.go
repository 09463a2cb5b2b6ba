package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/store"
)

// Consumers checks what store.Consumers and store.Ledger promise. The engine's
// store.Consent has both.
func Consumers(t *testing.T, newData func(t *testing.T) Data) {
	t.Helper()
	runAll(t, newData, []test{
		{"consumers", consumers},
		{"consumers changed", consumersChanged},
		{"consumers leased", consumersLeased},
		{"consumers leased at once", consumersLeasedAtOnce},
		{"consumers' progress", consumersProgress},
		{"too many consumers", consumersFull},
		{"events awaited", eventsAwaited},
	})
}

type follower interface {
	store.Consent
	store.Consumers
	store.Ledger
}

func openConsumers(t *testing.T, d Data) follower {
	t.Helper()
	c, _ := d.Open(t)
	f, ok := c.(follower)
	if !ok {
		t.Fatalf("%T has no consumers", c)
	}
	return f
}

func aConsumer(name string) store.Consumer {
	return store.Consumer{
		Name: name, Kind: "webhook", Settings: []byte("secret of " + name + odd), Lists: []string{"", "a.example", odd},
		Kinds: []store.EventKind{store.EventUnsubscribed, odd}, State: store.ConsumerActive, Created: at(1), Cursor: 3,
	}
}

// keptConsumer is what an engine makes of a consumer that is added.
func keptConsumer(c store.Consumer) store.Consumer {
	c.Created, c.Version = kept(c.Created), 1
	return c
}

func wantConsumer(t *testing.T, c store.Consumers, want store.Consumer) {
	t.Helper()
	got, err := c.Consumer(context.Background(), want.Name)
	must(t, err)
	same(t, "consumer "+want.Name, got, want)
}

func consumers(t *testing.T, d Data) {
	ctx := context.Background()
	c := openConsumers(t, d)
	if _, err := c.Consumer(ctx, "crm"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("unknown consumer: %v", err)
	}
	for what, err := range map[string]error{
		"changed": c.ChangeConsumer(ctx, aConsumer("crm")), "removed": c.RemoveConsumer(ctx, "crm"),
		"progress": c.RecordProgress(ctx, store.Progress{Name: "crm"}),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("unknown consumer %s: %v", what, err)
		}
	}
	must(t, c.Acknowledge(ctx, store.Reader{Name: "crm", Through: 9, Since: at(0)}))
	crm, bare := aConsumer("crm"), store.Consumer{Name: odd, Kind: "exec", State: store.ConsumerPaused, Created: at(2)}
	for _, one := range []store.Consumer{crm, bare} {
		must(t, c.AddConsumer(ctx, one))
		if err := c.AddConsumer(ctx, one); !errors.Is(err, store.ErrChanged) {
			t.Fatalf("added twice: %v", err)
		}
	}
	for range 2 {
		wantConsumer(t, c, keptConsumer(crm))
		all, err := c.Consumers(ctx)
		must(t, err)
		same(t, "consumers", all, []store.Consumer{keptConsumer(crm), keptConsumer(bare)})
		readers, err := c.Readers(ctx)
		must(t, err)
		same(t, "readers", readers, []store.Reader{{Name: "crm", Through: 9, Since: kept(at(0))}, {Name: odd, Since: kept(at(2))}})
		c = openConsumers(t, d)
	}
	must(t, c.RemoveConsumer(ctx, "crm"))
	readers, err := c.Readers(ctx)
	must(t, err)
	same(t, "readers", readers, []store.Reader{{Name: odd, Since: kept(at(2))}})
}

// consumersChanged: what the operator changes is one version after another, and
// forgets what held the consumer up.
func consumersChanged(t *testing.T, d Data) {
	ctx := context.Background()
	c := openConsumers(t, d)
	must(t, c.AddConsumer(ctx, aConsumer("crm")))
	one, err := c.LeaseConsumer(ctx, "crm", [16]byte{1}, at(1), at(30))
	must(t, err)
	must(t, c.RecordProgress(ctx, store.Progress{
		Name: "crm", Holder: [16]byte{1}, Version: one.Version, Now: at(2), Until: at(40), Cursor: 7, Done: []int64{9, 10, 300}, State: store.ConsumerFailed,
		Failing: at(1), Stuck: 8, Attempts: 3, Next: at(9), Error: odd, Missed: 2,
	}))
	want := keptConsumer(aConsumer("crm"))
	want.Cursor, want.State, want.Failing, want.Stuck, want.Attempts, want.Next, want.Error = 7, store.ConsumerFailed, kept(at(1)), 8, 3, kept(at(9)), odd
	want.Done, want.Missed, want.Holder, want.Until = []int64{9, 10, 300}, 2, [16]byte{1}, kept(at(40))
	wantConsumer(t, c, want)
	change := want
	change.State, change.Cursor, change.Skip, change.Settings, change.Lists, change.Kinds = store.ConsumerActive, 1, 2, []byte("new"), nil, nil
	stale := change
	stale.Version++
	if err := c.ChangeConsumer(ctx, stale); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("changed what was not seen: %v", err)
	}
	must(t, c.ChangeConsumer(ctx, change))
	if err := c.ChangeConsumer(ctx, change); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("changed twice: %v", err)
	}
	want = keptConsumer(aConsumer("crm"))
	want.Cursor, want.Skip, want.Settings, want.Lists, want.Kinds = 1, 2, []byte("new"), nil, nil
	want.Version, want.Holder, want.Until = 2, [16]byte{1}, kept(at(40))
	wantConsumer(t, c, want)
	// Its reader does not go back: it has taken them over.
	readers, err := c.Readers(ctx)
	must(t, err)
	same(t, "readers", readers, []store.Reader{{Name: "crm", Through: 7, Since: kept(at(2))}})
	old := store.Progress{Name: "crm", Holder: [16]byte{1}, Version: 1, Now: at(3), Until: at(50), Cursor: 9, State: store.ConsumerActive}
	if err := c.RecordProgress(ctx, old); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("progress of the version before: %v", err)
	}
	c = openConsumers(t, d)
	got, err := c.Consumer(ctx, "crm")
	must(t, err)
	if got.Until.IsZero() { // the engine knows that the holder is gone
		want.Holder, want.Until = [16]byte{}, time.Time{}
	}
	same(t, "consumer after all", got, want)
}

func consumersLeased(t *testing.T, d Data) {
	ctx := context.Background()
	c := openConsumers(t, d)
	a, b := [16]byte{0xff, 1}, [16]byte{0xff, 2}
	if _, err := c.LeaseConsumer(ctx, "crm", a, at(1), at(2)); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("unknown consumer: %v", err)
	}
	must(t, c.AddConsumer(ctx, aConsumer("crm")))
	one, err := c.LeaseConsumer(ctx, "crm", a, at(1), at(10))
	must(t, err)
	want := keptConsumer(aConsumer("crm"))
	want.Holder, want.Until = a, kept(at(10))
	same(t, "leased", one, want)
	for range 2 {
		if _, err := c.LeaseConsumer(ctx, "crm", b, at(9), at(20)); !errors.Is(err, store.ErrHeld) {
			t.Fatalf("leased twice: %v", err)
		}
		must(t, c.ReleaseConsumer(ctx, "crm", b)) // is not his
	}
	_, err = c.LeaseConsumer(ctx, "crm", a, at(9), at(12)) // prolonged
	must(t, err)
	if _, err := c.LeaseConsumer(ctx, "crm", b, at(11), at(20)); !errors.Is(err, store.ErrHeld) {
		t.Fatalf("leased before its end: %v", err)
	}
	_, err = c.LeaseConsumer(ctx, "crm", b, at(12), at(20))
	must(t, err)
	lost := store.Progress{Name: "crm", Holder: a, Version: 1, Now: at(13), Until: at(50), Cursor: 9, State: store.ConsumerActive}
	if err := c.RecordProgress(ctx, lost); !errors.Is(err, store.ErrHeld) {
		t.Fatalf("progress of who lost it: %v", err)
	}
	must(t, c.ReleaseConsumer(ctx, "crm", b))
	must(t, c.ReleaseConsumer(ctx, "nobody", b))
	_, err = c.LeaseConsumer(ctx, "crm", a, at(13), at(20))
	must(t, err)
}

// consumersLeasedAtOnce: one of those who want it gets it.
func consumersLeasedAtOnce(t *testing.T, d Data) {
	ctx := context.Background()
	c := openConsumers(t, d)
	must(t, c.AddConsumer(ctx, aConsumer("crm")))
	var all sync.WaitGroup
	var leased atomic.Int64
	for n := range byte(20) {
		all.Go(func() {
			switch _, err := c.LeaseConsumer(ctx, "crm", [16]byte{1, n}, at(1), at(10)); {
			case err == nil:
				leased.Add(1)
			case !errors.Is(err, store.ErrHeld):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if leased.Load() != 1 {
		t.Errorf("%d hold it", leased.Load())
	}
}

func consumersProgress(t *testing.T, d Data) {
	ctx := context.Background()
	c := openConsumers(t, d)
	one := aConsumer("crm")
	one.Skip = 5
	must(t, c.AddConsumer(ctx, one))
	holder := [16]byte{7}
	_, err := c.LeaseConsumer(ctx, "crm", holder, at(1), at(10))
	must(t, err)
	p := store.Progress{Name: "crm", Holder: holder, Version: 1, State: store.ConsumerActive}
	for i, cursor := range []int64{4, 5, 2} {
		p.Done = []int64{5, 9}
		p.Now, p.Until, p.Cursor = at(2+i), at(12+i), cursor
		must(t, c.RecordProgress(ctx, p))
		got, err := c.Consumer(ctx, "crm")
		must(t, err)
		// It never goes back by itself, and what was passed over is over.
		if want := max(cursor, int64(i+3)); i < 2 && got.Cursor != want || i == 2 && got.Cursor != 5 || (got.Skip == 5) != (i == 0) {
			t.Fatalf("after %d: cursor %d, skip %d", cursor, got.Cursor, got.Skip)
		}
		same(t, "lease", got.Until, kept(p.Until))
	}
	// What was done stays with the cursor, and goes with another one.
	for _, then := range []struct {
		cursor int64
		done   []int64
	}{{5, []int64{9}}, {1, nil}} {
		got, err := c.Consumer(ctx, "crm")
		must(t, err)
		same(t, "done", got.Done, []int64{9})
		got.Cursor = then.cursor
		must(t, c.ChangeConsumer(ctx, got))
		got, err = c.Consumer(ctx, "crm")
		must(t, err)
		same(t, "done", got.Done, then.done)
	}
	readers, err := c.Readers(ctx)
	must(t, err)
	same(t, "readers", readers, []store.Reader{{Name: "crm", Through: 5, Since: kept(at(3))}})
}

func consumersFull(t *testing.T, d Data) {
	ctx := context.Background()
	c := openConsumers(t, d)
	for i := range store.MaxConsumers {
		must(t, c.AddConsumer(ctx, aConsumer(fmt.Sprint(i))))
	}
	if err := c.AddConsumer(ctx, aConsumer("more")); !errors.Is(err, store.ErrFull) {
		t.Fatalf("one too many: %v", err)
	}
	if err := c.AddConsumer(ctx, aConsumer("7")); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("one that is there: %v", err)
	}
	must(t, c.RemoveConsumer(ctx, "7"))
	must(t, c.AddConsumer(ctx, aConsumer("more")))
}

// eventsAwaited: who waits learns of every event, and of none that was not committed.
func eventsAwaited(t *testing.T, d Data) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := openConsumers(t, d)
	learned := make(chan int64)
	go func() {
		defer close(learned)
		for last := int64(0); last < 50; {
			var err error
			if last, err = c.AwaitEvents(ctx, last); err != nil {
				t.Error(err)
				return
			}
			learned <- last
		}
	}()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			for range 10 {
				if err := c.AddEvents(ctx, event(store.EventDropped, "q@x.example")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	before := int64(0)
	for last := range learned {
		if h, err := c.Head(ctx); err != nil || last <= before || last > h.ID {
			t.Errorf("learned of %d after %d, where the last is %d, %v", last, before, h.ID, err)
		}
		before = last
	}
	all.Wait()
	over, stop := context.WithCancel(ctx)
	stop()
	if _, err := c.AwaitEvents(over, 50); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting ended with %v", err)
	}
}
