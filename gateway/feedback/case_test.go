package feedback_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/gateway/consent"
	"offramp/gateway/feedback"
	"offramp/listunsub"
)

// What the cases of package diagnosis change, when they come to the bounce
// address of the person they are about.
func TestCasesAtTheBounceAddress(t *testing.T) {
	for name, test := range map[string]struct {
		weight consent.Weight
		person string // in the file
		path   string // reverse-path; "": null
	}{
		"rcpt-mailbox-unavailable": {consent.Hard, "ada@dest.example", ""},
		"rcpt-571-nonexistent":     {consent.Hard, "ada@dest.example", ""},
		"rcpt-541":                 {consent.Soft, "ada@dest.example", ""},
		"rcpt-smtp-rcpt-host":      {consent.Hard, "ada@dest.example", ""},
		"rcpt-address-colon":       {consent.Soft, "ada@dest.example", ""},
		"frame-product":            {consent.Hard, "ada@dest.example", ""},
		"frame-attachment":         {consent.Hard, "ada@dest.example", ""},
		"domain-lookup":            {consent.Soft, "ada@gone.example", ""},
		"subject-not-null":         {consent.Soft, "ada@dest.example", "mdaemon@mx.relay.example"},
		"person-quotes":            {consent.NoWeight, "ada@dest.example", "ada@dest.example"},
		"or-es":                    {consent.Soft, "ada@dest.example", ""},
		"disabled-and-unknown":     {consent.Soft, "ada@dest.example", ""},
		"alias-member":             {consent.Soft, "team@dest.test", ""},
		"alias-others-reached":     {consent.NoWeight, "team@dest.test", ""},
		"text-alias":               {consent.Soft, "team@dest.example", ""},
		"notice-ticket":            {consent.NoWeight, "ada@dest.example", ""},
		"wrapped-report":           {consent.Hard, "ada@dest.example", ""},
		"wrapped-newsletter":       {consent.NoWeight, "ada@dest.example", ""},
		"sieve-quota":              {consent.Soft, "ada@dest.example", ""},
		"notice-ses-wrapped":       {consent.Soft, "ada@dest.example", "no-reply@sns.amazonaws.example"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			in := b.caseOf(t, name, test.person)
			if test.path != "" {
				in.Envelope.ReversePath = address(t, test.path)
			}
			if err := b.Receive(context.Background(), in); err != nil {
				t.Fatal(err)
			}
			if len(b.consent.bounces) != 1 || b.consent.bounces[0].Weight != test.weight {
				t.Errorf("%+v, want weight %d", b.consent.bounces, test.weight)
			}
		})
	}
}

// What is no bounce changes nothing.
func TestCasesThatAreNoBounce(t *testing.T) {
	for _, name := range []string{"dsn-deliverable", "sieve-own", "sieve-unknown", "notice-left-de"} {
		b := newBench(t)
		if err := b.Receive(context.Background(), b.caseOf(t, name, "ada@dest.example")); err != nil || len(b.consent.bounces) != 0 || b.consent.changes() != 0 {
			t.Errorf("%s: %v, %+v", name, err, b.consent.bounces)
		}
	}
}

// caseOf is a case of package diagnosis about anna@example.net, to her bounce
// address.
func (b *bench) caseOf(t *testing.T, name, person string) feedback.Inbound {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "diagnosis", "testdata", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	data := strings.NewReplacer(person, "anna@example.net", "\n", "\r\n", "b+token@lists.sender.example", b.token(t, listunsub.BounceAddress, "anna@example.net", news)+"@"+domain).Replace(string(raw))
	return b.bounce(t, data)
}
