package consent_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// ahead has a clock that is four years ahead and not believed: an hour has passed
// since noon.
func ahead(c *consent.Consent) *consent.Consent {
	c.Now = func() time.Time { return noon.AddDate(4, 0, 0) }
	c.Sure = func() time.Time { return noon.Add(time.Hour) }
	return c
}

// Under a clock that is not believed no pause, suppression or limit ends.
func TestNothingEndsUnderAWrongClock(t *testing.T) {
	anna := address(t, "anna@example.net")
	tomorrow := stored.AddDate(0, 0, 1)
	for name, c := range map[string]struct {
		f    *fakeStore
		want store.Reason
	}{
		"pause": {&fakeStore{choices: []store.Choice{{Recipient: anna.Key(), List: "news", State: store.Paused, Until: tomorrow}}}, store.ReasonPaused},
		"suppression": {&fakeStore{suppressions: []store.Suppression{{Recipient: anna.Key(), Reason: store.ReasonManual, Until: tomorrow}}},
			store.ReasonManual},
		"limit": {&fakeStore{
			choices: []store.Choice{{Recipient: anna.Key(), List: "news", State: store.Limited, Every: store.Daily}},
			turns:   []turn{{Turn: store.Turn{Recipient: anna.Key(), List: "news", Holder: "q1", At: stored}}},
		}, store.ReasonLimited},
	} {
		people := ahead(newConsent(c.f))
		v, _, err := people.Admit(t.Context(), anna, "news", "q2")
		if err != nil || v.Reason != c.want {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		people.Sure = people.Now
		if v, _, err = people.Admit(t.Context(), anna, "news", "q2"); err != nil || v.Drop {
			t.Errorf("%s, once the clock is accepted: %+v, %v", name, v, err)
		}
	}
}

// Under a clock that is not believed nothing is retired.
func TestNothingIsRetiredUnderAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{}
		f.add(store.Event{Kind: store.EventDropped, Time: stored.Add(-time.Hour)})
		b := startRun(t, f)
		b.Config.Retention = 1488 * time.Hour
		ahead(b.Consent)
		var accepted atomic.Bool
		sure := b.Sure
		b.Sure = func() time.Time {
			if accepted.Load() {
				return b.Now()
			}
			return sure()
		}
		b.run()
		b.pass(3 * time.Hour)
		if len(f.events) != 1 || f.events[0].Kind != store.EventDropped {
			t.Errorf("events %+v", f.said())
		}
		accepted.Store(true)
		b.pass(time.Hour)
		b.end()
		if len(f.events) != 1 || f.events[0].Kind != store.EventRetired {
			t.Errorf("events %+v, once the clock is accepted", f.said())
		}
	})
}

// A soft bounce under a clock that is not believed ends no run of them.
func TestARunOfBouncesUnderAWrongClock(t *testing.T) {
	f := &fakeStore{}
	c := forgiving(f)
	bounced(t, c, consent.Soft, 0, "m1")
	bounced(t, c, consent.Soft, 1, "m2")
	f.bounces.Sent = stored.AddDate(0, 0, 1)
	c.Sure = func() time.Time { return noon.AddDate(0, 0, 2) }
	if !bounced(t, c, consent.Soft, 1500, "m3") {
		t.Error("the third of a run did not stop")
	}
}

// A message that goes out under a clock that is behind has the time that limits
// are measured from once the clock is right.
func TestALimitUnderAClockThatIsBehind(t *testing.T) {
	anna := address(t, "anna@example.net")
	f := &fakeStore{choices: []store.Choice{{Recipient: anna.Key(), List: "news", State: store.Limited, Every: store.Daily}}}
	c := newConsent(f)
	c.Now = func() time.Time { return noon.AddDate(-50, 0, 0) }
	c.Latest = func() time.Time { return noon }
	if v, _, err := c.Admit(t.Context(), anna, "news", "q1"); err != nil || v.Drop {
		t.Fatalf("%+v, %v", v, err)
	}
	if len(f.turns) != 1 || !f.turns[0].At.Equal(stored) {
		t.Errorf("turns %+v", f.turns)
	}
}
