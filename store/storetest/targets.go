package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"offramp/store"
)

// Targets checks store.Targets of an engine whose Consent implements it.
func Targets(t *testing.T, newData func(t *testing.T) Data) {
	runAll(t, newData, []test{
		{"newest", targetsNewest},
		{"erased", targetsErased},
		{"retired", targetsRetired},
		{"at once", targetsAtOnce},
	})
}

func openTargets(t *testing.T, d Data) (store.Consent, store.Targets) {
	t.Helper()
	c, _ := d.Open(t)
	k, ok := c.(store.Targets)
	if !ok {
		t.Fatalf("%T keeps no targets", c)
	}
	return c, k
}

func target(recipient, list, uri string, second int) store.Target {
	return store.Target{Recipient: recipient, List: list, URI: uri, Since: at(second)}
}

func wantTargets(t *testing.T, k store.Targets, recipient, list string, want ...store.Target) {
	t.Helper()
	got, err := k.TargetsOf(context.Background(), recipient, list)
	must(t, err)
	for i := range want {
		want[i].Since = kept(want[i].Since)
	}
	same(t, "targets", got, want)
}

// targetsNewest: the newest of a person and list counts, in whatever order they
// come, and one person's are not another's.
func targetsNewest(t *testing.T, d Data) {
	ctx := context.Background()
	_, k := openTargets(t, d)
	wantTargets(t, k, "p", "a")
	must(t, k.KeepTargets(ctx))
	must(t, k.KeepTargets(ctx, target("p", "a", "https://x.example/1", 1), target("p", "b", odd, 1), target("q", "a", "mailto:q@x.example", 1)))
	must(t, k.KeepTargets(ctx, target("p", "a", "https://x.example/3", 3)))
	must(t, k.KeepTargets(ctx, target("p", "a", "https://x.example/2", 2)))
	for range 2 {
		a, b := target("p", "a", "https://x.example/3", 3), target("p", "b", odd, 1)
		wantTargets(t, k, "p", "a", a)
		wantTargets(t, k, "p", store.AllLists, a, b)
		wantTargets(t, k, "q", "a", target("q", "a", "mailto:q@x.example", 1))
		wantTargets(t, k, "q", "b")
		c, again := openTargets(t, d)
		p, err := c.Person(ctx, "p")
		must(t, err)
		a.Since, b.Since = kept(a.Since), kept(b.Since)
		same(t, "targets of a person", p.Targets, []store.Target{a, b})
		k = again
	}
	// The same one is known to be in use after a day, at the latest.
	const day = 24 * 60 * 60
	must(t, k.KeepTargets(ctx, target("p", "a", "https://x.example/3", 3+day)))
	wantTargets(t, k, "p", "a", target("p", "a", "https://x.example/3", 3+day))
}

// targetsErased: of who was erased no target is left, and none comes back.
func targetsErased(t *testing.T, d Data) {
	ctx := context.Background()
	c, k := openTargets(t, d)
	all := []store.Target{target("p@x.example", "a", "https://x.example/1", 1), target("q@x.example", "a", "https://x.example/2", 1)}
	must(t, k.KeepTargets(ctx, all...))
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(9), Kind: store.EventErased, Way: store.Page}))
	for range 2 {
		wantTargets(t, k, "p@x.example", store.AllLists)
		wantTargets(t, k, "p@x.example", "a")
		wantTargets(t, k, "q@x.example", "a", all[1])
		all[0].Since = at(20)
		must(t, k.KeepTargets(ctx, all...))
		p, err := c.Person(ctx, "p@x.example")
		must(t, err)
		same(t, "targets of who was erased", p.Targets, []store.Target(nil))
		c, k = openTargets(t, d)
	}
}

// targetsRetired: they go with the events of their time, and no others.
func targetsRetired(t *testing.T, d Data) {
	ctx := context.Background()
	c, k := openTargets(t, d)
	must(t, k.KeepTargets(ctx, target("p", "a", "https://x.example/1", 1), target("p", "b", "https://x.example/2", 5)))
	n, err := c.Retire(ctx, at(5), store.Event{Time: at(9), Kind: store.EventRetired})
	must(t, err)
	same(t, "retired", n, int64(1))
	wantTargets(t, k, "p", store.AllLists, target("p", "b", "https://x.example/2", 5))
}

// targetsAtOnce: whoever is told that a target is kept finds it.
func targetsAtOnce(t *testing.T, d Data) {
	ctx := context.Background()
	_, k := openTargets(t, d)
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			who, uri := fmt.Sprintf("p%d", n%10), fmt.Sprintf("https://x.example/%d", n)
			if err := k.KeepTargets(ctx, target(who, "a", uri, 1)); err != nil {
				t.Error(err)
			}
			if got, err := k.TargetsOf(ctx, who, "a"); err != nil || len(got) != 1 {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	all.Wait()
}
