package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"offramp/store"
)

// Consent checks what store.Consent promises.
func Consent(t *testing.T, newData func(t *testing.T) Data) {
	t.Helper()
	runAll(t, newData, []test{
		{"lists", lists},
		{"choices", choices},
		{"suppressions", suppressions},
		{"suppressions end", suppressionEnds},
		{"patterns", patterns},
		{"standing", standing},
		{"records by filter", recordFilters},
		{"text as it is", oddText},
		{"reopened", consentReopened},
		{"at once", consentAtOnce},
		{"context ended", consentContext},
		{"events", events},
		{"events by filter", eventFilters},
		{"events once", eventsOnce},
		{"event with its choice", choiceAndEvent},
		{"decisions", decisions},
		{"decision on what was seen", decisionIf},
		{"person", person},
		{"turns", turns},
		{"turns at once", turnsAtOnce},
		{"turns after a wrong clock", turnsAfterAWrongClock},
		{"clock", clock},
		{"contacts", contacts},
		{"bounces", bounces},
		{"bounces end", bouncesEnd},
		{"bounces end by delivery", bouncesEndByDelivery},
		{"suppressed once", suppressedOnce},
		{"codes", codes},
		{"codes of who was erased", codesErased},
		{"codes at once", codesAtOnce},
		{"traffic", traffic},
		{"earlier stream", earlierStream},
		{"erased", erased},
		{"erased comes back", erasedAgain},
		{"ledger", wholeLedger},
		{"opt-outs", optOuts},
		{"retired", retired},
		{"readers", readers},
	})
}

func lists(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	if _, err := c.List(ctx, "none.example"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("unknown list: %v", err)
	}
	if _, err := c.ListByKey(ctx, 7); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("unknown key: %v", err)
	}
	if err := c.UpdateList(ctx, store.List{ID: "none.example"}); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("update of an unknown list: %v", err)
	}
	b := store.List{
		ID: "b.example", Key: 1<<64 - 1, Name: "B", Description: "All of B.", Public: true, ThirdParty: true, Language: "pl",
		Sender: "B & Sons", Footer: "B, 1 Road", Created: at(1),
	}
	a := store.List{ID: "a.example", Key: 2, Transactional: true, Created: at(2)}
	for _, l := range []store.List{b, a} {
		want := l
		want.Created = kept(l.Created)
		got, err := c.EnsureList(ctx, l)
		must(t, err)
		same(t, "added list", got, want)
	}
	a.Created, b.Created = kept(a.Created), kept(b.Created)
	got, err := c.EnsureList(ctx, store.List{ID: b.ID, Key: b.Key, Name: "other", Created: at(9)})
	must(t, err)
	same(t, "a list that is there is not changed", got, b)
	got, err = c.ListByKey(ctx, b.Key)
	must(t, err)
	same(t, "by key", got, b)
	all, err := c.Lists(ctx)
	must(t, err)
	same(t, "by ID", all, []store.List{a, b})
	shownTo := func(name string, want []store.List, thirdParty bool, ids ...string) {
		t.Helper()
		shown, third, err := c.ListsShown(ctx, ids)
		must(t, err)
		slices.SortFunc(shown, func(a, b store.List) int { return strings.Compare(a.ID, b.ID) })
		same(t, name, shown, want)
		same(t, name+": third party", third, thirdParty)
	}
	shownTo("public lists are shown to everybody", []store.List{b}, true)
	shownTo("once each", []store.List{a, b}, true, a.ID, b.ID, a.ID, store.AllLists, "none.example")
	must(t, c.UpdateList(ctx, store.List{ID: b.ID, Key: 99, Name: "New", Description: "D", Transactional: true, Created: at(30)}))
	b.Name, b.Description, b.Transactional = "New", "D", true
	b.Public, b.ThirdParty, b.Language, b.Sender, b.Footer = false, false, "", "", ""
	got, err = c.List(ctx, b.ID)
	must(t, err)
	same(t, "updated: key and time stay", got, b)
	shownTo("no list is public any more", nil, false)
}

func choice(recipient, list string, state store.State, second int) store.Choice {
	return store.Choice{Recipient: recipient, List: list, State: state, Since: at(second), Way: store.OneClick}
}

func event(kind store.EventKind, recipient string) store.Event {
	return store.Event{Time: at(1), Kind: kind, Recipient: recipient, List: "l.example"}
}

// setChoice is a decision about one list.
func setChoice(ctx context.Context, c store.Consent, ch store.Choice, e store.Event) (changed bool, err error) {
	ids, err := c.Decide(ctx, store.Change{Choices: []store.ChoiceChange{{Choice: ch, Event: e}}})
	return len(ids) > 0, err
}

func wantChange(t *testing.T, what string, want bool) func(bool, error) {
	t.Helper()
	return func(changed bool, err error) {
		t.Helper()
		must(t, err)
		if changed != want {
			t.Fatalf("%s: changed is %t", what, changed)
		}
	}
}

func allEvents(t *testing.T, c store.Consent) []store.Event {
	t.Helper()
	all, err := c.Events(context.Background(), store.EventFilter{})
	must(t, err)
	return all
}

