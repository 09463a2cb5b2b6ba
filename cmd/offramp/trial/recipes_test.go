package trial

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// hardened is what guides for a smarthost have people set for all
// destinations. Each setting stands in the way of a relayhost that is Offramp.
func hardened(smarthost string) []string {
	return []string{
		"smtp_tls_security_level = encrypt", "smtp_sasl_auth_enable = yes",
		"smtp_sasl_password_maps = inline:{ {" + smarthost + " = user:secret}, {news@trial.example = news:secret} }",
		"smtp_sasl_security_options = noanonymous", "smtp_sender_dependent_authentication = yes",
		"sender_dependent_relayhost_maps = inline:{ {news@trial.example = " + smarthost + "} }",
		"smtp_tls_policy_maps = inline:{ {[192.0.2.1]:25 = secure} }", "smtp_fallback_relay = [127.0.0.1]:1",
	}
}

// recipe is a block of docs/postfix.md, so that what is documented is what runs.
func recipe(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/postfix.md")
	must(t, err)
	_, rest, found := strings.Cut(string(page), "<!-- recipe: "+name+" -->\n```sh\n")
	block, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatalf("docs/postfix.md has no recipe %s", name)
	}
	return block
}

// shell runs lines as they are printed, on this instance.
func (p *postfix) shell(lines string) {
	p.t.Helper()
	script := ""
	for _, tool := range []string{"postconf", "postfix", "postsuper", "postqueue"} {
		script += tool + "() { command " + tool + " -c " + p.dir + "/etc \"$@\"; }\n"
	}
	cmd := exec.Command("sh", "-c", "set -e\n"+script+lines)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%v\n%s\n%s", err, lines, out)
	}
}

// follow runs a recipe with the addresses of this trial in place of those of
// the page.
func (p *postfix) follow(name string, replace ...string) {
	p.t.Helper()
	replace = append(replace, "/etc/postfix/", p.dir+"/etc/")
	text := recipe(p.t, name)
	for i := 0; i < len(replace)-2; i += 2 {
		if !strings.Contains(text, replace[i]) {
			p.t.Fatalf("recipe %s does not have %q any more", name, replace[i])
		}
	}
	before := p.servers()
	p.shell(strings.NewReplacer(replace...).Replace(text))
	p.reloaded(before)
}

// servers are the processes of this instance that take mail.
func (p *postfix) servers() (pids []string) {
	p.t.Helper()
	master, err := os.ReadFile(p.dir + "/spool/pid/master.pid")
	must(p.t, err)
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	must(p.t, err)
	for _, path := range all {
		stat, err := os.ReadFile(path)
		// pid (name) state ppid ...; one that has ended meanwhile is not there.
		if f := strings.Fields(string(stat)); err == nil && len(f) > 3 && f[1] == "(smtpd)" && f[3] == strings.TrimSpace(string(master)) {
			pids = append(pids, f[0])
		}
	}
	return pids
}

// reloaded waits until Postfix has read its settings again, and none of the
// servers that have the ones before is left: a reload only asks for that.
func (p *postfix) reloaded(before []string) {
	p.t.Helper()
	p.reloads++
	must(p.t, poll(30*time.Second, func() error {
		log, err := os.ReadFile(p.dir + "/mail.log")
		if err != nil {
			return err
		}
		if n := strings.Count(string(log), ": reload -- version "); n < p.reloads {
			return fmt.Errorf("%d of %d reloads are done", n, p.reloads)
		}
		for _, pid := range p.servers() {
			if slices.Contains(before, pid) {
				return fmt.Errorf("smtpd %s has the settings from before", pid)
			}
		}
		return nil
	}))
}

// submit sends one message of a list through this Postfix.
func (p *postfix) submit(from, subject string) {
	p.t.Helper()
	c, err := dial(p.addr)
	must(p.t, err)
	defer c.close()
	must(p.t, c.send(from, []string{"ada@dest.example"}, []byte("From: "+from+"\r\nList-Id: <news.trial.example>\r\nSubject: "+subject+"\r\n\r\nhello\r\n")))
}

// arrives waits for a message, and for it to have passed Offramp or not.
func (p *postfix) arrives(s *sink.Sink, subject string, through bool) {
	p.t.Helper()
	if err := poll(40*time.Second, func() error {
		for _, m := range s.Messages() {
			if field(m.Data, "Subject") != subject {
				continue
			}
			if passed := unsubscribeURL(m.Data) != ""; passed != through {
				p.t.Errorf("%s: passed Offramp: %v, want %v", subject, passed, through)
			}
			return nil
		}
		return fmt.Errorf("%s did not arrive", subject)
	}); err != nil {
		log, _ := os.ReadFile(p.dir + "/mail.log")
		p.t.Fatalf("%v\n%s", err, log)
	}
}

