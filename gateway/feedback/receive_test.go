package feedback_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

func cmpCalls(want, got []optOut) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(optOut{}))
}

// inbound returns a message from a person to recipients.
func inbound(t testing.TB, data string, recipients ...string) feedback.Inbound {
	t.Helper()
	in := feedback.Inbound{IP: "192.0.2.7", Data: strings.NewReader(data)}
	in.Envelope.ReversePath = address(t, "alias@example.com")
	for _, r := range recipients {
		in.Envelope.Recipients = append(in.Envelope.Recipients, envelope.Recipient{Address: address(t, r)})
	}
	return in
}

const plain = "From: Somebody Else <alias@example.com>\r\nSubject: whatever\r\nMessage-ID: <7@example.com>\r\nX-Mailer: Post 2\r\n\r\nplease do not unsubscribe me\r\n"

func TestOptOutByMail(t *testing.T) {
	b := newBench(t)
	evidence := consent.Evidence{IP: "192.0.2.7", MessageID: "<7@example.com>", UserAgent: "Post 2"}
	anna := b.token(t, listunsub.OptOutAddress, "Anna@example.net", "news.example.org") + "@" + domain
	bob := b.token(t, listunsub.OptOutAddress, "bob@example.net", "shop.example.org") + "@" + domain
	want := []optOut{{"Anna@example.net", "news.example.org", evidence}}
	for _, to := range []string{anna, strings.ToUpper(anna), anna} {
		if err := b.Receive(context.Background(), inbound(t, plain, to)); err != nil {
			t.Fatal(err)
		}
		if diff := cmpCalls(want, b.consent.calls); diff != "" {
			t.Errorf("mail to %s (-want +got):\n%s", to, diff)
		}
		b.consent.calls = nil
	}

	// Each of several addresses counts.
	if err := b.Receive(context.Background(), inbound(t, plain, anna, bob)); err != nil {
		t.Fatal(err)
	}
	want = append(want, optOut{"bob@example.net", "shop.example.org", evidence})
	if diff := cmpCalls(want, b.consent.calls); diff != "" {
		t.Errorf("mail to both (-want +got):\n%s", diff)
	}
	if n := b.stats.OptOuts.Load(); n != 5 {
		t.Errorf("%d opt-outs counted, want 5", n)
	}
	log := b.log.String()
	if strings.Count(log, "changed=true") != 2 || strings.Count(log, "changed=false") != 3 {
		t.Errorf("log:\n%s", log)
	}
	for _, secret := range []string{"Anna@", "bob@example", anna, "whatever", "alias"} {
		if strings.Contains(strings.ToLower(log), strings.ToLower(secret)) {
			t.Errorf("log holds %q:\n%s", secret, log)
		}
	}
}

