package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/envelope"
	"offramp/gateway/record"
	"offramp/store"
)

// testFlags are the flags of send-test.
type testFlags struct {
	to, from, list, via, login, passwordFile, received, ca, dns string
}

func (a *app) sendTestCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use: "send-test", Short: "Send a test newsletter through the running server and check every part of its way; exits 1 when one is broken", Args: exactly(),
		Long: "Hand a test newsletter for --to to the running server by SMTP, show the dialogue,\n" +
			"and check one after the other: that the message leaves with its unsubscribe headers\n" +
			"once, that DKIM covers them and verifies against the key in the DNS, that the link\n" +
			"is reached from here with a valid certificate, that its page is shown and that a\n" +
			"one-click POST is answered without redirect or cookie, that the next hop offers TLS,\n" +
			"and that mail to the feedback domain has a way back.\n\n" +
			"The server renders the message for the checks as it does for its queue. What later\n" +
			"servers did to it shows in the mailbox only: save the message there with all its\n" +
			"headers, and check that with --received. Nobody's choice changes: the one-click POST\n" +
			"is for " + testPerson + ", who is nobody.",
		Example: "  offramp send-test --to you@example.org\n  offramp send-test --received message.eml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.to == "" && f.received == "" {
				return fault("send-test: --to or --received is missing: see `offramp send-test --help`")
			}
			if err := a.askAs(f); err != nil {
				return err
			}
			return a.sendTest(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "your address, which gets the newsletter")
	flags.StringVar(&f.from, "from", "", "sender (default: send-test at the domain of the first DKIM key)")
	flags.StringVar(&f.list, "list", "", "list of the newsletter (default: send-test at the sender's domain)")
	flags.StringVar(&f.via, "via", "", "host:port that takes the mail (default: that of OFFRAMP_SMTP_ADDR)")
	flags.StringVar(&f.login, "login", "", "name to log in with; the password is read from --password-file")
	flags.StringVar(&f.passwordFile, "password-file", "", "file with the password of --login; - reads stdin")
	flags.StringVar(&f.received, "received", "", "file with the message as it arrived, with all headers; - reads stdin")
	flags.StringVar(&f.ca, "ca", "", "PEM file of an authority that the certificate of the page is verified against too; mail programs know it not")
	flags.StringVar(&f.dns, "dns", "", "host:port of the DNS server to ask (default: that of this machine)")
	return cmd
}

// askAs has the checks ask the DNS, and trust certificates, as the flags say.
func (a *app) askAs(f testFlags) error {
	if f.dns != "" {
		if _, _, err := net.SplitHostPort(f.dns); err != nil {
			return fault("--dns: invalid address %q: write host:port", f.dns)
		}
		a.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, f.dns)
		}}
	}
	if f.ca == "" {
		return nil
	}
	pem, err := os.ReadFile(f.ca)
	if err != nil {
		return fault("--ca: %s", plainPathError(err))
	}
	if a.roots, err = x509.SystemCertPool(); err != nil {
		a.roots = x509.NewCertPool()
	}
	if !a.roots.AppendCertsFromPEM(pem) {
		return fault("--ca: %s has no certificate in PEM", f.ca)
	}
	return nil
}

// testPerson is who the one-click request is for: the domain can never exist (RFC
// 2606), so no choice of anybody is touched.
const testPerson = "send-test@offramp.invalid"

// tester is one run of send-test.
type tester struct {
	*checker
	flags    testFlags
	from, to envelope.Address
	api      *client
	dialogue []string // with the server
	queueID  string
}

func (a *app) sendTest(ctx context.Context, f testFlags) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	t := &tester{checker: &checker{app: a, settings: s}, flags: f}
	if f.to != "" {
		if err := t.parties(); err != nil {
			return err
		}
		t.api = s.serverClient()
		t.way(ctx)
	}
	if f.received != "" {
		raw, err := a.readInput(f.received)
		if err != nil {
			return err
		}
		t.received(ctx, raw)
	}
	return t.print()
}

// way checks every part of the way, as far as the parts before allow.
func (t *tester) way(ctx context.Context) {
	message := t.newsletter()
	if t.submit(ctx, message) {
		if out, ok := t.rendered(ctx, message, t.to); ok {
			t.message(ctx, out.Message, "the server")
			t.clockOf(out.Message)
		}
		if out, ok := t.rendered(ctx, message, nobodyAddress()); ok {
			t.link(ctx, out.Message)
		}
		t.delivered(ctx)
	}
	t.hops(ctx)
	t.feedback(ctx)
}

// patience is how long the newsletter may be on its way to the next hop.
const patience = 10 * time.Second

// delivered looks what became of the newsletter: it has left the queue, or waits
// there, or failed.
func (t *tester) delivered(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var page record.QueuePage
		if err := t.api.call(ctx, http.MethodGet, "queue"+pairs("id", t.queueID), nil, &page); err != nil {
			t.add(findWarn, "delivery", "the queue cannot be asked: "+err.Error(), "")
			return
		}
		if len(page.Items) == 0 {
			t.left(ctx)
			return
		}
		for _, r := range page.Items[0].Recipients {
			if r.State == string(store.Failed) {
				t.add(findFail, "delivery", "the newsletter was not delivered: "+r.DelayReason, "")
				return
			}
			if r.DelayReason != "" || r.State == string(store.Held) {
				t.add(findFail, "delivery", fmt.Sprintf("the newsletter waits in the queue: %s", cmp.Or(r.DelayReason, "it is held")), t.app.command("queue show "+t.queueID))
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.add(findWarn, "delivery", fmt.Sprintf("the newsletter is still in the queue after %s", shortDuration(patience)), t.app.command("queue show "+t.queueID))
			return
		}
	}
}

