package consent_test

import (
	"errors"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

func TestDeliveredEndsARun(t *testing.T) {
	f := &fakeStore{}
	c := forgiving(f)
	anna := address(t, "anna@example.net")
	for day := range 3 * 4 { // two bounces and a delivery, again and again
		switch day % 3 {
		case 0, 1:
			if bounced(t, c, consent.Soft, float64(day), "b"+time.Duration(day).String()) {
				t.Fatalf("stopped on day %d", day)
			}
		default:
			c.Now = func() time.Time { return noon.Add(time.Duration(day) * 24 * time.Hour) }
			if ended, err := c.Delivered(t.Context(), anna, c.Now().Add(-48*time.Hour)); err != nil || ended {
				t.Errorf("a delivery before the bounces: %v %v", ended, err)
			}
			at := time.Time{} // now
			if day > 6 {
				at = c.Now().Add(time.Hour) // later is now as well
			}
			if ended, err := c.Delivered(t.Context(), anna, at); err != nil || !ended {
				t.Errorf("day %d: %v %v", day, ended, err)
			}
		}
	}
	f.err = store.ErrUnavailable
	if _, err := c.Delivered(t.Context(), anna, time.Time{}); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
}

func TestOptOutReported(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	anna := consent.Subject{Recipient: address(t, "anna@example.net")}
	report := func(at time.Time, want bool) {
		t.Helper()
		if changed, err := c.OptOutReported(t.Context(), anna, at, store.Hook, evidence); err != nil || changed != want {
			t.Errorf("reported of %s: %v %v", at, changed, err)
		}
	}
	report(noon.Add(-time.Hour), true)
	report(noon.Add(-time.Hour), false)
	if _, err := c.Resubscribe(t.Context(), anna, store.Page, evidence); err != nil {
		t.Fatal(err)
	}
	report(noon.Add(-time.Minute), false)
	if st, err := c.Standing(t.Context(), anna); err != nil || st.Choices[0].State != store.Subscribed {
		t.Errorf("after an old report: %+v %v", st, err)
	}
	report(noon.Add(time.Minute), true) // a newer wish
	if _, err := c.Resubscribe(t.Context(), anna, store.Page, evidence); err != nil {
		t.Fatal(err)
	}
	report(time.Time{}, true) // at no time: now
}

// A smarthost's own list is news once, and never for who came back.
func TestWithheld(t *testing.T) {
	for name, test := range map[string]struct {
		cause  store.Reason
		before func(*consent.Consent, consent.Subject) error
		want   store.Reason
	}{
		"bounced":      {store.ReasonBounced, nil, ""},
		"manual":       {store.ReasonManual, nil, ""},
		"unsubscribed": {store.ReasonUnsubscribed, nil, store.ReasonUnsubscribedAll},
		"complained":   {store.ReasonComplained, nil, store.ReasonComplained},
		"unsubscribed, and came back": {store.ReasonUnsubscribed, func(c *consent.Consent, s consent.Subject) error {
			_, err := c.Resubscribe(t.Context(), s, store.Page, evidence)
			return err
		}, ""},
		"complained, and came back to one list": {store.ReasonComplained, func(c *consent.Consent, s consent.Subject) error {
			_, err := c.Resubscribe(t.Context(), consent.Subject{Recipient: s.Recipient, List: "news"}, store.Page, evidence)
			return err
		}, ""},
		"complained, and lifted": {store.ReasonComplained, func(c *consent.Consent, s consent.Subject) error {
			if _, err := c.Complained(t.Context(), consent.Complaint{Subject: s, Kind: "abuse", Stops: true, Once: "first"}, evidence); err != nil {
				return err
			}
			_, err := c.Unsuppress(t.Context(), s, store.ReasonComplained, evidence)
			return err
		}, ""},
	} {
		f := &fakeStore{}
		c := newConsent(f)
		anna := consent.Subject{Recipient: address(t, "anna@example.net")}
		if test.before != nil {
			if err := test.before(c, anna); err != nil {
				t.Fatal(err)
			}
		}
		events := len(f.events)
		for range 5 {
			stopped, err := c.Withheld(t.Context(), consent.Withheld{Subject: anna, Vendor: "sendgrid", Cause: test.cause}, evidence)
			if err != nil || stopped && test.want == "" {
				t.Errorf("%s: stopped %v, %v", name, stopped, err)
			}
		}
		if v, err := c.Verdict(t.Context(), anna.Recipient, "news"); err != nil || v.Reason != test.want {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		noted := 0
		for _, e := range f.events[events:] {
			if e.Kind == store.EventAnswered {
				noted++
			}
		}
		if noted != 1 {
			t.Errorf("%s: noted %d times", name, noted)
		}
	}
}