func TestWhatIsAutomatic(t *testing.T) {
	tests := map[string]struct {
		header string
		null   bool // null reverse-path
		optOut bool
	}{
		"a person":                       {"Subject: x", false, true},
		"no header at all":               {"", false, true},
		"null reverse-path":              {"Subject: x", true, false},
		"null reverse-path, denied":      {"Auto-Submitted: no", true, false},
		"Auto-Submitted no":              {"Auto-Submitted: no", false, true},
		"Auto-Submitted no with comment": {"Auto-Submitted: (really \\) ;) NO ; x=auto-replied", false, true},
		"auto-generated":                 {"Auto-Submitted: auto-generated", false, true}, // RULES: providers' buttons
		"auto-generated with parameter":  {"Auto-Submitted: Auto-Generated; type=x", false, true},
		"auto-replied":                   {"Auto-Submitted: auto-replied", false, false},
		"auto-replied, odd spelling":     {"AUTO-SUBMITTED :\r\n AUTO-REPLIED (vacation)", false, false},
		"auto-replied with parameter":    {"Auto-Submitted: auto-replied; owner-email=\"a@b\"", false, false},
		"auto-notified":                  {"Auto-Submitted: auto-notified", false, true},
		"unknown keyword":                {"Auto-Submitted: auto-answered", false, true},
		"Apple Mail":                     {"Auto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true", false, true},
		"Apple Mail, fields swapped":     {"x-apple-unsubscribe: TRUE\r\nAuto-Submitted: auto-replied", false, true},
		"Apple Mail says no":             {"Auto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: false", false, false},
		"Apple Mail, null reverse-path":  {"Auto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true", true, false},
		"Apple Mail, a report":           {"X-Apple-Unsubscribe: true\r\nContent-Type: multipart/report; boundary=x", false, false},
		"Apple Mail, answering machine":  {"X-Apple-Unsubscribe: true\r\nX-Autoreply: yes", false, false},
		"two fields":                     {"Auto-Submitted: no\r\nAuto-Submitted: auto-replied", false, false},
		"report":                         {"Content-Type: multipart/report; report-type=delivery-status; boundary=x", false, false},
		"report, folded":                 {"Content-Type:\r\n\tMultipart/Report;\r\n\tboundary=x", false, false},
		"mixed":                          {"Content-Type: multipart/mixed; boundary=\"multipart/report\"", false, true},
		"X-Autoreply":                    {"X-Autoreply: yes", false, false},
		"X-Autoreply no":                 {"X-Autoreply: no", false, true},
		"X-Autorespond":                  {"X-Autorespond: Re: x", false, false},
		"Precedence auto_reply":          {"Precedence: auto_reply", false, false},
		"Precedence bulk":                {"Precedence: bulk", false, true},
		"after an mbox line":             {"From a@b Mon Nov 23 2026\r\nAuto-Submitted: auto-replied", false, false},
		"after a line without colon":     {"nonsense\r\nAuto-Submitted: auto-replied", false, false},
		"in the body":                    {"Subject: x\r\n\r\nAuto-Submitted: auto-replied", false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			in := inbound(t, test.header+"\r\n\r\nunsubscribe\r\n", b.token(t, listunsub.OptOutAddress, "anna@example.net", "news.example.org")+"@"+domain)
			if test.null {
				in.Envelope.ReversePath = envelope.Address{}
			}
			if err := b.Receive(context.Background(), in); err != nil {
				t.Fatal(err)
			}
			if got := len(b.consent.calls) == 1; got != test.optOut {
				t.Errorf("opted out: %v, want %v", got, test.optOut)
			}
			if automatic := b.stats.Automatic.Load() == 1; automatic == test.optOut {
				t.Errorf("counted as automatic: %v", automatic)
			}
		})
	}
}

func TestReceiveRefuses(t *testing.T) {
	b := newBench(t)
	good := b.token(t, listunsub.OptOutAddress, "anna@example.net", "news.example.org") + "@" + domain
	gone := b.token(t, listunsub.OptOutAddress, "anna@example.net", "gone.example.org") + "@" + domain
	line := strings.Repeat("x", 62) + "\r\n"
	errCut := errors.New("connection lost")
	for name, test := range map[string]struct {
		data io.Reader
		to   []string
		want error
	}{
		"forged beside a good one":       {strings.NewReader(plain), []string{good, "u+forged@" + domain}, feedback.ErrUnknown},
		"unknown list beside a good one": {strings.NewReader(plain), []string{good, gone}, store.ErrUnavailable},
		"postmaster":                     {strings.NewReader(plain), []string{good, "postmaster@" + domain}, feedback.ErrPostmaster},
		"endless header":                 {strings.NewReader(strings.Repeat("A: "+line, 1100) + "Auto-Submitted: auto-replied\r\n\r\n"), []string{good}, feedback.ErrTooLarge},
		"broken off in the header":       {io.MultiReader(strings.NewReader("Subject: x\r\n"), iotest.ErrReader(errCut)), []string{good}, errCut},
		"broken off in the body":         {io.MultiReader(strings.NewReader(plain+strings.Repeat(line, 2000)), iotest.ErrReader(errCut)), []string{good}, errCut},
	} {
		t.Run(name, func(t *testing.T) {
			in := inbound(t, "", test.to...)
			in.Data = test.data
			if err := b.Receive(context.Background(), in); !errors.Is(err, test.want) {
				t.Errorf("Receive = %v, want %v", err, test.want)
			}
			if len(b.consent.calls) != 0 {
				t.Errorf("it changed something: %v", b.consent.calls)
			}
		})
	}

	b.consent.err = store.ErrUnavailable
	if err := b.Receive(context.Background(), inbound(t, plain, good)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Receive without a store = %v", err)
	}
	if b.stats.OptOuts.Load() != 0 {
		t.Error("a failed opt-out was counted")
	}
	b.consent.err = nil
	data := io.MultiReader(strings.NewReader("A: b\r\n\r\n"+strings.Repeat("x", 3*feedback.MaxSize)), iotest.ErrReader(io.EOF))
	in := inbound(t, "", good)
	in.Data = data
	if err := b.Receive(context.Background(), in); err != nil || len(b.consent.calls) != 1 {
		t.Errorf("Receive of a large message = %v, %d opt-outs", err, len(b.consent.calls))
	}
}
