package consent_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

// A suppression of a domain stops mail to its addresses, and one with an end
// stops it until then, on a list and of service mail alike.
func TestSuppressionsOfDomainsAndWithAnEnd(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	c.Config.TransactionalDead = true
	now := c.Now()
	c.Now = func() time.Time { return now }
	pattern, err := envelope.ParsePattern("*.example.net")
	if err != nil {
		t.Fatal(err)
	}
	changed, err := c.Suppress(t.Context(), consent.Stop{Pattern: pattern, Reason: store.ReasonManual, Until: now.Add(time.Hour)}, evidence)
	if err != nil || !changed || f.suppressions[0].Recipient != "@*.example.net" || f.events[0].Recipient != "@*.example.net" {
		t.Fatalf("%v %v: %+v %+v", changed, err, f.suppressions, f.events)
	}
	for _, step := range []struct {
		passed time.Duration
		to     string
		drop   bool
	}{
		{0, "ada@a.example.net", true}, {0, "ada@example.net", false},
		{time.Hour - time.Microsecond, "ada@a.example.net", true}, {time.Hour, "ada@a.example.net", false},
	} {
		c.Now = func() time.Time { return now.Add(step.passed) }
		for _, list := range []string{"news.example", ""} {
			v, err := c.Verdict(t.Context(), address(t, step.to), list)
			if err != nil || v.Drop != step.drop || v.Drop && v.Reason != store.ReasonManual {
				t.Errorf("%v later, %s of %q: %+v, %v", step.passed, step.to, list, v, err)
			}
		}
	}
	public, err := envelope.ParsePattern("*.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Suppress(t.Context(), consent.Stop{Pattern: public, Reason: store.ReasonManual}, evidence); !errors.Is(err, envelope.ErrPublic) {
		t.Errorf("*.com: %v", err)
	}
	if _, err := c.Unsuppress(t.Context(), consent.Stop{Pattern: public, Reason: store.ReasonManual}, evidence); err != nil {
		t.Errorf("what was recorded once cannot be ended: %v", err)
	}
	for _, s := range []consent.Stop{
		{Reason: store.ReasonManual},
		{Pattern: pattern, Subject: consent.Subject{Recipient: address(t, "a@example.net")}, Reason: store.ReasonManual},
	} {
		if _, err := c.Suppress(t.Context(), s, evidence); err == nil {
			t.Errorf("%+v was recorded", s)
		}
	}
}

// The suppression of a domain waits for attempts to all of its addresses.
func TestSuppressionOfADomainWaits(t *testing.T) {
	c := newConsent(&fakeStore{})
	pattern, err := envelope.ParsePattern("@example.net")
	if err != nil {
		t.Fatal(err)
	}
	done := c.Start(address(t, "somebody@example.net"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Suppress(ctx, consent.Stop{Pattern: pattern, Reason: store.ReasonManual}, evidence); err == nil {
		t.Error("it did not wait")
	}
	done()
	if _, err := c.Suppress(t.Context(), consent.Stop{Pattern: pattern, Reason: store.ReasonManual}, evidence); err != nil {
		t.Error(err)
	}
}