func choices(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	out := choice("p", "l.example", store.Unsubscribed, 1)
	wantChange(t, "first", true)(setChoice(ctx, c, out, event(store.EventUnsubscribed, "p")))
	again := out
	again.Since, again.Way = at(50), store.Page
	wantChange(t, "the same again", false)(setChoice(ctx, c, again, event(store.EventUnsubscribed, "p")))
	got, err := c.Choices(ctx, store.RecordFilter{})
	must(t, err)
	out.Since = kept(out.Since)
	same(t, "the first one stands", got, []store.Choice{out})
	in := choice("p", "l.example", store.Subscribed, 2)
	wantChange(t, "back", true)(setChoice(ctx, c, in, event(store.EventResubscribed, "p")))
	got, err = c.Choices(ctx, store.RecordFilter{})
	must(t, err)
	in.Since = kept(in.Since)
	same(t, "replaced", got, []store.Choice{in})
	if all := allEvents(t, c); len(all) != 2 || all[0].Kind != store.EventUnsubscribed || all[1].Kind != store.EventResubscribed {
		t.Fatalf("one event for each change, got %v", all)
	}
}

func suppressions(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	s := store.Suppression{Recipient: "p", List: "l.example", Reason: store.ReasonManual, Since: at(1), Note: "asked by phone"}
	wantChange(t, "first", true)(c.Suppress(ctx, s, event(store.EventSuppressed, "p")))
	again := s
	again.Since, again.Note = at(9), "other"
	wantChange(t, "again", false)(c.Suppress(ctx, again, event(store.EventSuppressed, "p")))
	other := s
	other.Reason, other.List = store.ReasonBounced, store.AllLists
	wantChange(t, "another reason", true)(c.Suppress(ctx, other, event(store.EventSuppressed, "p")))
	got, err := c.Suppressions(ctx, store.RecordFilter{})
	must(t, err)
	s.Since, other.Since = kept(s.Since), kept(other.Since)
	same(t, "by list", got, []store.Suppression{other, s})
	miss := s
	miss.Reason = store.ReasonComplained
	wantChange(t, "remove what is not there", false)(c.Unsuppress(ctx, miss, event(store.EventUnsuppressed, "p")))
	wantChange(t, "remove", true)(c.Unsuppress(ctx, s, event(store.EventUnsuppressed, "p")))
	got, err = c.Suppressions(ctx, store.RecordFilter{})
	must(t, err)
	same(t, "the other one stays", got, []store.Suppression{other})
	if all := allEvents(t, c); len(all) != 3 || all[2].Kind != store.EventUnsuppressed {
		t.Fatalf("one event for each change, got %v", all)
	}
}

func standing(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	if err := c.Verified(ctx); err != nil {
		t.Fatal(err)
	}
	if i := c.Integrity(); i != (store.Integrity{Verified: true}) {
		t.Errorf("nothing is damaged, but %+v", i)
	}
	st, err := c.Standing(ctx, "nobody", "l.example")
	must(t, err)
	same(t, "nobody", st, store.Standing{})
	var want store.Standing
	for i, list := range []string{store.AllLists, "l.example", "other.example"} {
		ch := choice("p", list, store.Unsubscribed, i)
		su := store.Suppression{Recipient: "p", List: list, Reason: store.ReasonManual, Since: at(i), Note: "n"}
		wantChange(t, list, true)(setChoice(ctx, c, ch, event(store.EventUnsubscribed, "p")))
		wantChange(t, list, true)(c.Suppress(ctx, su, event(store.EventSuppressed, "p")))
		ch.Since, su.Since = kept(ch.Since), kept(su.Since)
		if list != "other.example" {
			want.Choices = append(want.Choices, ch)
			want.Suppressions = append(want.Suppressions, su)
		}
	}
	wantChange(t, "neighbour", true)(setChoice(ctx, c, choice("p2", "l.example", store.Subscribed, 1), event(store.EventResubscribed, "p2")))
	st, err = c.Standing(ctx, "p", "l.example")
	must(t, err)
	same(t, "list and all lists, nothing of other lists or people", st, want)
	st, err = c.Standing(ctx, "p", store.AllLists)
	must(t, err)
	if len(st.Choices) != 1 || len(st.Suppressions) != 1 {
		t.Fatalf("for all lists: %v", st)
	}
}

