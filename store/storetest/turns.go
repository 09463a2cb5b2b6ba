package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/store"
)

// taker takes turns of one person.
type taker struct {
	t *testing.T
	c store.Consent
}

func (k taker) take(list, holder string, second int, each, all time.Duration, wantOK, wantAll bool) {
	k.t.Helper()
	ok, over, err := k.c.TakeTurn(context.Background(), store.Turn{Recipient: "p", List: list, Holder: holder, At: at(second), Each: each, All: all})
	must(k.t, err)
	if ok != wantOK || over != wantAll {
		k.t.Fatalf("%s of %s at %d: %t, %t", holder, list, second, ok, over)
	}
}

func (k taker) give(list, holder string) {
	k.t.Helper()
	must(k.t, k.c.GiveTurn(context.Background(), store.Turn{Recipient: "p", List: list, Holder: holder}))
}

func turns(t *testing.T, d Data) {
	c, _ := d.Open(t)
	k := taker{t, c}
	const each = 10 * time.Second
	k.take("a", "1", 100, each, 0, true, false)
	k.take("a", "2", 100, each, 0, false, false)
	k.take("a", "2", 109, each, 0, false, false)
	k.take("b", "2", 109, each, 0, true, false)                  // another list
	k.take("b", "3", 119, 0, each+time.Millisecond, false, true) // over all lists
	k.take("a", "1", 105, each, each, false, true)               // b went out meanwhile
	k.take("a", "1", 105, each, 0, true, false)                  // the holder again
	c, _ = d.Open(t)
	k.c = c
	k.take("a", "2", 114, each, 0, false, false) // also after a restart
	k.take("a", "2", 115, each, 0, true, false)  // the period is over
	k.give("a", "other")                         // not the holder's
	k.take("a", "3", 116, each, 0, false, false)
	k.give("a", "2") // not sent: what stood before stands again
	k.take("a", "3", 114, each, 0, false, false)
	k.take("a", "3", 116, each, 0, true, false)
	k.give("a", "3")
	k.take("a", "3", 116, each, 0, true, false)
	k.take("a", "3", 117, each, 0, true, false)
	k.give("a", "3") // an earlier attempt may have sent it: the turn stays
	k.take("a", "4", 118, each, 0, false, false)
	k.take("c", "1", 100, each, 0, true, false)
	k.give("c", "1") // nothing was ever sent
	k.take("c", "2", 100, each, 0, true, false)
	// Where the clock was put back, the last message is in the future.
	k.take("c", "3", 50, each, 0, false, false)
}

// turnsAfterAWrongClock: a message that was sent under a clock that was years
// ahead blocks a person for one period, not for years; and a clock that is not
// believed ends no period.
func turnsAfterAWrongClock(t *testing.T, d Data) {
	c, _ := d.Open(t)
	k := taker{t, c}
	const each, years = 10 * time.Second, 100_000_000
	k.take("a", "1", years, each, 0, true, false)
	k.take("a", "2", 100, each, 0, false, false)
	k.take("a", "2", 109, each, 0, false, false)
	k.take("a", "2", 111, each, 0, true, false)
	must(t, c.Sent(context.Background(), store.Contact{Recipient: "p", List: "b", First: at(years), Last: at(years), Count: 1}))
	k.take("a", "3", 130, 0, each, false, true)
	k.take("a", "3", 141, 0, each, true, false)

	turn := store.Turn{Recipient: "p", List: "a", Holder: "4", At: at(years), Sure: at(142), Each: each}
	for _, want := range []bool{false, true} {
		ok, _, err := c.TakeTurn(context.Background(), turn)
		must(t, err)
		same(t, fmt.Sprint("sure of ", turn.Sure), ok, want)
		turn.Sure = at(160)
	}
}

func turnsAtOnce(t *testing.T, d Data) {
	c, _ := d.Open(t)
	for _, scope := range []string{"list", "all"} {
		var won, lost atomic.Int64
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				turn := store.Turn{Recipient: scope, List: "a", Holder: fmt.Sprint(i), At: at(i), Each: 24 * time.Hour}
				if scope == "all" {
					turn.List, turn.Each, turn.All = fmt.Sprint(i), 0, 24*time.Hour
				}
				ok, _, err := c.TakeTurn(context.Background(), turn)
				switch {
				case err != nil:
					t.Error(err)
				case ok:
					won.Add(1)
				default:
					lost.Add(1)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 49 {
			t.Errorf("%s: %d of 50 took the turn", scope, won.Load())
		}
	}
}

// contacts: deliveries are counted, and count against a limit that is set later.
func contacts(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	must(t, c.Sent(ctx))
	one := store.Contact{Recipient: "p", List: "a", First: at(100), Last: at(100), Count: 1}
	early := store.Contact{Recipient: "p", List: "a", First: at(90), Last: at(91), Count: 2}
	must(t, c.Sent(ctx, one, early))
	k := taker{t, c}
	k.take("a", "1", 109, 10*time.Second, 0, false, false)
	k.take("a", "1", 110, 10*time.Second, 0, true, false)
	must(t, c.Sent(ctx, store.Contact{Recipient: "p", List: "a", First: at(95), Last: at(95), Count: 1}))
	k.take("a", "2", 111, 10*time.Second, 0, false, false) // a late count takes nothing back
	p, err := c.Person(ctx, "p")
	must(t, err)
	same(t, "contacts", p.Contacts, []store.Contact{{Recipient: "p", List: "a", First: kept(at(90)), Last: kept(at(110)), Count: 4}})
	// A slot alone is not sent mail.
	k.take("z", "1", 500, time.Second, 0, true, false)
	p, err = c.Person(ctx, "p")
	must(t, err)
	if len(p.Contacts) != 1 {
		t.Errorf("contacts %+v", p.Contacts)
	}
}