// left says whether the newsletter was delivered or failed.
func (t *tester) left(ctx context.Context) {
	var events record.EventPage
	query := "events" + pairs("recipient", t.to.String(), "kind", string(store.EventFailed)+","+string(store.EventDropped), "latest", "true", "limit", "20")
	if err := t.api.call(ctx, http.MethodGet, query, nil, &events); err != nil {
		t.add(findWarn, "delivery", "the events cannot be asked: "+err.Error(), "")
		return
	}
	for _, e := range events.Items {
		if e.QueueID == t.queueID {
			t.add(findFail, "delivery", fmt.Sprintf("the newsletter was not delivered: %s", cmp.Or(e.Detail, e.Reason)), "")
			return
		}
	}
	t.add(findOK, "delivery", "the next hop took the newsletter; --received shows what happens behind it", "")
}

func nobodyAddress() envelope.Address {
	a, err := envelope.Parse(testPerson)
	if err != nil {
		panic(err) // it is a constant
	}
	return a
}

// parties chooses the sender and the recipient.
func (t *tester) parties() (err error) {
	if t.to, err = envelope.Parse(t.flags.to); err != nil || t.to.IsNull() {
		return fault("--to: invalid mail address %q", t.flags.to)
	}
	from := t.flags.from
	if from == "" {
		from = "send-test@" + t.settings.Gateway.Feedback()
		if keys, err := t.settings.dkimEntries(); err == nil && len(keys) > 0 {
			from = "send-test@" + keys[0].domain
		}
	}
	if strings.HasSuffix(from, "@") {
		return fault("--from: name a sender, since no setting names a domain (OFFRAMP_DKIM_KEYS, OFFRAMP_FEEDBACK_DOMAIN)")
	}
	if t.from, err = envelope.Parse(from); err != nil || t.from.IsNull() {
		return fault("--from: invalid mail address %q", from)
	}
	if t.flags.list == "" {
		t.flags.list = "send-test." + t.from.Domain()
	}
	return nil
}

// newsletter is the message as an application would hand it over.
func (t *tester) newsletter() []byte {
	now := t.app.now()
	return fmt.Appendf(nil, "From: Offramp test <%s>\r\nTo: %s\r\nSubject: Offramp test newsletter\r\nDate: %s\r\nMessage-ID: <send-test.%d@%s>\r\n"+
		"List-Id: Test of Offramp <%s>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"+
		"This newsletter was sent by `offramp send-test`.\r\n\r\nYour mail program should show a button to unsubscribe. It leaves the list\r\n%s only.\r\n",
		t.from, t.to, now.Format(time.RFC1123Z), now.UnixNano(), t.from.Domain(), t.flags.list, t.flags.list)
}

// rendered has the server render the message for a recipient.
func (t *tester) rendered(ctx context.Context, message []byte, to envelope.Address) (out record.Preview, ok bool) {
	err := t.api.call(ctx, http.MethodPost, "preview", record.PreviewMail{From: t.from.String(), To: to.String(), Login: t.flags.login, Message: message}, &out)
	switch {
	case err != nil:
		t.add(findFail, "server", "the server does not show what it sends: "+err.Error(), "")
	case out.Refused != "":
		t.add(findFail, "server", "the server refuses the newsletter: "+out.Refused, "")
	case out.Dropped:
		t.add(findFail, "recipient", fmt.Sprintf("%s opted out or is suppressed, so nothing is sent: name another address with --to", to), t.app.command("recipient show "+shellQuote(to.String())))
	case out.List == "":
		t.add(findFail, "list", "the server takes the newsletter for mail of no list, so it gets no unsubscribe headers: see docs/streams.md", "")
	default:
		return out, true
	}
	return out, false
}

// received checks the message as it arrived.
func (t *tester) received(ctx context.Context, raw []byte) {
	// A file that was saved may have the line ends of the system it was saved on.
	raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	t.message(ctx, raw, "the mailbox")
}

// feedback looks for the way back of opt-outs by mail and of bounces.
func (t *tester) feedback(ctx context.Context) {
	domain := t.settings.Gateway.Feedback()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := t.app.resolver.LookupMX(ctx, domain+".")
	switch {
	case err != nil && !isNotFound(err):
		t.add(findWarn, "feedback", fmt.Sprintf("the DNS did not answer for the MX of %s: %v", domain, err), "")
	case len(found) == 0:
		t.add(findFail, "feedback", fmt.Sprintf("the feedback domain %s has no MX: opt-outs by mail and bounces do not arrive", domain), t.app.command("dns "+t.from.Domain()))
	default:
		t.add(findOK, "feedback", fmt.Sprintf("%s has the MX %s", domain, strings.TrimSuffix(found[0].Host, ".")), "")
	}
}

// print shows the dialogue, then what was found.
func (t *tester) print() error {
	if !t.app.asJSON {
		for _, line := range t.dialogue {
			t.app.print("%s", printable(line))
		}
		if len(t.dialogue) > 0 {
			t.app.print("")
		}
		return t.app.printCheck(t.findings)
	}
	if err := t.app.printJSON(map[string]any{"dialogue": t.dialogue, "queue_id": t.queueID, "findings": t.findings}); err != nil {
		return err
	}
	for _, f := range t.findings {
		if f.State == findFail {
			return silent{exitFailed}
		}
	}
	return nil
}

// readInput reads a file, or stdin for -.
func (a *app) readInput(name string) ([]byte, error) {
	if name == "-" {
		return readAllOf(a.stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fault("%s", plainPathError(err))
	}
	defer f.Close()
	return readAllOf(f)
}
