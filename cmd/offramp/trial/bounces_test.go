package trial

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// event is a line of `offramp events --json`.
type event struct{ Kind, Reason, Way, Detail, List string }

// eventsOf returns what is recorded about a person, oldest first.
func (p *process) eventsOf(person string) (all []event) {
	p.t.Helper()
	out, _ := p.run("events", "--json", "--recipient", person, "--limit", "100")
	for line := range strings.Lines(out) {
		var e event
		must(p.t, json.Unmarshal([]byte(line), &e))
		all = append(all, e)
	}
	return all
}

// awaitEvent waits for an event of that kind.
func (p *process) awaitEvent(person, kind string, n int) event {
	p.t.Helper()
	var found event
	if err := poll(40*time.Second, func() error {
		seen := 0
		for _, e := range p.eventsOf(person) {
			if e.Kind == kind {
				found, seen = e, seen+1
			}
		}
		if seen < n {
			return fmt.Errorf("%s has no %s event: %+v", person, kind, p.eventsOf(person))
		}
		return nil
	}); err != nil {
		p.t.Errorf("%v", err)
	}
	return found
}

// provider is a Postfix that takes mail for many domains and can deliver little
// of it, so that it bounces as mail providers do.
func provider(t *testing.T, p *process) *postfix {
	t.Helper()
	elsewhere := startPostfix(t, "", "mydestination = large.example", "message_size_limit = 3000",
		"smtpd_relay_restrictions = reject_unauth_destination", "mynetworks = 192.0.2.1")
	uid := "65534"
	mx := startPostfix(t, bracketed(p.smtp),
		"virtual_mailbox_domains = full.example trial.example",
		"virtual_mailbox_maps = inline:{ {full@full.example = full}, {news@trial.example = news} }",
		"virtual_uid_maps = static:"+uid, "virtual_gid_maps = static:"+uid, "virtual_minimum_uid = 100",
		"smtpd_reject_unlisted_recipient = no",
		"transport_maps = inline:{ {relay.example = smtp:"+bracketed(elsewhere.addr)+"}, {large.example = smtp:"+bracketed(elsewhere.addr)+"}, {dead.example = smtp:[127.0.0.1]:1} }",
		"message_size_limit = 100000", "virtual_mailbox_limit = 100000", "mailbox_size_limit = 0",
		"delay_warning_time = 1s", "bounce_queue_lifetime = 1d", "virtual_mailbox_base = $data_directory/../boxes")
	boxes := filepath.Join(mx.dir, "boxes")
	must(t, os.Mkdir(boxes, 0o777))
	must(t, os.Chmod(boxes, 0o777))
	must(t, os.WriteFile(filepath.Join(boxes, "full"), []byte("From a@b Fri Nov 27 00:00:00 2026\n\n"+strings.Repeat("x\n", 49_950)), 0o666))
	must(t, os.Chmod(filepath.Join(boxes, "full"), 0o666))
	mx.command("chown", "nobody", filepath.Join(boxes, "full"))
	return mx
}

// A message goes out through Offramp, Postfix takes it and bounces it, and the
// next one is dropped where the address is dead, and only there.
func TestBouncesOfPostfixCloseTheLoop(t *testing.T) {
	p := setup(t, "", "FEEDBACK_DOMAIN=bounce.trial.example", "BOUNCE_LIMIT=1")
	mx := provider(t, p)
	p.env["NEXT_HOP"] = "smtp://" + mx.addr
	p.start()
	big := strings.Repeat(strings.Repeat("x", 70)+"\r\n", 100)
	send := func(to, body string) {
		t.Helper()
		c, err := dial(p.smtp)
		must(t, err)
		defer c.close()
		must(t, c.send("news@trial.example", []string{to}, append(letter("news.trial.example"), body...)))
	}
	cases := []struct {
		name, to, body string
		kind           string // of the event
		said           string // in its detail
		stopped        bool
	}{
		{"unknown user", "nobody@full.example", "", "bounced", "5.1.1", true},
		{"over quota", "full@full.example", "", "bounced", "5.2.2", true}, // soft, and one is the limit here
		{"relay denied", "somebody@relay.example", "", "bounced", "5.7.1", false},
		{"delayed", "somebody@dead.example", "", "answered", "delayed", false},
		{"too large", "somebody@large.example", big, "bounced", "5.3.4", false},
	}
	for _, c := range cases {
		send(c.to, c.body)
	}
	for _, c := range cases {
		e := p.awaitEvent(c.to, c.kind, 1)
		if !strings.Contains(e.Detail, c.said) || e.Way != "mail" {
			t.Errorf("%s: %+v", c.name, e)
		}
		if c.stopped {
			p.awaitEvent(c.to, "suppressed", 1)
		}
	}
	for _, c := range cases {
		send(c.to, c.body)
	}
	for _, c := range cases {
		if c.stopped {
			if e := p.awaitEvent(c.to, "dropped", 1); e.Reason != "bounced" {
				t.Errorf("%s: %+v", c.name, e)
			}
			continue
		}
		if c.kind == "bounced" {
			p.awaitEvent(c.to, "bounced", 2) // it went out again
		}
		for _, e := range p.eventsOf(c.to) {
			if e.Kind == "dropped" || e.Kind == "suppressed" {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
	}
	out, _ := p.run("suppress", "list", "--json")
	if n := strings.Count(out, `"bounced"`); n != 2 {
		t.Errorf("%d suppressions, want 2:\n%s", n, out)
	}
	// Whoever sent it has the bounces too: at least one of each address.
	if err := poll(20*time.Second, func() error {
		box, err := os.ReadFile(filepath.Join(mx.dir, "boxes", "news"))
		if n := strings.Count(string(box), "\nFrom: Mail Delivery System"); err != nil || n < len(cases) {
			return fmt.Errorf("%d bounces were passed on, %v", n, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		log, _ := os.ReadFile(mx.dir + "/mail.log")
		t.Logf("offramp:\n%.6000s\nPostfix:\n%.6000s", p.log, log)
	}
}
