package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/store"
	"offramp/store/sqlite"
)

var testKey = []byte(strings.Repeat("k", 32))

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, PersonKey: testKey})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// inbox is a receiver that remembers what it was sent, and fails as it is told.
type inbox struct {
	t     *testing.T
	fault func(e store.Event, try int) error // nil: none
	hold  time.Duration

	mu    sync.Mutex
	got   map[string][]int64 // acknowledged, by person
	tries map[int64]int
	busy  map[string]bool
	open  int
	most  int
}

func newInbox(t *testing.T) *inbox {
	return &inbox{t: t, got: map[string][]int64{}, tries: map[int64]int{}, busy: map[string]bool{}}
}

func (in *inbox) Send(ctx context.Context, events []store.Event) (int, error) {
	in.enter(events)
	defer in.leave(events)
	if in.hold > 0 {
		select {
		case <-time.After(in.hold):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, e := range events {
		in.tries[e.ID]++
		if in.fault != nil {
			if err := in.fault(e, in.tries[e.ID]); err != nil {
				return i, err
			}
		}
		in.got[e.Recipient] = append(in.got[e.Recipient], e.ID)
	}
	return len(events), nil
}

func (in *inbox) enter(events []store.Event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.open++
	in.most = max(in.most, in.open)
	for _, e := range events {
		if in.busy[e.Recipient] && !in.among(events, e) {
			in.t.Errorf("two calls at a time for %s", e.Recipient)
		}
		in.busy[e.Recipient] = true
	}
}

// among says whether an earlier event of a call is of the same person.
func (in *inbox) among(events []store.Event, e store.Event) bool {
	for _, other := range events {
		if other.ID == e.ID {
			return false
		}
		if other.Recipient == e.Recipient {
			return true
		}
	}
	return false
}

func (in *inbox) leave(events []store.Event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.open--
	for _, e := range events {
		delete(in.busy, e.Recipient)
	}
}

func (in *inbox) count() (n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, ids := range in.got {
		n += len(ids)
	}
	return n
}

// unique is how many events were acknowledged.
func (in *inbox) unique() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	seen := map[int64]bool{}
	for _, ids := range in.got {
		for _, id := range ids {
			seen[id] = true
		}
	}
	return len(seen)
}

// ordered checks that every person's events came in order for the first time.
func (in *inbox) ordered(t *testing.T) {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	for who, ids := range in.got {
		last := int64(0)
		seen := map[int64]bool{}
		for _, id := range ids {
			if !seen[id] && id < last {
				t.Errorf("%s: event %d came first after %d", who, id, last)
			}
			seen[id] = true
			last = max(last, id)
		}
	}
}

func kindOf(to Receiver) Kind {
	return Kind{Open: func(store.Consumer) (Receiver, error) { return to, nil }, Events: []store.EventKind{store.EventUnsubscribed, store.EventResubscribed}}
}

// run runs an outbox until the test or stop ends it.
func run(t *testing.T, o *Outbox) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := o.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-done }) }
	t.Cleanup(stop)
	return stop
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not %s within 30 s", what)
		}
	}
}

func optOuts(t *testing.T, c *sqlite.Consent, n, people int) {
	t.Helper()
	var all []store.Event
	for i := range n {
		all = append(all, store.Event{Time: time.Now(), Kind: store.EventUnsubscribed, Recipient: fmt.Sprintf("p%d@x.example", i%people), List: "news.example", Way: store.OneClick})
	}
	must(t, c.AddEvents(context.Background(), all...))
}

func add(t *testing.T, o *Outbox, name, kind string, from Start) {
	t.Helper()
	_, err := o.Add(context.Background(), store.Consumer{Name: name, Kind: kind}, from)
	must(t, err)
}

func through(t *testing.T, c *sqlite.Consent, name string) int64 {
	t.Helper()
	all, err := c.Readers(context.Background())
	must(t, err)
	for _, r := range all {
		if r.Name == name {
			return r.Through
		}
	}
	return -1
}

func TestEventsReachEveryConsumer(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	one, two := newInbox(t), newInbox(t)
	one.hold = time.Millisecond
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"one": kindOf(one), "two": kindOf(two)}}
	add(t, o, "one", "one", Start{})
	optOuts(t, c, 500, 40)
	run(t, o)
	until(t, "sent", func() bool { return one.count() == 500 })
	add(t, o, "two", "two", Start{Event: 400})
	until(t, "sent", func() bool { return two.count() == 100 })
	// What is committed now is sent within about a second.
	began := time.Now()
	optOuts(t, c, 1, 1)
	until(t, "sent", func() bool { return one.count() == 501 && two.count() == 101 })
	if took := time.Since(began); took > time.Second {
		t.Errorf("an event took %s", took)
	}
	must(t, c.AddEvents(context.Background(), store.Event{Time: time.Now(), Kind: store.EventDropped, Recipient: "q@x.example"}))
	until(t, "acknowledged", func() bool { return through(t, c, "one") == 502 && through(t, c, "two") == 502 })
	one.ordered(t)
	two.ordered(t)
	if one.most < 2 || one.most > 8 {
		t.Errorf("%d calls at a time", one.most)
	}
}