// findings are what check says about a Postfix.
func (p *postfix) findings(o *process) (text, fixes []string) {
	p.t.Helper()
	out, _ := o.run("check", "--offline", "--json", "--postfix="+p.dir+"/etc")
	var all []struct{ State, What, Text, Fix string }
	must(p.t, json.Unmarshal([]byte(out), &all))
	for _, f := range all {
		if f.What != "Postfix" {
			continue
		}
		text = append(text, f.State+": "+f.Text)
		if f.State == "fail" {
			fixes = append(fixes, f.Fix)
		}
	}
	return text, fixes
}

// offrampAndSmarthost is Offramp with a sink behind it, and the smarthost that
// a Postfix had before.
func offrampAndSmarthost(t *testing.T, extra ...string) (*process, *sink.Sink, *sink.Sink) {
	t.Helper()
	behind, err := sink.Start(sink.Options{})
	must(t, err)
	t.Cleanup(func() { behind.Close() })
	cert, key := certFiles(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	must(t, err)
	smarthost, err := sink.Start(sink.Options{TLS: &tls.Config{Certificates: []tls.Certificate{pair}}})
	must(t, err)
	t.Cleanup(func() { smarthost.Close() })
	return start(t, "smtp://"+behind.Addr(), append([]string{"FEEDBACK_DOMAIN=bounce.trial.example"}, extra...)...), behind, smarthost
}

// Both recipes work on a plain and on a hardened Postfix, check finds nothing
// wrong then, and one line takes each out again.
func TestRecipesOnPlainAndHardenedPostfix(t *testing.T) {
	o, behind, smarthost := offrampAndSmarthost(t)
	before := bracketed(smarthost.Addr())
	for name, settings := range map[string][]string{"plain": nil, "hardened": hardened(before)} {
		p := startPostfix(t, before, settings...)
		p.submit("news@trial.example", name+" before")
		p.arrives(smarthost, name+" before", false)
		if text, fixes := p.findings(o); len(fixes) != 1 || !strings.Contains(text[0], "no mail of this Postfix reaches Offramp") {
			t.Errorf("%s: %q", name, text)
		}
		for _, r := range []struct {
			recipe  string
			replace []string
		}{
			{"everything", []string{"[127.0.0.1]:2525", bracketed(o.smtp)}},
			{"senders", []string{"[127.0.0.1]:2525", bracketed(o.smtp), "news@example.com", "news@trial.example", "news.example.com", "news.trial.example"}},
		} {
			label := name + " " + r.recipe
			p.follow(r.recipe, r.replace...)
			for i, from := range []string{"news@trial.example", "any@news.trial.example"} {
				p.submit(from, fmt.Sprint(label, i))
				p.arrives(behind, fmt.Sprint(label, i), true)
			}
			other := label + " other"
			p.submit("other@trial.example", other)
			if r.recipe == "everything" {
				p.arrives(behind, other, true)
			} else {
				p.arrives(smarthost, other, false)
			}
			if text, fixes := p.findings(o); len(fixes) > 0 {
				t.Errorf("%s: %q", label, text)
			}
			p.follow(r.recipe + "-out")
			p.submit("news@trial.example", label+" out")
			p.arrives(smarthost, label+" out", false)
		}
	}
}

// Whatever main.cf has for the connections to a smarthost, the transport of the
// recipe is not touched by it.
func TestRecipeHoldsWithEverySetting(t *testing.T) {
	o, behind, _ := offrampAndSmarthost(t)
	p := startPostfix(t, "[smtp.provider.example]:465", append(hardened("[smtp.provider.example]:465"),
		"smtp_tls_wrappermode = yes", "smtp_tls_security_level = dane-only", "smtp_dns_support_level = dnssec", "smtp_host_lookup = dns",
		"smtp_tls_policy_maps = static:secure", "smtp_bind_address = 192.0.2.7", "smtp_fallback_relay = [127.0.0.1]:1",
		"smtp_sasl_security_options = noplaintext, noanonymous", "smtp_sasl_mechanism_filter = gssapi",
		"smtp_generic_maps = inline:{ {root@localdomain = news@trial.example} }", "smtp_destination_rate_delay = 3600s",
		"sender_dependent_relayhost_maps = static:[other.example]:465")...)
	p.follow("everything", "[127.0.0.1]:2525", bracketed(o.smtp))
	for _, subject := range []string{"first", "second"} {
		p.submit("news@trial.example", subject)
		p.arrives(behind, subject, true)
	}
	if text, fixes := p.findings(o); len(fixes) > 0 {
		t.Errorf("%q", text)
	}
}

// Only relayhost is changed, as the first hour has it: everything is deferred.
// check says why, its line as printed lets the deferred mail go, and one line
// takes it out.
func TestCheckFixesAHardenedPostfix(t *testing.T) {
	o, behind, smarthost := offrampAndSmarthost(t)
	settings := hardened(bracketed(smarthost.Addr()))
	settings = append(settings, "sender_dependent_relayhost_maps =")
	p := startPostfix(t, bracketed(o.smtp), settings...)
	p.submit("news@trial.example", "deferred")
	if err := poll(20*time.Second, func() error {
		log, err := os.ReadFile(p.dir + "/mail.log")
		if err == nil && !strings.Contains(string(log), "TLS is required, but was not offered") {
			err = fmt.Errorf("not deferred yet: %s", log)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	text, fixes := p.findings(o)
	if len(fixes) != 1 || !strings.Contains(strings.Join(text, "\n"), "TLS is required (level encrypt)") {
		t.Fatalf("check says %q", text)
	}
	p.run(fixes[0])
	p.shell("postconf -e 'relayhost = " + bracketed(smarthost.Addr()) + "' && postqueue -f")
	p.arrives(behind, "deferred", true)
	if text, fixes := p.findings(o); len(fixes) > 0 {
		t.Errorf("after its own line check says %q", text)
	}
	// The line is the recipe of the page.
	want := strings.ReplaceAll(recipe(t, "everything"), "[127.0.0.1]:2525", bracketed(o.smtp))
	if got := strings.ReplaceAll(strings.ReplaceAll(fixes[0], " -c "+p.dir+"/etc", ""), " && ", "\n") + "\n"; got != want {
		t.Errorf("check prints\n%s\nand the page has\n%s", got, want)
	}
	p.follow("everything-out")
	p.submit("news@trial.example", "out")
	p.arrives(smarthost, "out", false)
}

// run executes a line exactly as it was printed.
func (p *postfix) run(line string) {
	p.t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// A Postfix on another machine logs in, over TLS that it verifies.
func TestRecipeWithTLSAndLogin(t *testing.T) {
	cert, key := certFiles(t)
	made := exec.Command(program, "keygen", "smtp-user", "shop")
	made.Stdin = strings.NewReader("correct-horse-battery\n")
	entry, err := made.Output()
	must(t, err)
	o, behind, smarthost := offrampAndSmarthost(t, "SMTP_TLS_CERT_FILE="+cert, "SMTP_TLS_KEY_FILE="+key,
		"TRUSTED_NETWORKS=none", "SMTP_USERS="+strings.TrimSpace(string(entry)))
	_, port, _ := strings.Cut(o.smtp, ":")
	for name, settings := range map[string][]string{"plain": nil, "hardened": hardened(bracketed(smarthost.Addr()))} {
		p := startPostfix(t, bracketed(smarthost.Addr()), append(settings, "smtp_host_lookup = native")...)
		p.follow("elsewhere", "[offramp.example.com]:2525", "[localhost]:"+port, "shop:PASSWORD", "shop:correct-horse-battery",
			"/etc/ssl/certs/ca-certificates.crt", cert)
		p.submit("news@trial.example", name)
		p.arrives(behind, name, true)
		if text, fixes := p.findings(o); len(fixes) > 0 {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// As a filter Offramp gives the mail back, and the smarthost stays the
// business of Postfix.
func TestRecipeOfTheFilter(t *testing.T) {
	o, _, smarthost := offrampAndSmarthost(t)
	back := freeAddr(t)
	o.kill()
	o.env["NEXT_HOP"] = "smtp://" + back
	o.start()
	before := bracketed(smarthost.Addr())
	p := startPostfix(t, before, append(hardened(before), "smtpd_tls_security_level = may")...)
	p.follow("filter", "[127.0.0.1]:2525", bracketed(o.smtp), "127.0.0.1:10026", back, "submission/inet", p.addr+"/inet")
	p.submit("news@trial.example", "filtered")
	p.arrives(smarthost, "filtered", true)
	if text, fixes := p.findings(o); len(fixes) > 0 {
		t.Errorf("%q", text)
	}
	p.follow("filter-out", "submission/inet", p.addr+"/inet")
	p.submit("news@trial.example", "out")
	p.arrives(smarthost, "out", false)
}
