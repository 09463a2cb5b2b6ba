package feedback_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"
)

// arf is a complaint of a type about a message of that header and text.
func arf(kind, header, body string) string {
	return strings.ReplaceAll(`From: Feedback <fbl@provider.example>
Subject: FW: News
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

This is an email abuse report.

--b1
Content-Type: message/feedback-report

Feedback-Type: `+kind+`
User-Agent: Provider/1.0
Version: 1
Original-Rcpt-To: somebody.else@example.com

--b1
Content-Type: message/rfc822

From: news@example.org
To: redacted@example.com
`+header+`Subject: News

`+body+`
--b1--
`, "\n", "\r\n")
}

func (b *bench) seal(t testing.TB, p listunsub.Purpose, recipient string) string {
	t.Helper()
	token, err := b.Tokens.Seal(listunsub.Claims{List: news, Recipient: recipient, Issued: time.Unix(1_700_000_000, 0), Purpose: p})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestComplaints(t *testing.T) {
	b := newBench(t)
	link := "List-Unsubscribe: <https://out.example.org/u/" + b.seal(t, listunsub.HeaderLink, "anna@example.net") + ">\n"
	id := "CFBL-Feedback-ID: " + b.seal(t, listunsub.FeedbackID, "anna@example.net") + "\n"
	mailto := "List-Unsubscribe: <mailto:" + b.token(t, listunsub.OptOutAddress, "anna@example.net", news) + "@" + domain + "?subject=unsubscribe>\n"
	path := "Return-Path: <" + b.token(t, listunsub.BounceAddress, "anna@example.net", news) + "@" + domain + ">\n"
	bob := "X-Other: https://out.example.org/u/" + b.seal(t, listunsub.HeaderLink, "bob@example.net") + "\n"
	body := "https://out.example.org/p/" + b.seal(t, listunsub.BodyLink, "anna@example.net")
	for name, test := range map[string]struct {
		kind, header, body string
		stops, recorded    bool
	}{
		"abuse":               {"abuse", link, "", true, true},
		"fraud":               {"fraud", id, "", true, true},
		"opt-out":             {"opt-out", mailto, "", true, true},
		"opt-out of a list":   {"opt-out-list", path, "", true, true},
		"not spam":            {"not-spam", link, "", false, true},
		"virus":               {"virus", link, "", false, true},
		"authentication":      {"auth-failure", link, "", false, true},
		"all tokens":          {"abuse", link + id + path, body, true, true},
		"no token":            {"abuse", "", "", false, false},
		"a body link alone":   {"abuse", "", body, false, false},
		"several people":      {"abuse", link + bob, "", false, false},
		"a damaged token":     {"abuse", strings.Replace(link, "/u/A", "/u/B", 1), "", false, false},
		"a token as another":  {"abuse", "CFBL-Feedback-ID: " + b.seal(t, listunsub.HeaderLink, "anna@example.net") + "\n", "", false, false},
		"an address in clear": {"abuse", "Original-Recipient: anna@example.net\n", "anna@example.net", false, false},
	} {
		for _, to := range []string{"complaints@" + domain, "fbl@example.org"} {
			t.Run(name+" "+to, func(t *testing.T) {
				*b.consent = fakeConsent{}
				for range 2 {
					if err := b.Receive(context.Background(), inbound(t, arf(test.kind, test.header, test.body), to)); err != nil {
						t.Fatal(err)
					}
				}
				if got := len(b.consent.complaints); got != count(test.recorded) {
					t.Fatalf("complaints %+v", b.consent.complaints)
				}
				if !test.recorded {
					return
				}
				c := b.consent.complaints[0]
				if c.Stops != test.stops || c.Recipient.String() != "anna@example.net" || c.List != news || c.Kind == "" {
					t.Errorf("%+v", c)
				}
			})
		}
	}
}

// Where a provider redacts all else, the reverse-path of the message still says
// whose copy it was.
func TestAComplaintThatOnlyNamesTheReversePath(t *testing.T) {
	b := newBench(t)
	path := strings.ToUpper(b.token(t, listunsub.BounceAddress, "anna@example.net", news)) + "@" + domain
	other := b.token(t, listunsub.BounceAddress, "bob@example.net", news) + "@" + domain
	for name, test := range map[string]struct {
		field    string
		recorded bool
	}{
		"Original-Mail-From":     {"Original-Mail-From: <" + path + ">", true},
		"Removal-Recipient":      {"Removal-Recipient: " + path, true},
		"a damaged address":      {"Original-Mail-From: <" + path[:10] + path[11:] + ">", false},
		"two people":             {"Original-Mail-From: <" + path + ">\r\nRemoval-Recipient: " + other, false},
		"somebody else's domain": {"Original-Mail-From: <news@example.org>", false},
	} {
		t.Run(name, func(t *testing.T) {
			*b.consent = fakeConsent{}
			data := strings.Replace(arf("abuse", "", ""), "Version: 1\r\n", "Version: 1\r\n"+test.field+"\r\n", 1)
			if err := b.Receive(context.Background(), inbound(t, data, "complaints@"+domain)); err != nil {
				t.Fatal(err)
			}
			if len(b.consent.complaints) != count(test.recorded) {
				t.Fatalf("complaints %+v", b.consent.complaints)
			}
			if test.recorded && (b.consent.complaints[0].Recipient.String() != "anna@example.net" || b.consent.complaints[0].List != news) {
				t.Errorf("%+v", b.consent.complaints[0])
			}
		})
	}
}

// Apple Mail marks the mail of its Unsubscribe button as an automatic answer.
func TestAppleMailAsAReply(t *testing.T) {
	apple := "From: anna@example.net\r\nSubject: unsubscribe\r\nAuto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true\r\n\r\nApple Mail sent this email to unsubscribe from the message \"News\".\r\n"
	b := newBench(t)
	bounce := b.token(t, listunsub.BounceAddress, "anna@example.net", news) + "@" + domain
	if err := b.Receive(context.Background(), inbound(t, apple, bounce)); err != nil || len(b.consent.calls) != 1 {
		t.Errorf("to the bounce address: %v, %+v", err, b.consent.calls)
	}
	*b.consent = fakeConsent{known: map[string]bool{"anna@example.net": true}}
	if err := b.Receive(context.Background(), inbound(t, apple, "replies@"+domain)); err != nil || len(b.consent.calls) != 0 || len(b.consent.answers) != 1 {
		t.Errorf("without a token it is proposed: %v, %+v %+v", err, b.consent.calls, b.consent.answers)
	}
}

func count(there bool) int {
	if there {
		return 1
	}
	return 0
}

// signers is a verifier that finds the same domains in every message.
type signers struct {
	domains []string
	err     error
}

func (s signers) Verify(context.Context, []byte) ([]string, error) { return s.domains, s.err }

func TestReportsToTheCFBLAddressAreSigned(t *testing.T) {
	b := newBench(t)
	report := arf("abuse", "CFBL-Feedback-ID: "+b.seal(t, listunsub.FeedbackID, "anna@example.net")+"\n", "")
	for name, test := range map[string]struct {
		verifier feedback.Verifier
		report   string
		recorded bool
		err      error
	}{
		"signed":              {signers{domains: []string{"provider.example"}}, report, true, nil},
		"signed below":        {signers{domains: []string{"other.example", "mail.provider.example"}}, report, true, nil},
		"signed by another":   {signers{domains: []string{"other.example"}}, report, false, nil},
		"unsigned":            {signers{}, report, false, nil},
		"nobody can tell":     {nil, report, false, nil},
		"no key for now":      {signers{err: errors.New("no answer")}, report, false, errors.New("x")},
		"from two":            {signers{domains: []string{"provider.example"}}, "From: x@provider.example\r\n" + report, false, nil},
		"from the public":     {signers{domains: []string{"example"}}, report, false, nil},
		"cut by its length":   {signers{domains: []string{"provider.example"}}, report + strings.Repeat("x", feedback.MaxSize), false, nil},
		"from a broken field": {signers{domains: []string{"provider.example"}}, strings.Replace(report, "fbl@provider.example", "nobody", 1), false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			*b.consent = fakeConsent{}
			b.Verify = test.verifier
			err := b.Receive(context.Background(), inbound(t, test.report, "cfbl@"+domain))
			if (err != nil) != (test.err != nil) || len(b.consent.complaints) != count(test.recorded) {
				t.Errorf("%v, complaints %+v", err, b.consent.complaints)
			}
		})
	}
}

