package gateway_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/gateway"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/gateway/sink"
	"offramp/listunsub"
)

// bounceOf is a bounce to one person, as a mail system writes it.
func (h *house) bounceOf(b *testing.B, n int) (to, data string) {
	b.Helper()
	who := fmt.Sprintf("p%d@example.net", n)
	local, err := h.parts.Tokens.SealAddress(listunsub.AddressClaims{
		Kind: listunsub.BounceAddress, ListKey: listunsub.ListKey("letter.example.org"), Recipient: who})
	if err != nil {
		b.Fatal(err)
	}
	path, err := h.parts.Tokens.Seal(listunsub.Claims{Recipient: "bounces@example.org", Issued: time.Now(), Purpose: listunsub.ReturnPath})
	if err != nil {
		b.Fatal(err)
	}
	status := [...]string{"5.1.1", "5.2.2", "5.7.1"}[n%3]
	text := [...]string{"User unknown", "Mailbox full", "Blocked by policy"}[n%3]
	return local + "@offramp.example.org", strings.ReplaceAll(`From: MAILER-DAEMON@mx.example.net
Subject: Undelivered Mail Returned to Sender
Message-ID: <`+fmt.Sprint(n)+`@mx.example.net>
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1

This is the mail system at host mx.example.net. Your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; `+who+`
Action: failed
Status: `+status+`
Diagnostic-Code: smtp; 550 `+status+" "+text+`

--b1
Content-Type: message/rfc822

`+envelope.FieldReturnPath+": "+path+`
From: news@example.org
To: `+who+`
Subject: News

`+strings.Repeat("A line of the newsletter that came back.\n", 40)+`
--b1--
`, "\n", "\r\n")
}

// load is who sends, and how fast.
type load struct {
	connections int // 0: nobody
	perSecond   int // at most; 0: as fast as they are taken
}

// clients sends messages until the time is over and returns how many were taken.
func clients(b *testing.B, g *gateway.Gateway, l load, d time.Duration, next func(n int) (from, to, data string)) int64 {
	var sent, taken atomic.Int64
	began := time.Now()
	var all sync.WaitGroup
	for range l.connections {
		all.Go(func() {
			c, err := smtp.Dial(g.Addrs().SMTP[0])
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			for time.Since(began) < d {
				n := sent.Add(1)
				if l.perSecond > 0 {
					time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(l.perSecond))))
				}
				from, to, data := next(int(n))
				if err := c.SendMail(from, []string{to}, strings.NewReader(data)); err != nil {
					b.Error(err)
					return
				}
				taken.Add(1)
			}
		})
	}
	all.Wait()
	return taken.Load()
}

// BenchmarkBounces takes newsletters as fast as they are taken, then bounces,
// then both, 1,000 bounces a second: what reading them costs the relay. Each
// third bounce is hard. Run it with -benchtime 1x.
func BenchmarkBounces(b *testing.B) {
	const period = 15 * time.Second
	body := letter + strings.Repeat("A line of the newsletter as it goes out.\r\n", 500)
	for _, run := range []struct {
		name           string
		relay, bounces load
	}{
		{"relay", load{16, 0}, load{}},
		{"bounces", load{}, load{32, 0}},
		{"both", load{16, 0}, load{32, 1000}},
		{"relay-again", load{16, 0}, load{}},
	} {
		b.Run(run.name, func(b *testing.B) {
			h := newHouse(b, sink.Options{Discard: true})
			h.config.Consent = consent.Config{BounceLimit: 5, BounceProof: 144 * time.Hour}
			h.config.Returns = feedback.Config{PassOn: true}
			g, _ := h.run()
			send(b, g, "first@example.net") // the list comes into being
			for b.Loop() {
				var mails, bounces int64
				var both sync.WaitGroup
				if run.relay.connections > 0 {
					both.Go(func() {
						mails = clients(b, g, run.relay, period, func(n int) (string, string, string) {
							return "news@example.org", fmt.Sprintf("r%d@example.com", n), body
						})
					})
				}
				if run.bounces.connections > 0 {
					both.Go(func() {
						bounces = clients(b, g, run.bounces, period, func(n int) (string, string, string) {
							to, data := h.bounceOf(b, n)
							return "", to, data
						})
					})
				}
				both.Wait()
				b.ReportMetric(float64(mails)/period.Seconds(), "mails/s")
				b.ReportMetric(float64(bounces)/period.Seconds(), "bounces/s")
			}
		})
	}
}
