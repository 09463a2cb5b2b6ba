package consent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"offramp/gateway/consent"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

var (
	noon     = time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))
	stored   = noon.UTC().Truncate(time.Microsecond)
	evidence = consent.Evidence{IP: "192.0.2.1", UserAgent: "Mail/1.0", MessageID: "<1@example.net>", Who: ""}
)

func newConsent(f *fakeStore) *consent.Consent {
	return &consent.Consent{
		Config:  consent.Config{TransactionalDead: true},
		Store:   f,
		Records: f,
		Turns:   f,
		Lists:   f,
		Now:     func() time.Time { return noon },
		Stats:   &consent.Stats{},
	}
}

func TestChangesAreRecordedOnceWithEvidence(t *testing.T) {
	anna := address(t, "Anna@EXAMPLE.net")
	one := consent.Subject{Recipient: anna, List: "news.example.org"}
	all := consent.Subject{Recipient: anna, List: store.AllLists}
	operator := consent.Evidence{Who: "ops", IP: "127.0.0.1"}
	ctx := context.Background()

	tests := map[string]struct {
		change func(c *consent.Consent) (bool, error)
		want   store.Event
	}{
		"leave a list": {
			func(c *consent.Consent) (bool, error) { return c.OptOut(ctx, one, store.OneClick, evidence) },
			store.Event{Kind: store.EventUnsubscribed, List: "news.example.org", Way: store.OneClick, Reason: store.ReasonUnsubscribed,
				IP: "192.0.2.1", UserAgent: "Mail/1.0", MessageID: "<1@example.net>"},
		},
		"leave all lists": {
			func(c *consent.Consent) (bool, error) { return c.OptOut(ctx, all, store.Page, evidence) },
			store.Event{Kind: store.EventUnsubscribed, Way: store.Page, Reason: store.ReasonUnsubscribedAll,
				IP: "192.0.2.1", UserAgent: "Mail/1.0", MessageID: "<1@example.net>"},
		},
		"join a list": {
			func(c *consent.Consent) (bool, error) { return c.Resubscribe(ctx, one, store.Page, evidence) },
			store.Event{Kind: store.EventResubscribed, List: "news.example.org", Way: store.Page,
				IP: "192.0.2.1", UserAgent: "Mail/1.0", MessageID: "<1@example.net>"},
		},
		"suppress by hand": {
			func(c *consent.Consent) (bool, error) {
				return c.Suppress(ctx, consent.Stop{Subject: one, Reason: store.ReasonManual, Note: "asked by phone"}, operator)
			},
			store.Event{Kind: store.EventSuppressed, List: "news.example.org", Way: store.Operator, Reason: store.ReasonManual,
				Detail: "asked by phone", IP: "127.0.0.1", Who: "ops"},
		},
		"suppress a dead address": {
			func(c *consent.Consent) (bool, error) {
				return c.Suppress(ctx, consent.Stop{Subject: all, Reason: store.ReasonBounced, Note: "550 5.1.1"}, consent.Evidence{})
			},
			store.Event{Kind: store.EventSuppressed, Way: store.Delivery, Reason: store.ReasonBounced, Detail: "550 5.1.1"},
		},
		"suppress after a complaint": {
			func(c *consent.Consent) (bool, error) {
				return c.Suppress(ctx, consent.Stop{Subject: one, Reason: store.ReasonComplained, Note: ""}, consent.Evidence{MessageID: "<2@example.net>"})
			},
			store.Event{Kind: store.EventSuppressed, List: "news.example.org", Way: store.Mail, Reason: store.ReasonComplained, MessageID: "<2@example.net>"},
		},
		"an operator enters a bounce": {
			func(c *consent.Consent) (bool, error) {
				return c.Suppress(ctx, consent.Stop{Subject: all, Reason: store.ReasonBounced, Note: ""}, operator)
			},
			store.Event{Kind: store.EventSuppressed, Way: store.Operator, Reason: store.ReasonBounced, IP: "127.0.0.1", Who: "ops"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fakeStore{}
			c := newConsent(f)
			for i := range 3 {
				if changed, err := test.change(c); changed != (i == 0) || err != nil {
					t.Errorf("time %d: changed = %v, %v", i+1, changed, err)
				}
			}
			test.want.ID, test.want.Time, test.want.Recipient = 1, stored, anna.Key()
			want := []store.Event{test.want}
			if test.want.Kind == store.EventUnsubscribed {
				want = append(want, store.Event{
					ID: 2, Time: stored, Kind: store.EventInForce, Recipient: anna.Key(), List: test.want.List, Way: test.want.Way,
					Ref: 1, Once: "in-force 1",
				})
			}
			if diff := cmp.Diff(want, f.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			records := len(f.choices) + len(f.suppressions)
			if records != 1 {
				t.Errorf("%d records, want 1", records)
			}
			for _, r := range f.choices {
				if r.Recipient != anna.Key() || r.Since != stored || r.Way != test.want.Way || r.List != test.want.List {
					t.Errorf("choice %+v", r)
				}
			}
			for _, r := range f.suppressions {
				if r.Recipient != anna.Key() || r.Since != stored || r.Note != test.want.Detail || r.List != test.want.List || r.Reason != test.want.Reason {
					t.Errorf("suppression %+v", r)
				}
			}
		})
	}
}

func TestUnsuppressTakesOneReasonBack(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	ctx := context.Background()
	s := consent.Subject{Recipient: address(t, "a@example.net")}
	for _, r := range []store.Reason{store.ReasonManual, store.ReasonBounced} {
		if _, err := c.Suppress(ctx, consent.Stop{Subject: s, Reason: r, Note: ""}, evidence); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{true, false} {
		changed, err := c.Unsuppress(ctx, consent.Stop{Subject: s, Reason: store.ReasonBounced}, consent.Evidence{Who: "ops"})
		if changed != want || err != nil {
			t.Errorf("time %d: changed = %v, %v", i+1, changed, err)
		}
	}
	st, err := c.Standing(ctx, s)
	if err != nil || len(st.Suppressions) != 1 || st.Suppressions[0].Reason != store.ReasonManual {
		t.Errorf("Standing = %+v, %v", st, err)
	}
	last := f.events[len(f.events)-1]
	if len(f.events) != 3 || last.Kind != store.EventUnsuppressed || last.Reason != store.ReasonBounced || last.Way != store.Operator || last.Who != "ops" {
		t.Errorf("%d events, last %+v", len(f.events), last)
	}
}

func TestRefusals(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	ctx := context.Background()
	s := consent.Subject{Recipient: address(t, "a@example.net")}
	nobody := consent.Subject{}
	check := func(what string, got bool, err, want error) {
		t.Helper()
		if got || !errors.Is(err, want) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	got, err := c.OptOut(ctx, nobody, store.Page, evidence)
	check("OptOut of nobody", got, err, consent.ErrSubject)
	got, err = c.Resubscribe(ctx, nobody, store.Page, evidence)
	check("Resubscribe of nobody", got, err, consent.ErrSubject)
	got, err = c.Suppress(ctx, consent.Stop{Subject: nobody, Reason: store.ReasonManual, Note: ""}, evidence)
	check("Suppress of nobody", got, err, consent.ErrSubject)
	got, err = c.Suppress(ctx, consent.Stop{Subject: s, Reason: store.ReasonUnsubscribed, Note: ""}, evidence)
	check("Suppress for a choice", got, err, consent.ErrReason)
	got, err = c.Unsuppress(ctx, consent.Stop{Subject: s, Reason: ""}, evidence)
	check("Unsuppress for nothing", got, err, consent.ErrReason)
	if _, err = c.Standing(ctx, nobody); !errors.Is(err, consent.ErrSubject) {
		t.Errorf("Standing of nobody: %v", err)
	}
	if len(f.events)+f.reads != 0 {
		t.Error("the store was asked")
	}

	f.err = store.ErrUnavailable
	got, err = c.OptOut(ctx, s, store.Page, evidence)
	check("OptOut", got, err, store.ErrUnavailable)
	got, err = c.Resubscribe(ctx, s, store.Page, evidence)
	check("Resubscribe", got, err, store.ErrUnavailable)
	got, err = c.Suppress(ctx, consent.Stop{Subject: s, Reason: store.ReasonManual, Note: ""}, evidence)
	check("Suppress", got, err, store.ErrUnavailable)
	got, err = c.Unsuppress(ctx, consent.Stop{Subject: s, Reason: store.ReasonManual}, evidence)
	check("Unsuppress", got, err, store.ErrUnavailable)
	v, err := c.Verdict(ctx, s.Recipient, "news")
	check("Verdict", v.Drop, err, store.ErrUnavailable)
}

func TestEvidenceIsCut(t *testing.T) {
	f := &fakeStore{}
	c := newConsent(f)
	s := consent.Subject{Recipient: address(t, "a@example.net")}
	long := strings.Repeat("ä", 1000)
	_, err := c.Suppress(context.Background(), consent.Stop{Subject: s, Reason: store.ReasonManual, Note: "x" + long},
		consent.Evidence{IP: long, UserAgent: "a\x00b\r\nc\xff" + long, MessageID: long, Who: long})
	if err != nil {
		t.Fatal(err)
	}
	e := f.events[0]
	if !strings.HasPrefix(e.UserAgent, "a b  c\ufffdä") {
		t.Errorf("user agent %q", e.UserAgent)
	}
	for what, test := range map[string]struct {
		text string
		max  int
	}{"IP": {e.IP, 256}, "user agent": {e.UserAgent, 256}, "message id": {e.MessageID, 512}, "who": {e.Who, 256}, "detail": {e.Detail, 512}} {
		if n := len(test.text); n > test.max || n < test.max-1 || !utf8.ValidString(test.text) {
			t.Errorf("%s has %d octets, want %d of UTF-8", what, n, test.max)
		}
	}
}

// What is taken over from another system keeps its date in the record; the
// event says when it was recorded here.
func TestRecordsKeepTheDateTheyCameWith(t *testing.T) {
	anna := address(t, "anna@example.net")
	one := consent.Subject{Recipient: anna, List: "news.example.org"}
	long := stored.AddDate(-3, 0, 0)
	for name, test := range map[string]struct{ given, want time.Time }{
		"long ago": {long.Add(100 * time.Nanosecond).In(noon.Location()), long}, "none": {time.Time{}, stored}, "to come": {stored.Add(time.Hour), stored},
	} {
		f := &fakeStore{}
		c := newConsent(f)
		ev := consent.Evidence{Who: "admin", Since: test.given}
		if _, err := c.OptOut(t.Context(), one, store.Operator, ev); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Suppress(t.Context(), consent.Stop{Subject: one, Reason: store.ReasonManual, Note: ""}, ev); err != nil {
			t.Fatal(err)
		}
		if f.choices[0].Since != test.want || f.suppressions[0].Since != test.want {
			t.Errorf("%s: since %v and %v, want %v", name, f.choices[0].Since, f.suppressions[0].Since, test.want)
		}
		for _, e := range f.events {
			if e.Time != stored {
				t.Errorf("%s: the event has the time %v", name, e.Time)
			}
		}
	}
}
