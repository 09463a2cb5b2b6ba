package consent_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/consent"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

var (
	yes, no = true, false
	advent  = time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
)

// said is what an event says, without whom, when and how.
type said struct {
	Kind   store.EventKind
	List   string
	Reason store.Reason
	Detail string
	Ref    int64
}

func (f *fakeStore) said() (all []said) {
	for _, e := range f.events {
		all = append(all, said{e.Kind, e.List, e.Reason, e.Detail, e.Ref})
	}
	return all
}

func TestDecisionsAreRecordedAsOneChange(t *testing.T) {
	anna := address(t, "Anna@example.net")
	tests := map[string]struct {
		decision consent.Decision
		want     []said
		choices  []store.Choice
	}{
		"pause a list": {
			consent.Decision{Wishes: []consent.Wish{{List: "news", State: store.Paused, Until: advent.In(noon.Location())}}},
			[]said{{"paused", "news", "paused", "until 2026-12-24T00:00:00Z", 0}, {Kind: "in-force", List: "news", Ref: 1}},
			[]store.Choice{{List: "news", State: store.Paused, Until: advent}},
		},
		"pause all, then weekly": {
			consent.Decision{Wishes: []consent.Wish{{State: store.Paused, Until: advent, Every: store.Weekly}}},
			[]said{{"paused", "", "paused-all", "until 2026-12-24T00:00:00Z", 0}, {Kind: "in-force", Ref: 1}},
			[]store.Choice{{State: store.Paused, Until: advent, Every: store.Weekly}},
		},
		"limits, and what does not belong to them": {
			consent.Decision{Wishes: []consent.Wish{
				{List: "news", State: store.Limited, Every: store.Monthly, Until: advent},
				{State: store.Limited, Every: store.Daily},
			}},
			[]said{{"limited", "news", "limited", "month", 0}, {"limited", "", "limited-all", "day", 0},
				{Kind: "in-force", List: "news", Ref: 1}, {Kind: "in-force", Ref: 2}},
			[]store.Choice{{List: "news", State: store.Limited, Every: store.Monthly}, {State: store.Limited, Every: store.Daily}},
		},
		"one list back, another left, sharing refused by the browser": {
			consent.Decision{
				Wishes:        []consent.Wish{{List: "news", State: store.Subscribed, Every: store.Daily}, {List: "shop", State: store.Unsubscribed}},
				RefuseSharing: &yes, Signal: true,
			},
			[]said{{Kind: "resubscribed", List: "news"}, {"unsubscribed", "shop", "unsubscribed", "", 0}, {"sharing-refused", "", "", "Sec-GPC: 1", 0},
				{Kind: "in-force", List: "shop", Ref: 2}, {Kind: "in-force", Ref: 3}},
			[]store.Choice{{List: "news", State: store.Subscribed}, {List: "shop", State: store.Unsubscribed}},
		},
		"nothing": {consent.Decision{}, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fakeStore{}
			c := newConsent(f)
			test.decision.Recipient = anna
			for i := range 3 {
				ids, err := c.Decide(t.Context(), test.decision, store.Page, evidence)
				if err != nil || (len(ids) > 0) != (i == 0 && test.want != nil) {
					t.Errorf("time %d: %v, %v", i+1, ids, err)
				}
			}
			if diff := cmp.Diff(test.want, f.said()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			for i := range test.choices {
				test.choices[i].Recipient, test.choices[i].Since, test.choices[i].Way = anna.Key(), stored, store.Page
			}
			if diff := cmp.Diff(test.choices, f.choices); diff != "" {
				t.Errorf("choices (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSharingIsAllowedAgain(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	anna := address(t, "anna@example.net")
	for _, refuse := range []*bool{&yes, &no} {
		if _, err := c.Decide(t.Context(), consent.Decision{Recipient: anna, RefuseSharing: refuse}, store.Page, evidence); err != nil {
			t.Fatal(err)
		}
	}
	want := []said{{Kind: "sharing-refused"}, {Kind: "in-force", Ref: 1}, {Kind: "sharing-allowed"}}
	if diff := cmp.Diff(want, f.said()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	p, err := c.Person(t.Context(), anna)
	if err != nil || p.Sharing.Refused || p.Sharing.Way != store.Page || p.Sharing.Since != stored {
		t.Errorf("Person = %+v, %v", p, err)
	}
}

func TestWishesThatAreNone(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	anna := address(t, "anna@example.net")
	good := consent.Wish{List: "shop", State: store.Unsubscribed}
	for name, test := range map[string]struct {
		wish consent.Wish
		want error
	}{
		"pause without an end":   {consent.Wish{List: "news", State: store.Paused}, consent.ErrDate},
		"pause until now":        {consent.Wish{List: "news", State: store.Paused, Until: noon}, consent.ErrDate},
		"pause in the past":      {consent.Wish{List: "news", State: store.Paused, Until: noon.Add(-time.Hour)}, consent.ErrDate},
		"pause for too long":     {consent.Wish{List: "news", State: store.Paused, Until: stored.Add(consent.LongestPause + time.Microsecond)}, consent.ErrDate},
		"longest pause":          {consent.Wish{List: "news", State: store.Paused, Until: stored.Add(consent.LongestPause), Every: "hour"}, consent.ErrWish},
		"no frequency":           {consent.Wish{List: "news", State: store.Limited}, consent.ErrWish},
		"unknown frequency":      {consent.Wish{List: "news", State: store.Limited, Every: "year"}, consent.ErrWish},
		"unknown state":          {consent.Wish{List: "news", State: "muted"}, consent.ErrWish},
		"no state":               {consent.Wish{List: "news"}, consent.ErrWish},
		"a second for this list": {consent.Wish{List: "shop", State: store.Subscribed}, consent.ErrWish},
	} {
		ids, err := c.Decide(t.Context(), consent.Decision{Recipient: anna, Wishes: []consent.Wish{good, test.wish}}, store.Page, evidence)
		if len(ids) > 0 || !errors.Is(err, test.want) {
			t.Errorf("%s: %v, %v", name, ids, err)
		}
	}
	if len(f.choices)+len(f.events) > 0 {
		t.Error("something was recorded")
	}
}

// Two tabs: the second one says what it saw, and that stands no more.
func TestDecisionOnWhatWasSeen(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	anna := address(t, "anna@example.net")
	seen, err := c.Person(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	d := consent.Decision{Recipient: anna, If: &seen, Wishes: []consent.Wish{{List: "news", State: store.Unsubscribed}}}
	if ids, err := c.Decide(t.Context(), d, store.Page, evidence); len(ids) != 1 || err != nil {
		t.Fatalf("first tab: %v, %v", ids, err)
	}
	d.Wishes[0].State = store.Subscribed
	if ids, err := c.Decide(t.Context(), d, store.Page, evidence); len(ids) != 0 || !errors.Is(err, store.ErrChanged) {
		t.Errorf("second tab: %v, %v", ids, err)
	}
	if len(f.choices) != 1 || f.choices[0].State != store.Unsubscribed {
		t.Errorf("choices %+v", f.choices)
	}
}

// What was added beside something that stood already is proven by its own ID.
func TestProofOfAPartOfADecision(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	anna := address(t, "anna@example.net")
	if _, err := c.OptOut(t.Context(), consent.Subject{Recipient: anna, List: "news"}, store.OneClick, evidence); err != nil {
		t.Fatal(err)
	}
	ids, err := c.Decide(t.Context(), consent.Decision{Recipient: anna, RefuseSharing: &yes, Wishes: []consent.Wish{
		{List: "news", State: store.Unsubscribed}, {List: "shop", State: store.Limited, Every: store.Weekly},
	}}, store.Page, evidence)
	if len(ids) != 2 || err != nil {
		t.Fatalf("Decide = %v, %v", ids, err)
	}
	want := []said{
		{"unsubscribed", "news", "unsubscribed", "", 0}, {Kind: "in-force", List: "news", Ref: 1},
		{"limited", "shop", "limited", "week", 0}, {Kind: "sharing-refused"},
		{Kind: "in-force", List: "shop", Ref: 3}, {Kind: "in-force", Ref: 4},
	}
	if diff := cmp.Diff(want, f.said()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// What is proven is not proven again, and a decision that another one follows
// at once is proven all the same.
func TestProofsAreNeitherRepeatedNorMissed(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	anna := address(t, "anna@example.net")
	for range 3 {
		if _, err := c.OptOut(t.Context(), consent.Subject{Recipient: anna, List: "news"}, store.OneClick, evidence); err != nil {
			t.Fatal(err)
		}
	}
	if f.calls["AddEvents"] != 1 {
		t.Errorf("%d proofs", f.calls["AddEvents"])
	}
	f.onEvents = func() { // another tab
		f.onEvents = nil
		f.add(store.Event{Kind: store.EventResubscribed, Recipient: anna.Key(), List: "shop"})
	}
	if _, err := c.Decide(t.Context(), consent.Decision{Recipient: anna, Wishes: []consent.Wish{
		{List: "shop", State: store.Unsubscribed}, {List: "news", State: store.Unsubscribed},
	}}, store.Page, evidence); err != nil {
		t.Fatal(err)
	}
	if last := f.events[len(f.events)-1]; last.Kind != store.EventInForce || last.List != "shop" || last.Ref != 3 {
		t.Errorf("events %+v", f.said())
	}
}

// A receipt says "in force" of what the gateway enforces, and of nothing else:
// mail of a transactional list goes out whatever a person decided.
func TestNoProofForATransactionalList(t *testing.T) {
	f := &fakeStore{lists: []store.List{{ID: "receipts", Transactional: true}, {ID: "news"}}}
	c := newConsent(f)
	_, err := c.Decide(t.Context(), consent.Decision{Recipient: address(t, "anna@example.net"), Wishes: []consent.Wish{
		{List: "receipts", State: store.Unsubscribed}, {List: "news", State: store.Unsubscribed}, {List: "new", State: store.Unsubscribed},
	}}, store.Page, evidence)
	if err != nil {
		t.Fatal(err)
	}
	var proven []string
	for _, e := range f.events {
		if e.Kind == store.EventInForce {
			proven = append(proven, e.List)
		}
	}
	if diff := cmp.Diff([]string{"news", "new"}, proven); diff != "" {
		t.Errorf("proven (-want +got):\n%s", diff)
	}
}

func TestProofForAClientThatIsGone(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.OptOut(gone, consent.Subject{Recipient: address(t, "anna@example.net")}, store.OneClick, evidence); err != nil {
		t.Fatal(err)
	}
	if len(f.events) != 2 {
		t.Errorf("events %+v", f.said())
	}
}

// An opt-out is in force when the attempts before it are through, and not
// earlier: whoever asks again gets the proof recorded.
func TestProofWaitsForEarlierStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{}
		c := newConsent(f)
		began := time.Now()
		c.Now = func() time.Time { return noon.Add(time.Since(began)) }
		anna := address(t, "anna@example.net")
		s := consent.Subject{Recipient: anna, List: "news"}
		stuck := c.Start(anna)
		if changed, err := c.OptOut(t.Context(), s, store.OneClick, evidence); !changed || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("OptOut = %v, %v", changed, err)
		}
		if len(f.events) != 1 {
			t.Fatalf("events %+v", f.said())
		}
		time.AfterFunc(3*time.Second, stuck)
		gone, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel) // the client does not wait for the answer
		changed, err := c.OptOut(gone, s, store.OneClick, evidence)
		if changed || err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("OptOut = %v, %v", changed, err)
		}
		if changed, err := c.OptOut(t.Context(), s, store.OneClick, evidence); changed || err != nil {
			t.Errorf("OptOut = %v, %v", changed, err)
		}
		if len(f.events) != 2 {
			t.Fatalf("events %+v", f.said())
		}
		proof := f.events[1]
		if proof.Kind != store.EventInForce || proof.Ref != 1 || proof.Time.Sub(stored) < 13*time.Second {
			t.Errorf("proof %+v", proof)
		}
	})
}

// The decision stands, and is answered as done, when its proof cannot be kept.
func TestDecisionWithoutProof(t *testing.T) {
	for method, again := range map[string]bool{"AddEvents": false, "Events": true} {
		var log bytes.Buffer
		f := &fakeStore{fails: map[string]error{method: store.ErrFull}}
		c := newConsent(f)
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		s := consent.Subject{Recipient: address(t, "anna@example.net"), List: "news"}
		if again { // what stands already is looked for
			f.choices = []store.Choice{{Recipient: s.Recipient.Key(), List: "news", State: store.Unsubscribed}}
		}
		changed, err := c.OptOut(t.Context(), s, store.OneClick, evidence)
		if changed == again || err != nil || len(f.choices) != 1 {
			t.Errorf("%s: OptOut = %v, %v", method, changed, err)
		}
		if c.Stats.Unproven.Load() != 1 || !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("%s: not noted: %s", method, log.String())
		}
		if strings.Contains(log.String(), "anna") {
			t.Errorf("%s: the log names the person: %s", method, log.String())
		}
	}
}

func TestReasonsAndMailThatAsks(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	s := consent.Subject{Recipient: address(t, "anna@example.net"), List: "news"}
	long := strings.Repeat("x", 600)
	for _, text := range []string{"too many", " \t", long} {
		if err := c.Explain(t.Context(), s, text, store.Page, evidence); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Asked(t.Context(), s, "subscribe", evidence); err != nil {
		t.Fatal(err)
	}
	if err := c.Typed(t.Context(), s, "erase", evidence); err != nil {
		t.Fatal(err)
	}
	want := []said{{Kind: "reason", List: "news", Detail: "too many"}, {Kind: "reason", List: "news", Detail: long[:512]}, {Kind: "asked", List: "news", Detail: "subscribe"},
		{Kind: "typed", List: "news", Detail: "erase"}}
	if diff := cmp.Diff(want, f.said()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for _, e := range f.events[2:] {
		if e.Way != store.Page || e.IP != evidence.IP || e.Recipient != s.Recipient.Key() {
			t.Errorf("%s %+v", e.Kind, e)
		}
	}
	f.err = store.ErrUnavailable
	if err := c.Explain(t.Context(), s, "x", store.Page, evidence); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Explain = %v", err)
	}
	if err := c.Explain(t.Context(), consent.Subject{}, "x", store.Page, evidence); !errors.Is(err, consent.ErrSubject) {
		t.Errorf("Explain of nobody = %v", err)
	}
}