func recordFilters(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	for _, p := range []string{"c", "a", "b"} {
		for _, list := range []string{"y.example", store.AllLists, "x.example"} {
			wantChange(t, p, true)(setChoice(ctx, c, choice(p, list, store.Unsubscribed, 1), event(store.EventUnsubscribed, p)))
			s := store.Suppression{Recipient: p, List: list, Reason: store.ReasonManual, Since: at(1)}
			wantChange(t, p, true)(c.Suppress(ctx, s, event(store.EventSuppressed, p)))
		}
	}
	all, x := store.AllLists, "x.example"
	tests := []struct {
		name string
		f    store.RecordFilter
		want string
	}{
		{"everything", store.RecordFilter{}, "[a/ a/x.example a/y.example b/ b/x.example b/y.example c/ c/x.example c/y.example]"},
		{"recipient", store.RecordFilter{Recipient: "b"}, "[b/ b/x.example b/y.example]"},
		{"list", store.RecordFilter{List: &x}, "[a/x.example b/x.example c/x.example]"},
		{"all lists", store.RecordFilter{List: &all}, "[a/ b/ c/]"},
		{"after", store.RecordFilter{After: "a", Limit: 4}, "[b/ b/x.example b/y.example c/]"},
		{"recipient and list", store.RecordFilter{Recipient: "c", List: &x}, "[c/x.example]"},
	}
	for _, tt := range tests {
		got, err := c.Choices(ctx, tt.f)
		must(t, err)
		var names []string
		for _, ch := range got {
			names = append(names, ch.Recipient+"/"+ch.List)
		}
		same(t, "choices, "+tt.name, fmt.Sprint(names), tt.want)
		gotS, err := c.Suppressions(ctx, tt.f)
		must(t, err)
		names = nil
		for _, s := range gotS {
			names = append(names, s.Recipient+"/"+s.List)
		}
		same(t, "suppressions, "+tt.name, fmt.Sprint(names), tt.want)
	}
}

func oddText(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	s := store.Suppression{Recipient: odd, List: odd, Reason: store.ReasonManual, Since: at(1), Note: odd}
	e := store.Event{
		Time: at(3), Kind: store.EventSuppressed, Recipient: odd, List: odd, Way: store.Operator, Reason: store.ReasonManual, QueueID: odd,
		MessageID: odd, IP: odd, UserAgent: odd, Who: odd, Detail: odd, Once: odd,
	}
	wantChange(t, "odd", true)(c.Suppress(ctx, s, e))
	st, err := c.Standing(ctx, odd, odd)
	must(t, err)
	s.Since, e.Time, e.Once = kept(s.Since), kept(e.Time), ""
	same(t, "suppression", st.Suppressions, []store.Suppression{s})
	list := odd
	got, err := c.Events(ctx, store.EventFilter{Recipient: odd, List: &list})
	must(t, err)
	if len(got) == 1 {
		e.ID = got[0].ID
	}
	same(t, "event", got, []store.Event{e})
}

func consentReopened(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	_, err := c.EnsureList(ctx, store.List{ID: "l.example", Key: 5, Created: at(1)})
	must(t, err)
	wantChange(t, "choice", true)(setChoice(ctx, c, choice("p", "l.example", store.Unsubscribed, 1), event(store.EventUnsubscribed, "p")))
	last := allEvents(t, c)[0].ID
	c, _ = d.Open(t)
	st, err := c.Standing(ctx, "p", "l.example")
	must(t, err)
	if len(st.Choices) != 1 {
		t.Fatal("the choice is gone")
	}
	_, err = c.ListByKey(ctx, 5)
	must(t, err)
	must(t, c.AddEvents(ctx, event(store.EventDropped, "p")))
	all := allEvents(t, c)
	if len(all) != 2 || all[1].ID <= last {
		t.Fatalf("IDs grow: %v", all)
	}
}

// consentAtOnce lets many change the same people's choices at the same time.
func consentAtOnce(t *testing.T, d Data) {
	const workers, people = 16, 40
	ctx := context.Background()
	c, _ := d.Open(t)
	var changes atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range people {
				p := fmt.Sprint("p", (i+w)%people)
				if _, err := c.EnsureList(ctx, store.List{ID: fmt.Sprint("l", i), Key: uint64(i)}); err != nil {
					t.Error(err)
				}
				changed, err := setChoice(ctx, c, choice(p, "l.example", store.Unsubscribed, 1), event(store.EventUnsubscribed, p))
				if err != nil {
					t.Error(err)
				}
				if changed {
					changes.Add(1)
				}
				st, err := c.Standing(ctx, p, "l.example")
				if err != nil || len(st.Choices) != 1 {
					t.Errorf("a choice that was answered is not seen: %v %v", st, err)
				}
			}
		})
	}
	wg.Wait()
	if n := changes.Load(); n != people {
		t.Fatalf("%d changes for %d people", n, people)
	}
	all := allEvents(t, c)
	if len(all) != people {
		t.Fatalf("%d events for %d changes", len(all), people)
	}
	for i := 1; i < len(all); i++ {
		if all[i].ID <= all[i-1].ID {
			t.Fatal("IDs do not grow")
		}
	}
}

func consentContext(t *testing.T, d Data) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c, _ := d.Open(t)
	_, err := setChoice(ctx, c, choice("p", "l.example", store.Unsubscribed, 1), event(store.EventUnsubscribed, "p"))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("set choice: %v", err)
	}
	if _, err := c.Standing(ctx, "p", "l.example"); !errors.Is(err, context.Canceled) {
		t.Fatalf("standing: %v", err)
	}
	if all := allEvents(t, c); len(all) != 0 {
		t.Fatal("written after the context had ended")
	}
}
