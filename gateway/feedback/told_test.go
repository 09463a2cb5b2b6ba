package feedback_test

import (
	"context"
	"errors"
	"testing"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"
)

func TestToldBounces(t *testing.T) {
	for name, test := range map[string]struct {
		told feedback.Told
		want consent.Weight
	}{
		"dead, with the words":        {feedback.Told{Permanent: true, Status: "5.1.1", Said: "550 5.1.1 User unknown"}, consent.Hard},
		"dead, without words":         {feedback.Told{Permanent: true}, consent.Hard},
		"dead, the words do not tell": {feedback.Told{Permanent: true, Said: "550 Requested action not taken"}, consent.Hard},
		"dead, the words say policy":  {feedback.Told{Permanent: true, Said: "550 5.7.1 blocked by policy"}, consent.NoWeight},
		"dead, the words say full":    {feedback.Told{Permanent: true, Said: "552 5.2.2 mailbox full"}, consent.Soft},
		"words alone":                 {feedback.Told{Status: "5.1.1", Said: "550 5.1.1 User unknown"}, consent.Soft},
		"for now":                     {feedback.Told{Status: "4.2.2", Said: "452 4.2.2 over quota"}, consent.Soft},
	} {
		b := newBench(t)
		test.told.Kind, test.told.Vendor, test.told.ID, test.told.Recipient = diagnosis.Bounce, "ses", "1", "Anna@example.net"
		for range 2 {
			if err := b.Told(context.Background(), test.told); err != nil {
				t.Fatal(err)
			}
		}
		if len(b.consent.bounces) != 1 || b.consent.bounces[0].Weight != test.want || b.consent.bounces[0].Way != store.Hook {
			t.Errorf("%s: %+v, want weight %d", name, b.consent.bounces, test.want)
		}
	}
}

// The list comes from a token of ours, when it is that person's; else what was
// told holds for all lists.
func TestToldOfWhichList(t *testing.T) {
	b := newBench(t)
	link := func(who string) string {
		return "List-Unsubscribe: <https://out.example.org/u/" + b.seal(t, listunsub.HeaderLink, who) + ">\n"
	}
	for name, test := range map[string]struct{ header, list string }{
		"a token":            {link("anna@example.net"), news},
		"somebody else's":    {link("bob@example.net"), store.AllLists},
		"none":               {"List-Unsubscribe: <https://out.example.org/u/AAAA>\n", store.AllLists},
		"a link of the body": {"X: https://out.example.org/p/" + b.seal(t, listunsub.BodyLink, "anna@example.net") + "\n", store.AllLists},
	} {
		*b.consent = fakeConsent{}
		told := feedback.Told{Kind: diagnosis.Complaint, Vendor: "mailgun", ID: "1", Recipient: "anna@example.net", Header: test.header}
		if err := b.Told(context.Background(), told); err != nil {
			t.Fatal(err)
		}
		if len(b.consent.complaints) != 1 || b.consent.complaints[0].List != test.list || !b.consent.complaints[0].Stops || b.consent.complaints[0].Kind != "abuse" {
			t.Errorf("%s: %+v", name, b.consent.complaints)
		}
	}
}

func TestToldTrouble(t *testing.T) {
	b := newBench(t)
	if err := b.Told(context.Background(), feedback.Told{Kind: diagnosis.Bounce, Recipient: "not an address", Permanent: true}); err != nil || b.consent.changes() != 0 {
		t.Errorf("of nobody: %v", err)
	}
	b.consent.err = store.ErrUnavailable
	for _, kind := range []diagnosis.Kind{diagnosis.Bounce, diagnosis.Complaint} {
		err := b.Told(context.Background(), feedback.Told{Kind: kind, Recipient: "anna@example.net"})
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s without a store: %v", kind, err)
		}
	}
}
