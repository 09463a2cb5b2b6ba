package feedback_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"
)

const news = "news.example.org"

// dsn is a bounce as Postfix writes it. returned is the header that comes back.
func dsn(recipient, status, diagnostic, returned string) string {
	return strings.ReplaceAll(`From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Message-ID: <b1@mx.example.net>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; `+recipient+`
Action: failed
Status: `+status+`
Diagnostic-Code: smtp; `+diagnostic+`

--b1
Content-Type: message/rfc822

`+returned+`From: news@example.org
To: anna@example.net
Subject: News

Hello
--b1--
`, "\n", "\r\n")
}

// bounce is a message to the bounce address of anna@example.net.
func (b *bench) bounce(t testing.TB, data string) feedback.Inbound {
	t.Helper()
	in := inbound(t, data, b.token(t, listunsub.BounceAddress, "anna@example.net", news)+"@"+domain)
	in.Envelope.ReversePath = envelope.Address{}
	return in
}

func TestBounces(t *testing.T) {
	unknown := "550 5.1.1 User unknown"
	for name, test := range map[string]struct {
		data   string
		weight consent.Weight
		list   string
	}{
		"hard":                {dsn("anna@example.net", "5.1.1", unknown, ""), consent.Hard, news},
		"hard, in other case": {dsn("Anna@Example.NET", "5.1.1", unknown, ""), consent.Hard, news},
		"soft":                {dsn("anna@example.net", "5.2.2", "552 5.2.2 Over quota", ""), consent.Soft, news},
		"about the sender":    {dsn("anna@example.net", "5.7.1", "550 5.7.1 blocked", ""), consent.NoWeight, news},
		"hard, but temporary": {dsn("anna@example.net", "4.1.1", "450 4.1.1 User unknown", ""), consent.Soft, news},
		// Whom the address forwards to is gone; the address itself is not.
		"at another host":       {dsn("anna@mx1.example.net", "5.1.1", unknown, ""), consent.Soft, news},
		"without a domain":      {dsn("anna", "5.1.1", unknown, ""), consent.Hard, news}, // returned To
		"a member of the alias": {dsn("bob@example.com\nOriginal-Recipient: rfc822; anna@example.net", "5.1.1", unknown, ""), consent.Soft, news},
		"same name elsewhere":   {dsn("anna@example.com\nOriginal-Recipient: rfc822; anna@example.net", "5.1.1", unknown, ""), consent.Soft, news},
		"sendmail's alias":      {dsn("anna@example.net\nX-Actual-Recipient: rfc822; bob@example.com", "5.1.1", unknown, ""), consent.Soft, news},
		"reply about another":   {dsn("anna@example.net", "5.1.1", "550 5.1.1 <bob@example.com>: User unknown", ""), consent.Soft, news},
		"others got it":         {dsn("bob@example.com\nOriginal-Recipient: rfc822; anna@example.net", "5.1.1", unknown+"\n\nOriginal-Recipient: rfc822; anna@example.net\nFinal-Recipient: rfc822; eve@example.com\nAction: relayed\nStatus: 2.0.0", ""), consent.NoWeight, news},
		"about somebody else":   {dsn("bob@example.com", "5.1.1", unknown, ""), consent.Soft, news},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for range 2 { // told twice, counted once
				if err := b.Receive(context.Background(), b.bounce(t, test.data)); err != nil {
					t.Fatal(err)
				}
			}
			if len(b.consent.bounces) != 1 {
				t.Fatalf("bounces %+v", b.consent.bounces)
			}
			got := b.consent.bounces[0]
			if got.Weight != test.weight || got.Recipient.String() != "anna@example.net" || got.List != test.list || got.Way != store.Mail {
				t.Errorf("%+v, want weight %d", got, test.weight)
			}
			if strings.Contains(got.Detail, "@") {
				t.Errorf("the detail names somebody: %s", got.Detail)
			}
			for _, secret := range []string{"anna@", "bob@", "Anna@"} {
				if strings.Contains(b.log.String(), secret) {
					t.Errorf("log holds %s:\n%s", secret, b.log)
				}
			}
		})
	}
}

