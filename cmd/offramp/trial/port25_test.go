package trial

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

var mailtoURI = regexp.MustCompile(`<mailto:([^?>]+)`)

// rcpt asks whether an address would be taken, from a stranger.
func rcpt(t *testing.T, addr string, to ...string) (replies []string) {
	t.Helper()
	c, err := dial(addr)
	must(t, err)
	defer c.close()
	for i, line := range append([]string{"MAIL FROM:<ada@dest.example>"}, to...) {
		if i > 0 {
			line = "RCPT TO:<" + line + ">"
		}
		reply, err := c.command(line)
		must(t, err)
		if i > 0 {
			replies = append(replies, reply)
		}
	}
	return replies
}

// Postfix has port 25 and hands the feedback domain to Offramp: a stranger's
// opt-out counts, a forged address is refused at RCPT, nothing is relayed.
func TestPostfixSharesPort25(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	o := start(t, "smtp://"+s.Addr(), "FEEDBACK_DOMAIN=bounce.trial.example")
	// Nobody is trusted by this Postfix, and everybody by Offramp behind it.
	p := startPostfix(t, bracketed(s.Addr()), "mynetworks = 192.0.2.1", "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination",
		"recipient_delimiter = +", "relay_domains = relayed.example", "transport_maps = inline:{ {relayed.example = error:closed} }", "address_verify_poll_delay = 1s")
	p.follow("port25", "[127.0.0.1]:2525", bracketed(o.smtp), "bounce.example.com", "bounce.trial.example",
		"time = 1m", "time = 2s")
	if text, _ := p.findings(o); !strings.Contains(strings.Join(text, "\n"), "ok: mail to bounce.trial.example is handed to Offramp") {
		t.Errorf("check says %q", text)
	}
	people := []string{"plain@dest.example", "umlaut@dest.example", "large@dest.example"}
	optOut := map[string]string{}
	for _, person := range people {
		m := sendListMail(t, o, s, person)
		found := mailtoURI.FindStringSubmatch(field(m.Data, "List-Unsubscribe"))
		if found == nil {
			t.Fatalf("no mailto in\n%s", m.Data)
		}
		optOut[person] = found[1]
		if reply := rcpt(t, p.addr, m.ReversePath)[0]; !strings.HasPrefix(reply, "250") {
			t.Errorf("bounce address: %s", reply)
		}
	}
	refusesStrangers(t, p, optOut[people[0]])
	for _, person := range people {
		optOutBy(t, p, person, optOut[person])
		o.awaitEvent(person, "unsubscribed", 1)
	}
	taken := s.Taken()
	for _, person := range people {
		c, err := dial(o.smtp)
		must(t, err)
		must(t, c.send("news@trial.example", []string{person}, letter("news.trial.example")))
		c.close()
		o.awaitEvent(person, "dropped", 1)
	}
	if n := s.Taken(); n != taken || taken != len(people) {
		t.Errorf("%d messages left, want the first %d only", n, len(people))
	}
	comesAgain(t, o, p)
}

func sendListMail(t *testing.T, o *process, s *sink.Sink, to string) sink.Message {
	t.Helper()
	c, err := dial(o.smtp)
	must(t, err)
	defer c.close()
	must(t, c.send("news@trial.example", []string{to}, letter("news.trial.example")))
	var found sink.Message
	if err := poll(20*time.Second, func() error {
		for _, m := range s.Messages() {
			if m.Recipients[0] == to {
				found = m
				return nil
			}
		}
		return fmt.Errorf("no copy for %s", to)
	}); err != nil {
		t.Fatalf("%v\n%s", err, o.log)
	}
	return found
}

// refusesStrangers tries forged addresses, and what could hide another
// recipient in the feedback domain.
func refusesStrangers(t *testing.T, p *postfix, good string) {
	t.Helper()
	local, domain, _ := strings.Cut(good, "@")
	last := local[len(local)-1:]
	forged := local[:len(local)-1] + map[bool]string{true: "b", false: "a"}[last == "a"]
	for _, to := range []string{forged + "@" + domain, "u+@" + domain, "news@" + domain, "root@" + domain} {
		if reply := rcpt(t, p.addr, to)[0]; !strings.HasPrefix(reply, "550 5.1.1") {
			t.Errorf("RCPT TO:<%s>: %s", to, reply)
		}
	}
	for _, to := range []string{
		"victim@evil.example", "victim%evil.example@" + domain, "@" + domain + ":victim@evil.example", `"victim@evil.example"@` + domain,
		"evil.example!victim@" + domain, "victim@sub." + domain, "victim@" + domain + ".evil.example",
	} {
		replies := rcpt(t, p.addr, good, to)
		if !strings.HasPrefix(replies[0], "250") || !strings.HasPrefix(replies[1], "5") {
			t.Errorf("RCPT TO:<%s> behind a good one: %q", to, replies)
		}
	}
}

