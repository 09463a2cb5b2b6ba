package consent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// bounced tells of a bounce days after noon.
func bounced(t *testing.T, c *consent.Consent, w consent.Weight, days float64, once string) (stopped bool) {
	t.Helper()
	c.Now = func() time.Time { return noon.Add(time.Duration(days * 24 * float64(time.Hour))) }
	stopped, err := c.Bounced(t.Context(), consent.Bounce{
		Recipient: address(t, "anna@example.net"), List: "news", Weight: w, Way: store.Mail, Detail: "5.1.1 no such user", Once: once,
	}, evidence)
	if err != nil {
		t.Fatal(err)
	}
	return stopped
}

func forgiving(f *fakeStore) *consent.Consent {
	c := newConsent(f)
	c.Config.BounceLimit, c.Config.BounceProof = 3, 6*24*time.Hour
	return c
}

func TestAHardBounceStopsAllMailOnce(t *testing.T) {
	f := &fakeStore{}
	c := forgiving(f)
	anna := address(t, "anna@example.net")
	if !bounced(t, c, consent.Hard, 0, "m1") || bounced(t, c, consent.Hard, 0, "m1") || bounced(t, c, consent.Hard, 1, "m2") {
		t.Error("not stopped by exactly the first")
	}
	for _, list := range []string{"news", "shop", ""} {
		if v, err := c.Verdict(t.Context(), anna, list); err != nil || v.Reason != store.ReasonBounced {
			t.Errorf("verdict for %q: %+v, %v", list, v, err)
		}
	}
	var kinds []string
	for _, e := range f.events {
		kinds = append(kinds, string(e.Kind)+" "+e.List+" "+e.Detail)
	}
	want := "bounced news 5.1.1 no such user, suppressed  5.1.1 no such user, bounced news 5.1.1 no such user"
	if got := strings.Join(kinds, ", "); got != want {
		t.Errorf("events %s\nwant   %s", got, want)
	}

	// The operator knows better: what stopped it before does not stop it again.
	if _, err := c.Unsuppress(t.Context(), consent.Stop{Subject: consent.Subject{Recipient: anna}, Reason: store.ReasonBounced}, evidence); err != nil {
		t.Fatal(err)
	}
	if bounced(t, c, consent.Hard, 2, "m1") || len(f.suppressions) != 0 {
		t.Error("stopped again by the bounce that was lifted")
	}
	if !bounced(t, c, consent.Hard, 2, "m3") {
		t.Error("not stopped by another bounce")
	}
}

func TestSoftBouncesStopInARun(t *testing.T) {
	f := &fakeStore{}
	c := forgiving(f)
	for i, day := range []float64{0, 0.1, 0.5, 1, 1.1} { // two that count
		if bounced(t, c, consent.Soft, day, fmt.Sprint(i)) {
			t.Errorf("stopped on day %.1f", day)
		}
	}
	if bounced(t, c, consent.NoWeight, 2, "policy") || f.bounces.Count != 2 {
		t.Error("a bounce about the message counted")
	}
	if !bounced(t, c, consent.Soft, 3, "third") {
		t.Error("not stopped by the third")
	}

	f = &fakeStore{}
	c = forgiving(f)
	c.Config.BounceLimit = 0
	for day := range 20 {
		if bounced(t, c, consent.Soft, float64(day), fmt.Sprint(day)) {
			t.Fatal("stopped without a limit")
		}
	}
	if len(f.events) != 20 {
		t.Errorf("%d events", len(f.events))
	}
}

func TestComplaints(t *testing.T) {
	for name, test := range map[string]struct {
		scope, list string
		stops       bool
		want        string // list that is suppressed; "none": nothing
	}{
		"the list":           {"", "news", true, "news"},
		"the list, said":     {consent.ComplaintsStopList, "news", true, "news"},
		"everything":         {consent.ComplaintsStopAll, "news", true, store.AllLists},
		"list not known":     {"", store.AllLists, true, store.AllLists},
		"only to be counted": {"", "news", false, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeStore{}
			c := newConsent(f)
			c.Config.ComplaintScope = test.scope
			q := consent.Complaint{
				Subject: consent.Subject{Recipient: address(t, "anna@example.net"), List: test.list},
				Kind:    "abuse", Stops: test.stops, Way: store.Mail, Once: "r1",
			}
			for i := range 2 {
				stopped, err := c.Complained(t.Context(), q, evidence)
				if err != nil || stopped != (i == 0 && test.stops) {
					t.Errorf("time %d: %v, %v", i+1, stopped, err)
				}
			}
			got := "none"
			for _, s := range f.suppressions {
				got = s.List
				if s.Reason != store.ReasonComplained {
					t.Errorf("reason %q", s.Reason)
				}
			}
			if got != test.want || len(f.events) != 1+len(f.suppressions) || f.events[0].Kind != store.EventComplained || f.events[0].Detail != "abuse" {
				t.Errorf("suppressed %q, want %q; events %+v", got, test.want, f.events)
			}
		})
	}
}