// What a machine writes from the null reverse-path about an account of another
// kind says nothing about a person it does not name.
func TestNoticesOfMachines(t *testing.T) {
	for name, test := range map[string]struct {
		from, text string
		weight     consent.Weight
	}{
		"a ticket":            {"desk@example.net", "Your message could not be delivered to a team. The account does not exist yet.", consent.NoWeight},
		"of somebody else":    {"anna@example.net", "Diese E-Mail-Adresse existiert nicht mehr, Mail konnte nicht zugestellt werden. Bitte an info@example.net.", consent.NoWeight},
		"a mail system":       {"MAILER-DAEMON@example.net", "Your message could not be delivered. The account does not exist.", consent.NoWeight},
		"of the person":       {"desk@example.com", "Your message to anna@example.net could not be delivered: no such user.", consent.Soft},
		"with a reply":        {"MAILER-DAEMON@example.com", "Your message could not be delivered:\r\n550 5.1.1 user unknown", consent.Soft},
		"a system, of Anna":   {"MAILER-DAEMON@example.com", "Your message could not be delivered:\r\n<anna@example.net>: 550 5.1.1 user unknown", consent.Hard},
		"a system, of others": {"MAILER-DAEMON@example.com", "Your message could not be delivered:\r\n<bob@example.com>: 550 5.1.1 user unknown", consent.Soft},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			in := b.bounce(t, "From: "+test.from+"\r\nSubject: Delivery notification\r\n\r\n"+test.text+"\r\n")
			if err := b.Receive(context.Background(), in); err != nil || len(b.consent.bounces) != 1 || b.consent.bounces[0].Weight != test.weight {
				t.Errorf("%v, %+v, want weight %d", err, b.consent.bounces, test.weight)
			}
		})
	}
}

// A bounce that comes from a reverse-path was written by somebody, not by a
// mail system: it is soft at most.
func TestABounceOfAPersonIsNotHard(t *testing.T) {
	b := newBench(t)
	in := b.bounce(t, dsn("anna@example.net", "5.1.1", "550 5.1.1 User unknown", ""))
	in.Envelope.ReversePath = address(t, "mallory@example.com")
	if err := b.Receive(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	if len(b.consent.bounces) != 1 || b.consent.bounces[0].Weight != consent.Soft {
		t.Errorf("bounces %+v", b.consent.bounces)
	}
}

func TestBounceOfAListThatIsGone(t *testing.T) {
	b := newBench(t)
	in := inbound(t, dsn("anna@example.net", "5.1.1", "550 5.1.1 User unknown", ""), b.token(t, listunsub.BounceAddress, "anna@example.net", "gone.example.org")+"@"+domain)
	in.Envelope.ReversePath = envelope.Address{}
	if err := b.Receive(context.Background(), in); err != nil || len(b.consent.bounces) != 1 || b.consent.bounces[0].List != "" {
		t.Errorf("%v, bounces %+v", err, b.consent.bounces)
	}
}

func TestMachinesAndDelaysChangeNothing(t *testing.T) {
	delayed := strings.Replace(dsn("anna@example.net", "4.4.1", "connection timed out", ""), "Action: failed", "Action: delayed", 1)
	vacation := "From: anna@example.net\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nSTOP\r\n"
	for name, data := range map[string]string{"delay": delayed, "vacation": vacation} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.Now = func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }
			for i := range 3 { // several a day are one
				if err := b.Receive(context.Background(), b.bounce(t, fmt.Sprintf("X: %d\r\n", i)+data)); err != nil {
					t.Fatal(err)
				}
			}
			if b.consent.changes() != 0 || len(b.consent.answers) != 1 || b.consent.answers[0].Kind != store.EventAnswered {
				t.Errorf("changes %d, answers %+v", b.consent.changes(), b.consent.answers)
			}
		})
	}
}

func TestAReplyToTheBounceAddressOptsOut(t *testing.T) {
	b := newBench(t)
	in := inbound(t, "From: anna@example.net\r\nSubject: Re: News\r\n\r\nBitte abmelden\r\n", b.token(t, listunsub.BounceAddress, "anna@example.net", news)+"@"+domain)
	if err := b.Receive(context.Background(), in); err != nil || len(b.consent.calls) != 1 || b.consent.calls[0].list != news {
		t.Errorf("%v, %+v", err, b.consent.calls)
	}
}

