package sqlite

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

var manyDrops = flag.Int("drops", 100_000, "how many drops the benchmark counts")

// Of very many drops the newest are counted, and it is said that there were more.
func TestNewestDrops(t *testing.T) {
	db := openTest(t, Options{Dir: t.TempDir()})
	for i := range 5 {
		must(t, db.Consent().AddEvents(t.Context(),
			store.Event{Time: moment(i), Kind: store.EventDropped, Recipient: "a@x.example", Reason: store.ReasonUnsubscribed},
			store.Event{Time: moment(i), Kind: store.EventFailed, Recipient: "a@x.example"}))
	}
	for most, want := range map[int]int64{3: 3, 4: 4, 5: 5, 6: 5} {
		all, partial, err := db.Consent().newestDrops(t.Context(), time.Time{}, 0, most)
		if err != nil || len(all) != 1 || all[0].Count != want || partial != (want < 5) {
			t.Errorf("%d at most: %+v, partial %v, %v", most, all, partial, err)
		}
	}
	if plan := strings.Join(planOf(t, db, selectDrops), "; "); !strings.Contains(plan, "events_drops") {
		t.Errorf("drops are not read by their index: %s", plan)
	}
}

// BenchmarkDrops counts drops of 20 applications to 20 lists, among as many other
// events.
func BenchmarkDrops(b *testing.B) {
	db := openBench(b)
	ctx := context.Background()
	var events []store.Event
	for i := range *manyDrops {
		at := moment(i)
		events = append(events,
			store.Event{Time: at, Kind: store.EventUnsubscribed, Recipient: fmt.Sprintf("p%d@x.example", i), List: "news"},
			store.Event{Time: at, Kind: store.EventDropped, Recipient: fmt.Sprintf("p%d@x.example", i%50_000), List: fmt.Sprintf("list%d.example", i%20), Reason: store.ReasonUnsubscribed,
				QueueID: "6alijb80hfr89n7f", MessageID: "<" + strings.Repeat("m", 40) + "@shop.example>", IP: "192.0.2.1", Who: fmt.Sprintf("app%d", i%17), Detail: "from shop.example"})
		if len(events) == 5000 {
			if err := db.Consent().AddEvents(ctx, events...); err != nil {
				b.Fatal(err)
			}
			events = events[:0]
		}
	}
	for b.Loop() {
		all, _, err := db.Consent().Drops(ctx, time.Time{}, 0)
		if err != nil || len(all) < 300 {
			b.Fatal(len(all), err)
		}
	}
}