// A receiver that fails at random, and is stopped again and again, gets each event at
// least once, and those of a person in order.
func TestFailuresAndRestarts(t *testing.T) {
	dir := t.TempDir()
	in := newInbox(t)
	random := rand.New(rand.NewPCG(1, 2))
	in.fault = func(e store.Event, try int) error {
		switch {
		case random.IntN(50) == 0:
			return &Failure{Text: "busy", After: 0}
		case random.IntN(50) == 0:
			panic("receiver")
		}
		return nil
	}
	waits := []time.Duration{time.Millisecond}
	const n = 2000
	for round := 0; in.unique() < n && round < 20; round++ {
		db := open(t, dir)
		c := db.Consent()
		kind := kindOf(in)
		kind.Batch = 1 + round%3
		o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kind}, Waits: waits}
		if round == 0 {
			add(t, o, "crm", "x", Start{})
			optOuts(t, c, n, 97)
		}
		before := in.unique()
		stop := run(t, o)
		until(t, "some sent", func() bool { return in.unique() >= min(before+300, n) })
		stop()
		if open := in.open; open != 0 {
			t.Errorf("%d calls after the stop", open)
		}
		must(t, db.Close())
	}
	in.ordered(t)
	if got := in.unique(); got != n {
		t.Errorf("%d of %d events came", got, n)
	}
	db := open(t, dir)
	if at := through(t, db.Consent(), "crm"); at != n {
		t.Errorf("acknowledged up to %d", at)
	}
}

// One that takes its time, or nothing at all, holds up nobody else.
func TestSlowReceiverHoldsUpNobody(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	slow, dead, fast := newInbox(t), newInbox(t), newInbox(t)
	slow.hold = time.Hour
	dead.fault = func(store.Event, int) error { return errors.New("connection refused") }
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"slow": kindOf(slow), "dead": kindOf(dead), "fast": kindOf(fast)}}
	for _, name := range []string{"dead", "fast", "slow"} {
		add(t, o, name, name, Start{})
	}
	optOuts(t, c, 1000, 500)
	began := time.Now()
	stop := run(t, o)
	until(t, "sent to the fast one", func() bool { return fast.count() == 1000 })
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	dead.mu.Lock()
	if len(dead.tries) > 8 {
		t.Errorf("a dead receiver was called for %d events", len(dead.tries))
	}
	dead.mu.Unlock()
	began = time.Now()
	stop()
	if took := time.Since(began); took > grace+3*time.Second {
		t.Errorf("the stop took %s", took)
	}
}

// An event that nobody takes holds up its person, and nobody else, until the operator
// passes over it.
func TestPoisonedEvent(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	in.fault = func(e store.Event, _ int) error {
		if e.ID == 3 {
			return &Failure{Text: "answered 422", Refused: true}
		}
		return nil
	}
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in)}}
	add(t, o, "crm", "x", Start{})
	optOuts(t, c, 30, 10) // 3, 13 and 23 are of one person
	run(t, o)
	until(t, "sent", func() bool { return in.count() == 27 })
	ctx := context.Background()
	var now store.Consumer
	until(t, "recorded", func() bool {
		var err error
		now, err = o.One(ctx, "crm")
		must(t, err)
		return now.Stuck == 3 && len(now.Done) == 25
	})
	if now.Cursor != 2 || now.Error != "answered 422" || now.Attempts != 1 || now.Failing.IsZero() || !now.Next.After(now.Failing) {
		t.Errorf("%+v", now)
	}
	if at := through(t, c, "crm"); at != 2 {
		t.Errorf("acknowledged up to %d", at)
	}
	if _, err := o.Skip(ctx, "crm", 2); !errors.Is(err, ErrEvent) {
		t.Errorf("passed over one that is acknowledged: %v", err)
	}
	_, err := o.Skip(ctx, "crm", 3)
	must(t, err)
	until(t, "passed over", func() bool { return through(t, c, "crm") == 30 })
	if n := in.count(); n != 29 {
		t.Errorf("%d events were taken, some of them twice", n)
	}
	in.ordered(t)
}

