package outbox

import (
	"context"
	"fmt"
	"testing"
	"time"

	"offramp/store"
)

// wholes is a receiver that takes a whole batch or nothing of it.
type wholes struct {
	*inbox
	poison int64
}

func (w *wholes) Send(ctx context.Context, events []store.Event) (int, error) {
	for _, e := range events {
		if e.ID == w.poison {
			return 0, &Failure{Text: "answered 400", Refused: true}
		}
	}
	return w.inbox.Send(ctx, events)
}

// Of a batch that is refused as a whole, the event that is wrong alone holds up its
// person.
func TestRefusedBatch(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	kind := kindOf(&wholes{in, 7})
	kind.Batch = 10
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kind}}
	add(t, o, "crm", "x", Start{})
	optOuts(t, c, 40, 20) // 7 and 27 are of one person
	run(t, o)
	until(t, "all but two sent", func() bool { return in.count() == 38 })
	in.ordered(t)
	until(t, "recorded", func() bool {
		one, err := o.One(context.Background(), "crm")
		must(t, err)
		return one.Stuck == 7 && one.Cursor == 6 && len(one.Done) == 32
	})
}

// A batch has a person's events in order, and none after one that waits.
func TestTakeKeepsTheOrder(t *testing.T) {
	now := time.Now()
	w := newWindow(0)
	for i := range int64(12) {
		w.add(store.Event{ID: i + 1, Recipient: fmt.Sprint(i % 3)}, i == 1)
	}
	w.reach(12)
	first := w.take(now, 4)
	ids := func(batch []*item) (all []int64) {
		for _, one := range batch {
			all = append(all, one.id)
		}
		return all
	}
	if got := fmt.Sprint(ids(first)); got != "[1 3 4 5]" {
		t.Errorf("first %s", got)
	}
	if got := ids(w.take(now, 4)); got != nil { // all three people are busy
		t.Errorf("second %v", got)
	}
	w.free(first, 2) // 4 failed, which is of the person of 1, and 5 was not tried
	w.people["0"].next = now.Add(time.Second)
	if got := fmt.Sprint(ids(w.take(now, 10))); got != "[5 6 8 9 11 12]" {
		t.Errorf("third %s", got)
	}
	if w.cursor != 3 || fmt.Sprint(w.later()) != "[]" {
		t.Errorf("cursor %d, later %v", w.cursor, w.later())
	}
	if at := w.next(now); !at.Equal(now.Add(time.Second)) {
		t.Errorf("next %s", at)
	}
}

// slow is a receiver that has no time for more than one event of a batch.
type slow struct{ *inbox }

func (s slow) Send(ctx context.Context, events []store.Event) (int, error) {
	return s.inbox.Send(ctx, events[:1])
}

// What a receiver had no time for is sent at once, and is no failure.
func TestPartOfABatch(t *testing.T) {
	db := open(t, t.TempDir())
	c := db.Consent()
	in := newInbox(t)
	kind := kindOf(slow{in})
	kind.Batch, kind.Lanes = 10, 1
	o := &Outbox{Consumers: c, Ledger: c, Kinds: map[string]Kind{"x": kind}, Stats: new(Stats)}
	add(t, o, "crm", "x", Start{})
	optOuts(t, c, 40, 20)
	run(t, o)
	until(t, "all recorded", func() bool { return through(t, c, "crm") == 40 })
	in.ordered(t)
	o.Stats.mu.Lock()
	defer o.Stats.mu.Unlock()
	if got := o.Stats.of("crm"); in.count() != 40 || got.delivered != 40 || got.failed != 0 {
		t.Errorf("%d calls, %+v", in.count(), got)
	}
}