// optOutBy sends the mail that a person's mail program sends.
func optOutBy(t *testing.T, p *postfix, person, to string) {
	t.Helper()
	c, err := dial(p.addr)
	must(t, err)
	defer c.close()
	data := "From: <" + person + ">\r\nTo: <" + to + ">\r\nSubject: unsubscribe\r\n\r\n"
	parameters := ""
	switch {
	case strings.HasPrefix(person, "umlaut"):
		parameters = " SMTPUTF8"
		data = strings.Replace(data, "unsubscribe", "k\u00fcndigen", 1)
	case strings.HasPrefix(person, "large"):
		data += strings.Repeat(strings.Repeat("x", 70)+"\r\n", 30_000)
	}
	for _, step := range []struct{ line, want string }{
		{"MAIL FROM:<" + person + ">" + parameters, "250"}, {"RCPT TO:<" + to + ">", "250"}, {"DATA", "354"},
	} {
		if reply, err := c.command(step.line); err != nil || !strings.HasPrefix(reply, step.want) {
			t.Fatalf("%s: %q %v", step.line, reply, err)
		}
	}
	_, err = c.conn.Write(stuff([]byte(data)))
	must(t, err)
	if err := c.expect("250"); err != nil {
		t.Errorf("%s: %v", person, err)
	}
}

// comesAgain: while Offramp is down a good address is put off, not refused, and
// that is not remembered.
func comesAgain(t *testing.T, o *process, p *postfix) {
	t.Helper()
	o.kill()
	to := "complaints@bounce.trial.example"
	if reply := rcpt(t, p.addr, to)[0]; !strings.HasPrefix(reply, "450") {
		t.Errorf("Offramp is down: %s", reply)
	}
	o.start()
	if err := poll(40*time.Second, func() error {
		if reply := rcpt(t, p.addr, to)[0]; !strings.HasPrefix(reply, "250") {
			return fmt.Errorf("Offramp is back: %s", reply)
		}
		return nil
	}); err != nil {
		log, _ := os.ReadFile(p.dir + "/mail.log")
		t.Errorf("%v\n%s", err, log[max(0, len(log)-4000):])
	}
}

// A Postfix that keeps the feedback domain for itself: check says so, and its
// lines as printed, in any number of rounds, hand it to Offramp.
func TestCheckFixesTheFeedbackDomain(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	o := start(t, "smtp://"+s.Addr(), "FEEDBACK_DOMAIN=bounce.trial.example")
	for name, wrong := range map[string][]string{
		"local":       {"mydestination = host.example, bounce.trial.example"},
		"loop":        {"relay_domains = bounce.trial.example"},
		"backscatter": {"relay_domains = bounce.trial.example", "transport_maps = inline:{ {bounce.trial.example = smtp:" + bracketed(o.smtp) + "} }"},
		"recipients":  {"relay_domains = bounce.trial.example", "relay_recipient_maps = inline:{ {a@b.example = x} }"},
	} {
		p := startPostfix(t, bracketed(s.Addr()), append(wrong, "mynetworks = 192.0.2.1", "default_transport = smtp:"+bracketed(o.smtp),
			"smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination", "address_verify_poll_delay = 1s")...)
		text, fixes := p.findings(o)
		if len(fixes) == 0 {
			t.Errorf("%s: check says %q", name, text)
		}
		for round := 0; len(fixes) > 0 && round < 4; round++ {
			p.run(fixes[0])
			text, fixes = p.findings(o)
		}
		if !strings.Contains(strings.Join(text, "\n"), "mail to bounce.trial.example is handed to Offramp") && !strings.Contains(strings.Join(text, "\n"), "subdomain") {
			t.Errorf("%s: after its lines check says %q", name, text)
		}
		for to, want := range map[string]string{"u+forged@bounce.trial.example": "550", "complaints@bounce.trial.example": "250"} {
			if reply := rcpt(t, p.addr, to)[0]; !strings.HasPrefix(reply, want) {
				t.Errorf("%s: RCPT TO:<%s>: %s", name, to, reply)
			}
		}
	}
}