func TestGivingUpAndResuming(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	var up atomic.Bool
	in.fault = func(store.Event, int) error {
		if up.Load() {
			return nil
		}
		return errors.New("dial tcp: connection refused\nsecond line")
	}
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	waits := []time.Duration{time.Millisecond}
	var lines strings.Builder
	o := &Outbox{Waits: waits, Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in)}, Now: now, Log: slog.New(slog.NewTextHandler(&lines, nil))}
	add(t, o, "crm", "x", Start{})
	optOuts(t, c, 20, 10)
	stop := run(t, o)
	ctx := context.Background()
	state := func() store.ConsumerState {
		one, err := o.One(ctx, "crm")
		must(t, err)
		return one.State
	}
	until(t, "tried", func() bool { in.mu.Lock(); defer in.mu.Unlock(); return in.tries[1] > 2 })
	ahead.Store(int64(71 * time.Hour))
	until(t, "tried", func() bool { in.mu.Lock(); defer in.mu.Unlock(); return in.tries[1] > 10 })
	if state() != store.ConsumerActive {
		t.Error("given up before its time")
	}
	ahead.Store(int64(73 * time.Hour))
	until(t, "paused", func() bool { return state() == store.ConsumerFailed })
	one, err := o.One(ctx, "crm")
	must(t, err)
	if one.Error != "dial tcp: connection refused second line" || one.Stuck != 1 || one.Cursor != 0 {
		t.Errorf("%+v", one)
	}
	up.Store(true)
	_, err = o.Resume(ctx, "crm")
	must(t, err)
	until(t, "sent", func() bool { return through(t, c, "crm") == 20 })
	if one, err = o.One(ctx, "crm"); err != nil || one.State != store.ConsumerActive || !one.Failing.IsZero() || one.Error != "" {
		t.Errorf("%+v, %v", one, err)
	}
	stop()
	if !strings.Contains(lines.String(), "level=ERROR msg=\"a consumer is paused") {
		t.Errorf("no alarm: %s", lines.String())
	}
}

func TestPauseReplayRemove(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in)}}
	ctx := context.Background()
	add(t, o, "crm", "x", Start{})
	run(t, o)
	optOuts(t, c, 10, 10)
	until(t, "sent", func() bool { return through(t, c, "crm") == 10 })
	_, err := o.Pause(ctx, "crm")
	must(t, err)
	until(t, "let go", func() bool { one, err := o.One(ctx, "crm"); must(t, err); return one.Until.IsZero() })
	optOuts(t, c, 5, 5)
	if one, err := o.One(ctx, "crm"); err != nil || one.Cursor != 10 || in.count() != 10 {
		t.Errorf("sent while it was paused: %+v, %v", one, err)
	}
	_, err = o.Replay(ctx, "crm", Start{Event: 5})
	must(t, err)
	until(t, "sent again", func() bool { return in.count() == 20 && through(t, c, "crm") == 15 })
	_, err = o.Replay(ctx, "crm", Start{Event: 99})
	if !errors.Is(err, ErrEvent) {
		t.Errorf("replay from the future: %v", err)
	}
	must(t, o.Remove(ctx, "crm"))
	if at := through(t, c, "crm"); at != -1 {
		t.Error("its reader is still there")
	}
	if _, err := o.Pause(ctx, "crm"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("paused after it was removed: %v", err)
	}
}

// What a person had erased is not sent any more, however long it waited.
func TestErasedEventsAreNotSent(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	var up atomic.Bool
	in.fault = func(store.Event, int) error {
		if up.Load() {
			return nil
		}
		return errors.New("down")
	}
	waits := []time.Duration{10 * time.Millisecond}
	o := &Outbox{Waits: waits, Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in)}}
	add(t, o, "crm", "x", Start{})
	optOuts(t, c, 20, 10)
	run(t, o)
	until(t, "tried", func() bool { in.mu.Lock(); defer in.mu.Unlock(); return in.tries[1] > 1 })
	must(t, c.Erase(context.Background(), "p0@x.example", store.Event{Time: time.Now(), Kind: store.EventErased}))
	up.Store(true)
	until(t, "sent", func() bool { return through(t, c, "crm") == 21 })
	if len(in.got["p0@x.example"]) != 0 || in.count() != 18 {
		t.Errorf("got %v", in.got)
	}
}

// Two outboxes of one store never send to the same consumer, and the second takes over.
func TestLease(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	make := func() *Outbox {
		return &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in)}}
	}
	a, b := make(), make()
	add(t, a, "crm", "x", Start{})
	stop := run(t, a)
	run(t, b)
	optOuts(t, c, 100, 10)
	until(t, "sent", func() bool { return through(t, c, "crm") == 100 })
	if in.count() != 100 {
		t.Errorf("%d sent", in.count())
	}
	stop()
	optOuts(t, c, 100, 10)
	until(t, "taken over", func() bool { return through(t, c, "crm") == 200 })
	if in.count() != 200 {
		t.Errorf("%d sent", in.count())
	}
}