// A complaint is answered only when no mail to the person begins any more.
func TestAComplaintWaitsForMailThatBegins(t *testing.T) {
	c := newConsent(&fakeStore{})
	anna := address(t, "anna@example.net")
	done := c.Start(anna)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	q := consent.Complaint{Subject: consent.Subject{Recipient: anna, List: "news"}, Kind: "abuse", Stops: true, Way: store.Mail}
	if stopped, err := c.Complained(ctx, q, evidence); !stopped || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Complained = %v, %v", stopped, err)
	}
	done()
	if _, err := c.Complained(t.Context(), q, evidence); err != nil {
		t.Error(err)
	}
}

func TestAnswersChangeNothing(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	for _, kind := range []store.EventKind{store.EventAnswered, store.EventProposed} {
		for range 2 {
			err := c.Answered(t.Context(), consent.Answer{
				Subject: consent.Subject{Recipient: address(t, "anna@example.net"), List: "news"}, Kind: kind, Detail: "vacation", Once: string(kind),
			}, evidence)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(f.events) != 2 || len(f.choices)+len(f.suppressions) != 0 || f.events[1].Kind != store.EventProposed || f.events[1].Way != store.Mail {
		t.Errorf("events %+v", f.events)
	}
}

func TestFeedbackWithoutAStore(t *testing.T) {
	f := &fakeStore{err: store.ErrUnavailable}
	c := forgiving(f)
	anna := address(t, "anna@example.net")
	for _, w := range []consent.Weight{consent.NoWeight, consent.Soft, consent.Hard} {
		if stopped, err := c.Bounced(t.Context(), consent.Bounce{Recipient: anna, Weight: w}, evidence); stopped || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Bounced = %v, %v", stopped, err)
		}
	}
	if stopped, err := c.Complained(t.Context(), consent.Complaint{Subject: consent.Subject{Recipient: anna}, Stops: true}, evidence); stopped || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Complained = %v, %v", stopped, err)
	}
	if err := c.Answered(t.Context(), consent.Answer{Subject: consent.Subject{Recipient: anna}}, evidence); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Answered = %v", err)
	}
	if _, err := c.Bounced(t.Context(), consent.Bounce{}, evidence); !errors.Is(err, consent.ErrSubject) {
		t.Errorf("Bounced of nobody = %v", err)
	}
}

func TestFeedbackSettings(t *testing.T) {
	good := consent.Config{BounceLimit: 5, BounceProof: 144 * time.Hour, ComplaintScope: "list"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*consent.Config){
		"OFFRAMP_BOUNCE_LIMIT":    func(c *consent.Config) { c.BounceLimit = -1 },
		"OFFRAMP_BOUNCE_PROOF":    func(c *consent.Config) { c.BounceProof = time.Minute },
		"OFFRAMP_COMPLAINT_SCOPE": func(c *consent.Config) { c.ComplaintScope = "some" },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of many reports about one person one event is kept, and what they stop they stop
// all the same, also after the operator has lifted it.
func TestMergedReportsStop(t *testing.T) {
	f := &fakeStore{}
	c := forgiving(f)
	anna := consent.Subject{Recipient: address(t, "anna@example.net"), List: "news"}
	bounce := func(n int) bool {
		stopped, err := c.Bounced(t.Context(), consent.Bounce{Recipient: anna.Recipient, List: "news", Weight: consent.Hard, Way: store.Mail,
			Once: fmt.Sprintf("b%d", n), Merged: "many bounces"}, evidence)
		if err != nil {
			t.Fatal(err)
		}
		return stopped
	}
	complain := func(n int) bool {
		stopped, err := c.Complained(t.Context(), consent.Complaint{Subject: anna, Kind: "abuse", Stops: true, Way: store.Mail,
			Once: fmt.Sprintf("c%d", n), Merged: "many complaints"}, evidence)
		if err != nil {
			t.Fatal(err)
		}
		return stopped
	}
	for n := range 100 {
		if got := bounce(n); got != (n == 0) {
			t.Errorf("bounce %d stops: %v", n, got)
		}
		if got := complain(n); got != (n == 0) {
			t.Errorf("complaint %d stops: %v", n, got)
		}
	}
	if n := len(f.events); n != 4 { // one of each, and what each stopped
		t.Errorf("%d events", n)
	}
	for _, reason := range []store.Reason{store.ReasonBounced, store.ReasonComplained} {
		s := anna
		if reason == store.ReasonBounced {
			s.List = store.AllLists
		}
		if changed, err := c.Unsuppress(t.Context(), consent.Stop{Subject: s, Reason: reason}, evidence); err != nil || !changed {
			t.Fatal(changed, err)
		}
	}
	if !bounce(100) || !complain(100) {
		t.Error("a new report does not stop what was lifted")
	}
}