func reply(from, text string) string {
	return "From: <" + from + ">\r\nSubject: Re: News\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n")
}

func TestReplies(t *testing.T) {
	b := newBench(t)
	page := "https://out.example.org/p/" + b.seal(t, listunsub.BodyLink, "anna@example.net")
	quoted := "STOP\n\nOn Monday we wrote:\n> See " + page + "\n"
	wrapped := "STOP\n\n> See " + page[:60] + "\n> " + page[60:] + "\n"
	header := "STOP\n\n-- Original message --\nReturn-Path: <" + b.token(t, listunsub.BounceAddress, "anna@example.net", news) + "@" + domain + ">\nFrom: news@example.org\nSubject: News\n"
	for name, test := range map[string]struct {
		data     string
		optOut   bool
		proposed string // recipient
	}{
		"a link and its person":        {reply("Anna@example.net", quoted), true, ""},
		"a link that was wrapped":      {reply("anna@example.net", wrapped), true, ""},
		"a link and somebody else":     {reply("friend@example.com", quoted), false, "anna@example.net"},
		"the header of their own copy": {reply("friend@example.com", header), true, ""},
		"no link, a person we know":    {reply("known@example.net", "unsubscribe\n"), false, "known@example.net"},
		"no link, a stranger":          {reply("stranger@example.net", "unsubscribe\n"), false, ""},
		"a person who asks otherwise":  {reply("anna@example.net", "When do you stop?\n> "+page), false, ""},
		"a machine":                    {"Auto-Submitted: auto-replied\r\n" + reply("anna@example.net", quoted), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			*b.consent = fakeConsent{known: map[string]bool{"anna@example.net": true, "known@example.net": true}}
			for range 2 {
				if err := b.Receive(context.Background(), inbound(t, test.data, "replies@"+domain)); err != nil {
					t.Fatal(err)
				}
			}
			if got := len(b.consent.calls) > 0; got != test.optOut {
				t.Errorf("opted out: %v", got)
			}
			proposed := ""
			for _, a := range b.consent.answers {
				if a.Kind == store.EventProposed {
					proposed += a.Recipient.String()
				}
			}
			if proposed != test.proposed {
				t.Errorf("proposed %q, want %q", proposed, test.proposed)
			}
			if test.optOut && (b.consent.calls[0].list != news || b.consent.calls[0].recipient != "anna@example.net") {
				t.Errorf("%+v", b.consent.calls)
			}
		})
	}
}