// Events that age took out of the ledger before they were sent are an alarm.
func TestRetiredBeyondTheCursor(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	var lines strings.Builder
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in)}, Log: slog.New(slog.NewTextHandler(&lines, nil))}
	ctx := context.Background()
	add(t, o, "crm", "x", Start{})
	optOuts(t, c, 20, 10)
	_, err := c.Retire(ctx, time.Now().Add(time.Hour), store.Event{Time: time.Now().Add(2 * time.Hour), Kind: store.EventRetired})
	must(t, err)
	optOuts(t, c, 5, 5)
	stop := run(t, o)
	until(t, "sent", func() bool { return in.count() == 5 })
	until(t, "recorded", func() bool { one, err := o.One(ctx, "crm"); must(t, err); return one.Missed == 20 && one.Cursor == 26 })
	stop()
	if !strings.Contains(lines.String(), "left the ledger by age") {
		t.Errorf("no alarm: %s", lines.String())
	}
}

func TestFilters(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in)}}
	ctx := context.Background()
	_, err := o.Add(ctx, store.Consumer{Name: "crm", Kind: "x", Lists: []string{"a.example"}, Kinds: []store.EventKind{store.EventUnsubscribed}}, Start{})
	must(t, err)
	for _, e := range []store.Event{
		{Kind: store.EventUnsubscribed, List: "a.example"}, {Kind: store.EventUnsubscribed, List: "b.example"}, {Kind: store.EventUnsubscribed, List: store.AllLists},
		{Kind: store.EventResubscribed, List: "a.example"}, {Kind: store.EventDropped, List: "a.example"},
	} {
		e.Recipient, e.Time = "p@x.example", time.Now()
		must(t, c.AddEvents(ctx, e))
	}
	run(t, o)
	until(t, "acknowledged", func() bool { return through(t, c, "crm") == 5 })
	if got := fmt.Sprint(in.got["p@x.example"]); got != "[1 3]" {
		t.Errorf("got %s", got)
	}
}

func TestNames(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(newInbox(t))}, Own: []store.Consumer{{Name: "exec", Kind: "x"}}}
	ctx := context.Background()
	for _, name := range []string{"", "Crm", "-x", "a b", "a/b", strings.Repeat("x", 65), "ü"} {
		if _, err := o.Add(ctx, store.Consumer{Name: name, Kind: "x"}, Start{}); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := o.Add(ctx, store.Consumer{Name: "crm", Kind: "y"}, Start{}); !errors.Is(err, ErrKind) {
		t.Error(err)
	}
	add(t, o, "crm", "x", Start{})
	if _, err := o.Add(ctx, store.Consumer{Name: "crm", Kind: "x"}, Start{}); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	all, err := o.All(ctx)
	if err != nil || len(all) != 2 || all[1].Name != "exec" {
		t.Errorf("%+v, %v", all, err)
	}
	if err := o.Remove(ctx, "exec"); !errors.Is(err, ErrOwn) {
		t.Error(err)
	}
	if _, err := o.Pause(ctx, "exec"); err != nil {
		t.Error(err)
	}
}

// Faults of something that concerns single people hold up no others, however many
// there are: a receiver that is there is not taken for one that is down.
func TestFaultsApart(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	in.fault = func(e store.Event, _ int) error {
		if e.ID <= 4*refusalsInRow {
			return &Failure{Text: "its own system is away", Refused: true, Apart: true}
		}
		return nil
	}
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in)}}
	add(t, o, "crm", "x", Start{})
	const all = 4*refusalsInRow + 10
	optOuts(t, c, all, all)
	began := time.Now()
	run(t, o)
	until(t, "sent", func() bool { return in.count() == 10 })
	if took := time.Since(began); took > usualWaits()[0]/2 {
		t.Errorf("the others waited %s", took)
	}
}

// A kind whose calls take long has a consumer for longer, so that a call is not cut
// off, and nobody else sends meanwhile.
func TestLongCalls(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	left := make(chan time.Duration, 1)
	kind := kindOf(in)
	kind.Longest = 5 * time.Minute
	kind.Open = func(store.Consumer) (Receiver, error) { return deadlines{in, left}, nil }
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kind}}
	add(t, o, "crm", "x", Start{})
	optOuts(t, c, 1, 1)
	run(t, o)
	if got := <-left; got < kind.Longest {
		t.Errorf("%s for a call", got)
	}
	now, err := o.One(context.Background(), "crm")
	must(t, err)
	if got := time.Until(now.Until); got < kind.Longest {
		t.Errorf("leased for %s", got)
	}
}

