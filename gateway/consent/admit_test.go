package consent_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

// attempt is one attempt of a message to anna@example.net.
type attempt struct {
	t    *testing.T
	c    *consent.Consent
	anna envelope.Address
}

// admit returns what to call at the end, or nil and the reason of the drop.
func (a attempt) admit(list, holder string) (ended func(store.Outcome), dropped store.Reason) {
	a.t.Helper()
	v, end, err := a.c.Admit(a.t.Context(), a.anna, list, holder)
	if err != nil || v.Drop == (end != nil) {
		a.t.Fatalf("Admit = %+v, %v", v, err)
	}
	return func(o store.Outcome) {
		a.t.Helper()
		if err := end(a.t.Context(), o); err != nil {
			a.t.Error(err)
		}
	}, v.Reason
}

func (a attempt) want(list, holder string, want store.Reason) func(store.Outcome) {
	a.t.Helper()
	ended, got := a.admit(list, holder)
	if got != want {
		a.t.Errorf("%s in %q: reason %q, want %q", holder, list, got, want)
	}
	return ended
}

// Of many messages that are delivered at the same time exactly one goes out.
func TestOneTurnForManyDeliveries(t *testing.T) {
	for name, test := range map[string]struct {
		records records
		list    func(i int) string
		reason  store.Reason
	}{
		"on the list":    {records{limited("news", store.Daily)}, func(int) string { return "news" }, store.ReasonLimited},
		"over all lists": {records{limited("", store.Weekly)}, func(i int) string { return fmt.Sprint("list", i) }, store.ReasonLimitedAll},
		"after a pause":  {records{paused("news", before, store.Monthly)}, func(int) string { return "news" }, store.ReasonLimited},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.records.store()
			c := newConsent(f)
			a := attempt{t, c, address(t, "anna@example.net")}
			var sent, dropped atomic.Int64
			var all sync.WaitGroup
			for i := range 50 {
				all.Go(func() {
					done := c.Start(a.anna)
					defer done()
					v, ended, err := c.Admit(t.Context(), a.anna, test.list(i), fmt.Sprint("q", i))
					switch {
					case err != nil:
						t.Error(err)
					case v.Drop && v.Reason == test.reason:
						dropped.Add(1)
					case v.Drop:
						t.Errorf("reason %q, want %q", v.Reason, test.reason)
					default:
						sent.Add(1)
						if err := ended(t.Context(), store.Sent); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			if sent.Load() != 1 || dropped.Load() != 49 || c.Stats.TurnsRefused.Load() != 49 {
				t.Errorf("%d sent, %d dropped, %d counted", sent.Load(), dropped.Load(), c.Stats.TurnsRefused.Load())
			}
		})
	}
}

func TestTurnOfAMessageThatWasNotSentIsFree(t *testing.T) {
	f := records{limited("news", store.Daily)}.store()
	a := attempt{t, newConsent(f), address(t, "anna@example.net")}
	first := a.want("news", "q1", "")
	a.want("news", "q2", store.ReasonLimited)
	first(store.NotSent)
	first(store.NotSent) // said once already
	third := a.want("news", "q3", "")
	third(store.Sent)
	a.want("news", "q1", store.ReasonLimited)
	if n := a.c.Stats.TurnsReturned.Load(); n != 1 {
		t.Errorf("%d turns returned, want 1", n)
	}
}

// The reply to the end of the message was lost: it may have arrived, so nobody
// else gets the turn, whatever the next attempt of the same message tells.
func TestTurnOfAMessageThatMayHaveBeenSentIsKept(t *testing.T) {
	f := records{limited("news", store.Daily)}.store()
	a := attempt{t, newConsent(f), address(t, "anna@example.net")}
	a.want("news", "q1", "")(store.MaybeSent)
	a.want("news", "q2", store.ReasonLimited)
	a.want("news", "q1", "")(store.NotSent)
	a.want("news", "q2", store.ReasonLimited)
	a.want("news", "q1", "")(store.Sent)
	a.want("news", "q2", store.ReasonLimited)
}

func TestLimitsByTime(t *testing.T) {
	f := records{limited("news", store.Daily), limited("", store.Weekly)}.store()
	c := newConsent(f)
	now := noon
	c.Now = func() time.Time { return now }
	a := attempt{t, c, address(t, "anna@example.net")}
	a.want("news", "q1", "")(store.Sent)
	now = noon.Add(store.Daily.Period() - time.Microsecond)
	a.want("news", "q2", store.ReasonLimited)
	now = noon.Add(store.Daily.Period())
	a.want("news", "q2", store.ReasonLimitedAll)
	a.want("shop", "q3", store.ReasonLimitedAll)
	now = noon.Add(store.Weekly.Period())
	a.want("shop", "q3", "")(store.Sent)
	a.want("news", "q4", store.ReasonLimitedAll)
}

// A frequency of a later release must not become mail without a limit.
func TestUnknownFrequencyCountsAsTheLeast(t *testing.T) {
	f := records{limited("news", "year")}.store()
	c := newConsent(f)
	now := noon
	c.Now = func() time.Time { return now }
	a := attempt{t, c, address(t, "anna@example.net")}
	a.want("news", "q1", "")(store.Sent)
	now = noon.Add(store.Monthly.Period() - time.Microsecond)
	a.want("news", "q2", store.ReasonLimited)
}

func TestAdmitWithoutATurn(t *testing.T) {
	f := records{limited("", store.Daily)}.store()
	a := attempt{t, newConsent(f), address(t, "anna@example.net")}
	for i := range 3 { // exempt mail has no limit, and no count
		a.want("", fmt.Sprint("q", i), "")(store.Sent)
	}
	ben := attempt{t, a.c, address(t, "ben@example.net")} // set none
	for i := range 3 {
		ben.want("news", fmt.Sprint("q", i), "")(store.NotSent)
	}
	a.c.Config.TransactionalDead = false
	a.want("", "q1", "")(store.Sent)
	if len(f.turns) > 0 {
		t.Errorf("turns %+v", f.turns)
	}
	f.suppressions = []store.Suppression{{Recipient: "ben@example.net", Reason: store.ReasonBounced}}
	ben.want("news", "q9", store.ReasonBounced)
}

func TestTroubleWithTurns(t *testing.T) {
	f := records{limited("news", store.Daily)}.store()
	f.fails = map[string]error{"TakeTurn": store.ErrUnavailable}
	c := newConsent(f)
	anna := address(t, "anna@example.net")
	if v, ended, err := c.Admit(context.Background(), anna, "news", "q1"); v.Drop || ended != nil || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Admit = %+v, %v", v, err)
	}
	f.fails = nil
	_, ended, err := c.Admit(context.Background(), anna, "news", "q1")
	if err != nil {
		t.Fatal(err)
	}
	f.fails = map[string]error{"GiveTurn": store.ErrUnavailable}
	if err := ended(context.Background(), store.NotSent); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ended = %v", err)
	}
	f.fails = nil
	if err := ended(context.Background(), store.NotSent); err != nil || len(f.turns) != 0 {
		t.Errorf("ended again = %v, turns %+v", err, f.turns)
	}
}