// Whoever has a copy of somebody's mail can write a bounce of it. It never
// makes an address dead by itself.
func TestABounceInABoxIsSoftAtMost(t *testing.T) {
	b := newBench(t)
	link := "List-Unsubscribe: <https://out.example.org/u/" + b.seal(t, listunsub.HeaderLink, "anna@example.net") + ">\n"
	in := inbound(t, dsn("anna@example.net", "5.1.1", "550 5.1.1 User unknown", link), "fbl@example.org")
	in.Envelope.ReversePath = b.bounce(t, "").Envelope.ReversePath
	if err := b.Receive(context.Background(), in); err != nil || len(b.consent.bounces) != 1 || b.consent.bounces[0].Weight != consent.Soft {
		t.Errorf("%v, %+v", err, b.consent.bounces)
	}
}

// Ten thousand forgeries of every form, without a token, or with one that
// another key made, change nothing.
func TestForgeriesChangeNothing(t *testing.T) {
	b, mallory := newBench(t), newBench(t)
	mallory.Domain = b.Domain
	b.consent.known = map[string]bool{}
	b.Verify = signers{domains: []string{"provider.example"}}
	token := func(p listunsub.Purpose, n int) string { return mallory.seal(t, p, fmt.Sprintf("p%d@example.net", n)) }
	forms := []func(n int) (to, data string){
		func(n int) (string, string) {
			return mallory.token(t, listunsub.BounceAddress, fmt.Sprintf("p%d@example.net", n), news) + "@" + domain,
				dsn(fmt.Sprintf("p%d@example.net", n), "5.1.1", "550 5.1.1 User unknown", "")
		},
		func(n int) (string, string) {
			return mallory.token(t, listunsub.OptOutAddress, fmt.Sprintf("p%d@example.net", n), news) + "@" + domain, plain
		},
		func(n int) (string, string) {
			return "complaints@" + domain, arf("abuse", "List-Unsubscribe: <https://out.example.org/u/"+token(listunsub.HeaderLink, n)+">\n", "")
		},
		func(n int) (string, string) {
			return "cfbl@" + domain, arf("abuse", "CFBL-Feedback-ID: "+token(listunsub.FeedbackID, n)+"\n", "")
		},
		func(n int) (string, string) {
			return "fbl@example.org", dsn(fmt.Sprintf("p%d@example.net", n), "5.1.1", "550 5.1.1 User unknown", "Return-Path: <"+mallory.token(t, listunsub.BounceAddress, fmt.Sprintf("p%d@example.net", n), news)+"@"+domain+">\n")
		},
		func(n int) (string, string) {
			return "replies@" + domain, reply(fmt.Sprintf("p%d@example.net", n), "STOP\n\n> https://out.example.org/p/"+token(listunsub.BodyLink, n)+"\n")
		},
		func(n int) (string, string) {
			return "complaints@" + domain, arf("opt-out", "", fmt.Sprintf("p%d@example.net", n))
		},
	}
	const all = 10_000
	refused := 0
	for n := range all {
		to, data := forms[n%len(forms)](n)
		in := inbound(t, data, to)
		if n%2 == 0 {
			in.Envelope.ReversePath = b.bounce(t, "").Envelope.ReversePath
		}
		switch err := b.Receive(context.Background(), in); {
		case errors.Is(err, feedback.ErrUnknown):
			refused++
		case err != nil:
			t.Fatal(err)
		}
	}
	if n := b.consent.changes() + len(b.consent.bounces) + len(b.consent.complaints) + len(b.consent.answers); n != 0 {
		t.Errorf("%d records of %d forgeries", n, all)
	}
	if refused < all/4 {
		t.Errorf("%d refused at their address", refused)
	}
	if len(b.senders.to) != 0 {
		t.Errorf("%d passed on", len(b.senders.to))
	}
}

// FuzzReceive: without a token nothing is ever recorded, whatever is written.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(arf("abuse", "", "")), true)
	f.Add([]byte(dsn("anna@example.net", "5.1.1", "550 5.1.1 User unknown", "")), false)
	f.Add([]byte(reply("anna@example.net", "STOP\n> https://out.example.org/p/AAAA\n")), false)
	f.Add([]byte(reply("anna@example.net", "STOP\n> u%2Baaaaaaaaaaaaaaaaaaaaaaaaaaaaaa u- b. =2b b=2\n")), false)
	b := newBench(f)
	b.Kept = nil
	b.Verify = signers{domains: []string{"provider.example"}}
	f.Fuzz(func(t *testing.T, data []byte, null bool) {
		in := inbound(t, string(data), "complaints@"+domain, "replies@"+domain, "cfbl@"+domain)
		if null {
			in.Envelope.ReversePath = b.bounce(t, "").Envelope.ReversePath
		}
		if err := b.Receive(context.Background(), in); err != nil && !errors.Is(err, feedback.ErrTooLarge) {
			t.Fatal(err)
		}
		if b.consent.changes()+len(b.consent.answers) > 0 {
			t.Fatalf("recorded: %+v", b.consent)
		}
	})
}