// deadlines says how long a call has.
type deadlines struct {
	*inbox
	left chan time.Duration
}

func (d deadlines) Send(ctx context.Context, events []store.Event) (int, error) {
	end, _ := ctx.Deadline()
	select {
	case d.left <- time.Until(end):
	default:
	}
	return d.inbox.Send(ctx, events)
}

// A consumer of the settings for which there is no room holds up no other.
func TestNoRoomForOwn(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kindOf(in), "sql": kindOf(newInbox(t))}, Own: []store.Consumer{{Name: "sql", Kind: "sql"}}}
	for i := range store.MaxConsumers {
		must(t, c.AddConsumer(t.Context(), store.Consumer{Name: fmt.Sprint("c", i), Kind: "y", State: store.ConsumerActive, Created: time.Now()}))
	}
	one, err := c.Consumer(t.Context(), "c0")
	must(t, err)
	one.Kind = "x"
	must(t, c.ChangeConsumer(t.Context(), one))
	optOuts(t, c, 3, 3)
	run(t, o)
	until(t, "sent", func() bool { return in.count() == 3 })
	if all, err := o.All(t.Context()); err != nil || len(all) != store.MaxConsumers {
		t.Errorf("%d consumers, %v", len(all), err)
	}
}

// stumbling is a ledger whose first wait panics.
type stumbling struct {
	store.Ledger
	once sync.Once
}

func (s *stumbling) AwaitEvents(ctx context.Context, after int64) (int64, error) {
	s.once.Do(func() { panic("first") })
	return s.Ledger.AwaitEvents(ctx, after)
}

// After a panic it is still noticed that there are new events.
func TestWatchGoesOn(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	o := &Outbox{Consumers: c, Ledger: &stumbling{Ledger: c}, Kinds: map[string]Kind{"x": kindOf(in)}}
	add(t, o, "crm", "x", Start{})
	optOuts(t, c, 1, 1)
	run(t, o)
	until(t, "the first sent", func() bool { return in.count() == 1 })
	optOuts(t, c, 1, 1)
	until(t, "the next sent", func() bool { return in.count() == 2 })
}

// However much comes after an event that nobody takes, others are told of what is
// theirs, also when the server starts anew meanwhile.
func TestPoisonedEventInABusyLedger(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	in.fault = func(e store.Event, _ int) error {
		if e.ID == 1 {
			return &Failure{Text: "answered 422", Refused: true}
		}
		return nil
	}
	kind := kindOf(in)
	kind.Batch = 100
	add(t, &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kind}}, "crm", "x", Start{})
	optOuts(t, c, 1, 1)
	const more = span + 500
	for n := 1; n <= 2; n++ {
		optOuts(t, c, more+1, more+1) // the first of them is of the one who waits
		stop := run(t, &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kind}})
		until(t, "sent to the others", func() bool { return in.unique() == n*more })
		stop()
	}
	if n := in.count(); n != 2*more {
		t.Errorf("%d were sent, of %d", n, 2*more)
	}
	in.ordered(t)
}

// A receiver that is down is in the log once, and once when it is back; a single
// failure is not.
func TestDownAndBackInTheLog(t *testing.T) {
	for name, c := range map[string]struct{ failures, lines int }{"one failure": {1, 0}, "an outage": {6, 1}} {
		t.Run(name, func(t *testing.T) {
			ledger := open(t, t.TempDir()).Consent()
			in := newInbox(t)
			var calls atomic.Int64
			in.fault = func(store.Event, int) error {
				if calls.Add(1) <= int64(c.failures) {
					return errors.New("answered 503")
				}
				return nil
			}
			var lines strings.Builder
			o := &Outbox{
				Waits: []time.Duration{time.Millisecond}, Consumers: ledger, Ledger: ledger, Kinds: map[string]Kind{"x": kindOf(in)},
				Log: slog.New(slog.NewTextHandler(&lines, nil)),
			}
			add(t, o, "crm", "x", Start{})
			optOuts(t, ledger, 1, 1)
			stop := run(t, o)
			until(t, "sent", func() bool { return through(t, ledger, "crm") == 1 })
			stop()
			for _, line := range []string{"a consumer takes no events", "a consumer takes events again"} {
				if n := strings.Count(lines.String(), line); n != c.lines {
					t.Errorf("%q stands %d times, want %d:\n%s", line, n, c.lines, lines.String())
				}
			}
		})
	}
}
