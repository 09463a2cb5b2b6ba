package trial

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/gateway/sink"
)

// rcpt is what Postfix answers to a recipient.
func (p *postfix) rcpt(from, to string) string {
	p.t.Helper()
	c, err := dial(p.addr)
	must(p.t, err)
	defer c.close()
	if reply, err := c.command("MAIL FROM:<" + from + ">"); err != nil || !strings.HasPrefix(reply, "250") {
		p.t.Fatalf("MAIL: %s, %v", reply, err)
	}
	reply, err := c.command("RCPT TO:<" + to + ">")
	if err != nil {
		return err.Error()
	}
	return reply
}

// Postfix refuses who is stopped for all mail before it queues, and nobody else;
// without Offramp it goes on.
func TestPolicyServiceOfPostfix(t *testing.T) {
	behind, err := sink.Start(sink.Options{})
	must(t, err)
	defer behind.Close()
	for _, kind := range []string{"tcp", "unix"} {
		t.Run(kind, func(t *testing.T) {
			addr := freeAddr(t)
			setting, named := addr, "inet:"+addr
			if kind == "unix" {
				dir, err := os.MkdirTemp("", "offramp-policy-")
				must(t, err)
				defer os.RemoveAll(dir)
				must(t, os.Chmod(dir, 0o755))
				path := filepath.Join(dir, "policy")
				setting, named = "unix:"+path, "unix:"+path
			}
			o := start(t, "smtp://"+behind.Addr(), "POLICY_ADDR="+setting)
			for _, args := range [][]string{
				{"suppress", "add", "dead@dest.example", "--reason", "bounced"}, {"suppress", "add", "stopped@dest.example"},
				{"suppress", "add", "*@gone.example"}, {"suppress", "add", "fewer@dest.example", "--list", "news.trial.example"},
				{"recipient", "choose", "left@dest.example", "--state", "unsubscribed"},
			} {
				if _, code := o.run(args...); code != 0 {
					t.Fatalf("%v: exit %d", args, code)
				}
			}
			p := startPostfix(t, bracketed(o.smtp))
			p.follow("policy", "inet:127.0.0.1:10040", named)
			const from = "news@trial.example"
			for to, want := range map[string]string{
				"dead@dest.example":    "550 5.1.1 <dead@dest.example>: Recipient address rejected: Mail to this address came back as undeliverable before, so none is sent to it",
				"DEAD@Dest.Example":    "550 5.1.1 <DEAD@Dest.Example>: Recipient address rejected: Mail to this address came back as undeliverable before, so none is sent to it",
				"stopped@dest.example": "550 5.7.1 <stopped@dest.example>: Recipient address rejected: The operator has stopped all mail to this address",
				"anybody@gone.example": "550 5.7.1 <anybody@gone.example>: Recipient address rejected: The operator has stopped all mail to this address",
				"left@dest.example":    "250 2.1.5 Ok", // it may be a password reset
				"fewer@dest.example":   "250 2.1.5 Ok",
				"ada@dest.example":     "250 2.1.5 Ok",
			} {
				if got := p.rcpt(from, to); got != want {
					t.Errorf("%s: %q, want %q", to, got, want)
				}
			}
			if got := p.rcpt("", "dead@dest.example"); got != "250 2.1.5 Ok" {
				t.Errorf("a bounce: %q", got)
			}
			if out, _ := o.run("check", "--offline"); !strings.Contains(out, "answers Postfix on "+setting) {
				t.Errorf("check: %s", out)
			}
			if out, _ := o.run("check", "--offline", "--postfix="+p.dir+"/etc"); !strings.Contains(out, "asks the policy service on "+setting) {
				t.Errorf("check --postfix: %s", out)
			}
			o.kill() // as by kill -9: a socket stays
			if got := p.rcpt(from, "dead@dest.example"); got != "250 2.1.5 Ok" {
				t.Errorf("without Offramp: %q", got)
			}
			o.start()
			if got := p.rcpt(from, "dead@dest.example"); !strings.HasPrefix(got, "550 5.1.1") {
				t.Errorf("after a restart: %q", got)
			}
		})
	}
}