func TestBouncesArePassedOn(t *testing.T) {
	b := newBench(t)
	seal := func(to string) string {
		token, err := b.Tokens.Seal(listunsub.Claims{Recipient: to, Issued: time.Now(), Purpose: listunsub.ReturnPath})
		if err != nil {
			t.Fatal(err)
		}
		return envelope.FieldReturnPath + ": " + token + "\n"
	}
	other := newBench(t)
	forged, _ := other.Tokens.Seal(listunsub.Claims{Recipient: "victim@example.com", Issued: time.Now(), Purpose: listunsub.ReturnPath})
	link, _ := b.Tokens.Seal(listunsub.Claims{List: news, Recipient: "victim@example.com", Issued: time.Now(), Purpose: listunsub.HeaderLink})
	for name, test := range map[string]struct {
		field string
		want  []string
	}{
		"the sender's":                 {seal("bounces@sender.example"), []string{"bounces@sender.example"}},
		"none":                         {"", nil},
		"forged":                       {envelope.FieldReturnPath + ": " + forged + "\n", nil},
		"a token of another kind":      {envelope.FieldReturnPath + ": " + link + "\n", nil},
		"an address of ours":           {seal("replies@" + domain), nil},
		"an address in clear":          {envelope.FieldReturnPath + ": victim@example.com\n", nil},
		"an address that is no longer": {seal("not an address"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			b.senders.to, b.senders.data = nil, nil
			data := dsn("anna@example.net", "5.1.1", "550 5.1.1 User unknown", test.field)
			if err := b.Receive(context.Background(), b.bounce(t, data)); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(b.senders.to) != fmt.Sprint(test.want) || len(test.want) == 1 && b.senders.data[0] != data {
				t.Errorf("passed on to %v, want %v", b.senders.to, test.want)
			}
		})
	}

	b.senders.err = store.ErrUnavailable
	if err := b.Receive(context.Background(), b.bounce(t, dsn("anna@example.net", "5.1.1", "550 x", seal("bounces@sender.example")))); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("not to be passed on now: %v", err)
	}
	b.senders.err, b.senders.to = nil, nil
	now := time.Now()
	b.Now = func() time.Time { return now }
	for i := range 50 {
		if err := b.Receive(context.Background(), b.bounce(t, fmt.Sprintf("X: %d\r\n", i)+dsn("anna@example.net", "5.1.1", "550 x", seal("bounces@sender.example")))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.senders.to); n == 0 || n > 10 {
		t.Errorf("%d of 50 bounces of one person were passed on at once", n)
	}
	b.Config.PassOn, b.senders.to = false, nil
	if err := b.Receive(context.Background(), b.bounce(t, dsn("anna@example.net", "5.1.1", "550 y", seal("bounces@sender.example")))); err != nil || b.senders.to != nil {
		t.Errorf("passed on though it is off: %v %v", b.senders.to, err)
	}
}

func TestWhatIsNotUnderstoodIsKept(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	b.Now = func() time.Time { now = now.Add(time.Second); return now }
	open := inbound(t, "Subject: hello\r\n\r\nWhat is this?\r\n", "replies@"+domain)
	for i := range 6 {
		if err := b.Receive(context.Background(), b.bounce(t, fmt.Sprintf("Subject: %d\r\n\r\nWhat is this?\r\n", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Receive(context.Background(), open); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(b.Kept.Dir)
	if err != nil || len(files) != 4 || b.stats.Other.Load()+b.stats.Undecided.Load() != 7 {
		t.Errorf("%d files, %v; %d counted", len(files), err, b.stats.Other.Load())
	}
	if err := b.Kept.Empty(); err != nil {
		t.Error(err)
	}
	if files, _ := os.ReadDir(b.Kept.Dir); len(files) != 0 {
		t.Errorf("%d files after the folder was emptied", len(files))
	}
	b.Now = func() time.Time { return now } // a flood within one second
	for i := range 20 {
		if err := b.Receive(context.Background(), inbound(t, fmt.Sprintf("Subject: %d\r\n\r\nflood\r\n", i), "replies@"+domain)); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := os.ReadDir(b.Kept.Dir); len(files) > 1 {
		t.Errorf("%d files of a flood", len(files))
	}
}

func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		code         int
		status, text string
		atEnd        bool
		want         consent.Weight
	}{
		"no such user":        {550, "5.1.1", "User unknown", false, consent.Hard},
		"a forward's target":  {550, "5.1.1", "<bob@example.com>: User unknown", false, consent.Soft},
		"its own name":        {550, "5.1.1", "<Anna@Example.net>: User unknown", false, consent.Hard},
		"whom to ask":         {550, "5.1.1", "User unknown; write to postmaster@example.com", false, consent.Hard},
		"full":                {552, "5.2.2", "mailbox full", false, consent.Soft},
		"spam":                {554, "5.7.1", "spam", false, consent.NoWeight},
		"expired":             {0, "5.4.7", "delivery time expired; last: connection timed out", false, consent.NoWeight},
		"no such domain":      {0, "5.1.2", "the domain gone.example does not exist or takes no mail", false, consent.Soft},
		"takes no mail":       {0, "5.1.10", "the domain gone.example takes no mail (null MX)", false, consent.Hard},
		"loops back to us":    {0, "5.4.6", "mail for x.example loops back to this host", false, consent.NoWeight},
		"expired, while full": {452, "5.4.7", "delivery time expired; last: mailbox full", false, consent.Soft},
		"a filter":            {550, "", "User unknown", true, consent.Soft},
		"at the end, sure":    {550, "5.1.1", "User unknown", true, consent.Hard},
	} {
		b := newBench(t)
		err := b.Refused(context.Background(), feedback.Refusal{
			Recipient: address(t, "anna@example.net"), List: news, Code: test.code, AtEnd: test.atEnd, Status: test.status, Text: test.text, QueueID: "q1", Once: "refused q1 1"})
		if err != nil || len(b.consent.bounces) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		got := b.consent.bounces[0]
		if got.Weight != test.want || got.Way != store.Delivery || got.Once != "refused q1 1" || got.QueueID != "q1" {
			t.Errorf("%s: %+v, want weight %d", name, got, test.want)
		}
	}
}
