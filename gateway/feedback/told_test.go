package feedback_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"
)

// tell reports and fails the test on an error.
func tell(t *testing.T, b *bench, told feedback.Told) (recorded bool) {
	t.Helper()
	recorded, err := b.Told(context.Background(), told)
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

func TestToldBounces(t *testing.T) {
	for name, test := range map[string]struct {
		told feedback.Told
		want consent.Weight
	}{
		"permanent, with the words":        {feedback.Told{Final: true, Status: "5.1.1", Said: "550 5.1.1 User unknown"}, consent.Hard},
		"permanent, of a forward's target": {feedback.Told{Final: true, Status: "5.1.1", Said: "550 5.1.1 <bob@example.com>: User unknown"}, consent.Soft},
		"permanent, of this address":       {feedback.Told{Final: true, Status: "5.1.1", Said: "550 5.1.1 <ANNA@example.net>: User unknown"}, consent.Hard},
		"permanent, the status alone":      {feedback.Told{Final: true, Status: "5.1.1"}, consent.Hard},
		"permanent, without words":         {feedback.Told{Final: true}, consent.Soft},
		"permanent, the words do not tell": {feedback.Told{Final: true, Said: "550 Requested action not taken"}, consent.Soft},
		"permanent, the words say policy":  {feedback.Told{Final: true, Said: "550 5.7.1 blocked by policy"}, consent.NoWeight},
		"permanent, the words say full":    {feedback.Told{Final: true, Said: "552 5.2.2 mailbox full"}, consent.Soft},
		"permanent, the sender's address":  {feedback.Told{Final: true, Status: "5.1.8", Said: "550 5.1.8 sender address rejected"}, consent.NoWeight},
		"elsewhere":                        {feedback.Told{Final: true, Elsewhere: true, Status: "5.1.1", Said: "550 5.1.1 User unknown"}, consent.NoWeight},
		"words alone":                      {feedback.Told{Status: "5.1.1", Said: "550 5.1.1 User unknown"}, consent.Soft},
		"gave up on a full mailbox":        {feedback.Told{Status: "4.2.2", Said: "452 4.2.2 over quota"}, consent.Soft},
	} {
		b := newBench(t)
		test.told.Kind, test.told.Vendor, test.told.ID, test.told.Recipient = feedback.ToldBounce, "ses", "1", "Anna@example.net"
		for range 3 {
			tell(t, b, test.told)
		}
		if len(b.consent.bounces) != 1 || b.consent.bounces[0].Weight != test.want || b.consent.bounces[0].Way != store.Hook {
			t.Errorf("%s: %+v, want weight %d", name, b.consent.bounces, test.want)
		}
	}
}

// A deferral changes nothing, and a delivery ends a run, at its own time.
func TestToldDeferredAndDelivered(t *testing.T) {
	b := newBench(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	b.Now, b.Stats = func() time.Time { return now }, new(feedback.Stats)
	at := now.Add(-time.Hour)
	tell(t, b, feedback.Told{Kind: feedback.ToldDeferred, Recipient: "anna@example.net", Status: "4.2.2", Said: "452 over quota"})
	if b.consent.changes() != 0 || len(b.consent.bounces) != 0 || b.Stats.Deferred.Load() != 1 {
		t.Errorf("a deferral: %+v", b.consent.bounces)
	}
	tell(t, b, feedback.Told{Kind: feedback.ToldDelivered, Recipient: "Anna@Example.net", At: at})
	tell(t, b, feedback.Told{Kind: feedback.ToldDelivered, Recipient: "anna@example.net", At: b.Now().Add(time.Hour)})
	want := "anna@example.net " + at.UTC().Format(time.RFC3339) + ", anna@example.net " + b.Now().UTC().Format(time.RFC3339)
	if got := strings.Join(b.consent.delivered, ", "); got != want {
		t.Errorf("delivered %s, want %s", got, want)
	}
}

func TestToldWithheld(t *testing.T) {
	for cause, want := range map[feedback.ListCause]store.Reason{
		feedback.ListedBounced: store.ReasonBounced, feedback.ListedComplained: store.ReasonComplained,
		feedback.ListedUnsubscribed: store.ReasonUnsubscribed, feedback.ListedOther: store.ReasonManual,
	} {
		b := newBench(t)
		b.Stats = new(feedback.Stats)
		tell(t, b, feedback.Told{Kind: feedback.ToldWithheld, Vendor: "sendgrid", Cause: cause, Recipient: "anna@example.net"})
		if len(b.consent.withheld) != 1 || b.consent.withheld[0].Cause != want || b.consent.withheld[0].Vendor != "sendgrid" || b.consent.changes() != 0 {
			t.Errorf("%s: %+v", cause, b.consent)
		}
		w := &b.Stats.Withheld
		if sum := w.Bounced.Load() + w.Complained.Load() + w.Unsubscribed.Load() + w.Other.Load(); sum != 1 {
			t.Errorf("%s: counted %d", cause, sum)
		}
	}
}

// The list comes from a token of ours, when it is that person's; else for a
// complaint from what is known of the message, or the person.
func TestToldOfWhichList(t *testing.T) {
	b := newBench(t)
	b.Sent = new(feedback.Sent)
	b.Sent.Add("<1@example.org>", news)
	b.Sent.Add("<receipt@example.org>", store.AllLists)
	b.Sent.Add("<twice@example.org>", news)
	b.Sent.Add("<twice@example.org>", "other.example.org")
	link := func(who string) string {
		return "List-Unsubscribe: <https://out.example.org/u/" + b.seal(t, listunsub.HeaderLink, who) + ">\n"
	}
	bounces := func(who string) string {
		local, _, err := b.Tokens.SealAddress(listunsub.AddressClaims{Kind: listunsub.BounceAddress, ListKey: listunsub.ListKey(news), Recipient: who})
		if err != nil {
			t.Fatal(err)
		}
		return local
	}
	for name, test := range map[string]struct {
		told  feedback.Told
		known bool
		list  string
		stops bool
	}{
		"a token":                        {feedback.Told{Header: link("anna@example.net")}, false, news, true},
		"a token among the variables":    {feedback.Told{Variables: bounces("anna@example.net")}, false, news, true},
		"somebody else's":                {feedback.Told{Header: link("bob@example.net")}, false, store.AllLists, true},
		"somebody else's variable":       {feedback.Told{Variables: bounces("bob@example.net")}, false, store.AllLists, true},
		"none":                           {feedback.Told{Header: "List-Unsubscribe: <https://out.example.org/u/AAAA>\n"}, false, store.AllLists, true},
		"a link of the body":             {feedback.Told{Header: "X: https://out.example.org/p/" + b.seal(t, listunsub.BodyLink, "anna@example.net") + "\n"}, false, store.AllLists, true},
		"a Message-ID":                   {feedback.Told{MessageID: "1@example.org"}, false, news, true},
		"a Message-ID in brackets":       {feedback.Told{MessageID: " <1@example.org>"}, false, news, true},
		"a Message-ID of two lists":      {feedback.Told{MessageID: "twice@example.org"}, false, store.AllLists, true},
		"a Message-ID of a receipt":      {feedback.Told{MessageID: "receipt@example.org"}, false, store.AllLists, false},
		"a Message-ID nobody knows":      {feedback.Told{MessageID: "2@example.org"}, false, store.AllLists, true},
		"of one who gets one list":       {feedback.Told{MessageID: "2@example.org"}, true, news, true},
		"a token against the Message-ID": {feedback.Told{MessageID: "receipt@example.org", Header: link("anna@example.net")}, false, news, true},
	} {
		*b.consent = fakeConsent{}
		if test.known {
			b.consent.known = map[string]bool{"anna@example.net": true}
		}
		test.told.Kind, test.told.Vendor, test.told.ID, test.told.Recipient = feedback.ToldComplaint, "mailgun", "1", "Anna <anna@example.net>"
		tell(t, b, test.told)
		if len(b.consent.complaints) != 1 || b.consent.complaints[0].List != test.list || b.consent.complaints[0].Stops != test.stops || b.consent.complaints[0].Kind != "abuse" {
			t.Errorf("%s: %+v", name, b.consent.complaints)
		}
	}
	// Of several lists none is stopped that the complaint may not be about.
	*b.consent = fakeConsent{known: map[string]bool{"anna@example.net": true}, several: true}
	tell(t, b, feedback.Told{Kind: feedback.ToldComplaint, Vendor: "mailgun", ID: "2", Recipient: "anna@example.net", MessageID: "2@example.org"})
	if c := b.consent.complaints; len(c) != 1 || c[0].Stops {
		t.Errorf("several lists: %+v", c)
	}
	// What people do on a smarthost's page is for all that it sends.
	*b.consent = fakeConsent{}
	tell(t, b, feedback.Told{Kind: feedback.ToldOptOut, Recipient: "anna@example.net", MessageID: "1@example.org", Variables: bounces("anna@example.net")})
	if len(b.consent.calls) != 1 || b.consent.calls[0].list != store.AllLists {
		t.Errorf("an opt-out there: %+v", b.consent.calls)
	}
}

// Mail is remembered for two generations, and no longer.
func TestSentIsBounded(t *testing.T) {
	var s feedback.Sent
	s.Add("<first@example.org>", "a")
	for i := range 1 << 16 {
		s.Add(strings.Repeat("x", 1+i%7)+"-"+time.Unix(int64(i), 0).UTC().Format("150405.20060102"), "b")
	}
	if list, known := s.List("first@example.org"); !known || list != "a" {
		t.Errorf("after one generation: %q %v", list, known)
	}
	for i := range 1<<16 + 1 {
		s.Add(time.Unix(int64(i)+1e9, 0).UTC().Format("150405.20060102"), "b")
	}
	if _, known := s.List("first@example.org"); known {
		t.Error("still known after two")
	}
	var none *feedback.Sent
	none.Add("<1@example.org>", "a")
	if _, known := none.List("1@example.org"); known {
		t.Error("nil knows something")
	}
}

func TestToldOfWhom(t *testing.T) {
	for text, want := range map[string]string{
		"anna@example.net":                          "anna@example.net",
		" <anna@example.net> ":                      "anna@example.net",
		"Anna <anna@example.net>":                   "anna@example.net",
		`"Doe, Anna" <anna@example.net>`:            "anna@example.net",
		"Doe, Anna <Anna@Example.NET>":              "anna@example.net",
		`"anna@elsewhere" <anna@example.net>`:       "anna@example.net",
		"anna@elsewhere.example <anna@example.net>": "anna@example.net",
		"=?utf-8?q?J=C3=A4ne?= <anna@example.net>":  "anna@example.net",
		"Änna <anna@example.net>":                   "anna@example.net",
		`Anna "A" <anna@example.net>`:               "anna@example.net",
		`Anna "broken <anna@example.net>`:           "anna@example.net",
		"anna@example.net (Anna)":                   "anna@example.net",
		"(Anna) anna@example.net":                   "anna@example.net",
		`Anna <"an na"@example.net>`:                `"an na"@example.net`,
		"Anna<anna@bücher.example>":                 "anna@xn--bcher-kva.example",
		"o'neil@example.net":                        "o'neil@example.net",
		"Anna":                                      "",
		"Anna <>":                                   "",
		"Anna <anna>":                               "",
		"anna@example.net, bob@example.net":         "",
		"anna@example.net, Bob <bob@example.net>":   "",
		"Anna anna@example.net":                     "",
		"anna@example.net>":                         "",
		"not an email address":                      "",
		"":                                          "",
	} {
		b := newBench(t)
		recorded := tell(t, b, feedback.Told{Kind: feedback.ToldOptOut, Recipient: text})
		got := ""
		if len(b.consent.calls) == 1 {
			got = b.consent.calls[0].recipient
		}
		if !strings.EqualFold(got, want) || recorded != (want != "") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestToldTrouble(t *testing.T) {
	b := newBench(t)
	if tell(t, b, feedback.Told{Kind: feedback.ToldBounce, Recipient: "not an address", Final: true}) || b.consent.changes() != 0 {
		t.Error("recorded of nobody")
	}
	b.consent.err = store.ErrUnavailable
	for _, kind := range []feedback.ToldKind{feedback.ToldBounce, feedback.ToldComplaint, feedback.ToldOptOut, feedback.ToldWithheld, feedback.ToldDelivered} {
		_, err := b.Told(context.Background(), feedback.Told{Kind: kind, Recipient: "anna@example.net"})
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s without a store: %v", kind, err)
		}
	}
}
