package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
)

// headerChecks asks the tables of Postfix what they do to the fields that
// Offramp reads.
func (j *postfixCheck) headerChecks(ctx context.Context, routes []route) {
	try := func(name, value string, add func(text, field, table string)) {
		for _, line := range []string{"X-Offramp-List: news.example.com", "List-Id: <news.example.com>", "List-Unsubscribe: <https://example.com/u>"} {
			found, table := j.find(ctx, name, value, line)
			action, _, _ := strings.Cut(found, " ")
			switch strings.ToUpper(action) {
			case "", "DUNNO", "OK", "INFO", "WARN", "PREPEND":
				continue
			}
			field, _, _ := strings.Cut(line, ":")
			add(fmt.Sprintf("%s does %s to %s, before Offramp reads it", name, action, field), field, table)
		}
	}
	try("header_checks", j.p.main["header_checks"], func(text, field, table string) {
		j.addFinding(finding{State: findWarn, What: "Postfix", Text: text, Do: "remove the rule for " + field + " from " + table})
	})
	for _, r := range routes {
		if s, ok := j.p.service(r.transport, "unix"); ok {
			try("smtp_header_checks", j.p.value(s, "smtp_header_checks"), func(text, _, _ string) {
				j.addRoute(findWarn, text, r, "smtp_header_checks", "")
			})
		}
	}
}

// signers looks for milters that sign. They see the message before Offramp
// adds its fields, so their signature cannot cover them (RFC 8058 section 4).
func (j *postfixCheck) signers() {
	for _, name := range []string{"smtpd_milters", "non_smtpd_milters"} {
		for _, milter := range postfixList(j.p.main[name]) {
			if !slices.ContainsFunc([]string{"dkim", "rspamd", ":8891", ":12301", ":11332"}, func(s string) bool { return strings.Contains(milter, s) }) {
				continue
			}
			if len(j.settings.DKIMKeys) > 0 {
				j.add(findOK, "Postfix", fmt.Sprintf("%s (%s) signs before Offramp adds its fields; Offramp's own signature covers them, both are sent", milter, name), "")
				continue
			}
			f := finding{State: findWarn, What: "Postfix", Text: fmt.Sprintf("%s (%s) signs before Offramp adds its fields, so its signature does not cover them and mailbox providers ignore the one-click header: let Offramp sign", milter, name)}
			if domain := j.likelyDomain(); domain != "" {
				f.Fix = j.app.command("init " + domain)
			} else {
				f.Do = "make keys with init and the domain you send from"
			}
			j.addFinding(f)
		}
	}
	if j.p.main["always_add_missing_headers"] == "yes" && len(j.nextHops()) > 0 {
		j.add(findWarn, "Postfix", "always_add_missing_headers=yes: this Postfix takes Offramp's mail, and a Date or Message-ID that it adds breaks the signature", j.postconf("-X", "always_add_missing_headers")+" && "+j.reload())
	}
}

// samePorts looks for a port that both want on one address.
func (j *postfixCheck) samePorts() {
	theirs := j.p.listeners()
	for _, s := range []struct {
		name, free string
		addrs      []string
	}{
		{"OFFRAMP_SMTP_ADDR", "127.0.0.1:2525", j.settings.Gateway.SMTPAddr},
		{"OFFRAMP_SMTPS_ADDR", "127.0.0.1:2465", j.settings.Gateway.SMTPSAddr},
	} {
		for i, addr := range s.addrs {
			host, port, err := net.SplitHostPort(strings.TrimSpace(addr))
			if err != nil || !slices.ContainsFunc(theirs, func(other postfixListener) bool {
				h, p, _ := net.SplitHostPort(other.addr)
				return p == port && (h == host || everywhere(h) || everywhere(host))
			}) {
				continue
			}
			others := slices.Clone(s.addrs)
			others[i] = s.free
			j.addSetting(fmt.Sprintf("Offramp and Postfix both want %s: the one that starts later fails", addr), s.name, strings.Join(others, ","))
		}
	}
}

func everywhere(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

// feedbackHere says whether mail to the feedback domain arrives at this machine.
func (c *checker) feedbackHere(ctx context.Context, own []string) tristate {
	if c.offline {
		return unknown
	}
	all, err := c.app.resolver.LookupMX(ctx, c.settings.Gateway.Feedback()+".")
	if err != nil {
		return unknown
	}
	for _, mx := range all {
		addrs, err := c.app.resolver.LookupHost(ctx, mx.Host)
		if err != nil {
			return unknown
		}
		if slices.ContainsFunc(addrs, func(a string) bool { return slices.Contains(own, a) }) {
			return yes
		}
	}
	return no
}

// feedback looks at mail to the feedback domain that comes to this Postfix.
func (j *postfixCheck) feedback(ctx context.Context) {
	domain := j.settings.Gateway.Feedback()
	if domain == "" {
		return
	}
	for _, name := range []string{"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"} {
		if !j.lists(ctx, name, domain) {
			continue
		}
		f := finding{State: findFail, What: "Postfix", Text: fmt.Sprintf("%s has %s: Postfix keeps the opt-outs and bounces that come there, Offramp never sees them", name, domain)}
		have := postfixList(j.p.main[name])
		rest := slices.DeleteFunc(slices.Clone(have), func(s string) bool { return strings.EqualFold(s, domain) })
		if len(rest) < len(have) {
			f.Fix = j.postconf("-e", name+" = "+strings.Join(rest, ", ")) + " && "
		}
		if _, table := j.find(ctx, name, j.p.main[name], domain); table != "" {
			f.Do = "then remove " + domain + " from " + table
		}
		f.Fix += j.shared(domain)
		j.addFinding(f)
		return
	}
	relayed := j.lists(ctx, "relay_domains", domain)
	switch {
	case relayed && j.handsOn(ctx, domain):
		j.checkForged(ctx, domain)
	case relayed:
		j.add(findFail, "Postfix", fmt.Sprintf("relay_domains has %s, and transport_maps does not hand it to Offramp: its mail loops", domain), j.shared(domain))
	case !j.ownsPort25() || j.feedbackHere == no:
		// its mail does not come to this Postfix
	case j.feedbackHere == yes:
		j.add(findFail, "Postfix", fmt.Sprintf("the MX of %s is this machine, where Postfix has port 25 and refuses its mail: opt-outs and bounces are lost", domain), j.shared(domain))
	default:
		j.add(findWarn, "Postfix", fmt.Sprintf("Postfix has port 25 of this machine: where the MX of %s points here, Postfix must hand its mail on", domain), j.shared(domain))
	}
}

// handsOn says whether mail to a domain is handed to Offramp by its name.
func (j *postfixCheck) handsOn(ctx context.Context, domain string) bool {
	_, hop, _ := strings.Cut(j.query(ctx, "transport_maps", j.p.main["transport_maps"], domain), ":")
	return j.isOfframp(hop)
}

// lists says whether a domain is in a list of names and tables.
func (j *postfixCheck) lists(ctx context.Context, name, domain string) bool {
	value := j.p.main[name]
	return slices.ContainsFunc(postfixList(value), func(s string) bool { return strings.EqualFold(s, domain) }) || j.query(ctx, name, value, domain) != ""
}

// ownsPort25 says whether Postfix, and not Offramp, takes mail on port 25 from
// other machines.
func (j *postfixCheck) ownsPort25() bool {
	for _, addr := range j.settings.Gateway.SMTPAddr {
		if host, port, err := net.SplitHostPort(strings.TrimSpace(addr)); err == nil && port == "25" && !strings.HasPrefix(host, "127.") {
			return false
		}
	}
	for _, l := range j.p.listeners() {
		if host, port, _ := net.SplitHostPort(l.addr); port == "25" && !strings.HasPrefix(host, "127.") && host != "localhost" && host != "::1" {
			return true
		}
	}
	return false
}

// The settings of address verification that the feedback domain needs
// (docs/postfix.md).
const (
	refuseAtOnce   = "unverified_recipient_reject_code = 550"
	forgetRefusals = "address_verify_negative_expire_time = 1m"
)

func noSubdomains(domain string) string { return "{." + domain + " = error:5.1.2 no such domain}" }

// checkForged looks whether forged addresses are refused while the client waits.
// Postfix would accept them else, and send bounces to whoever was named as the
// sender.
func (j *postfixCheck) checkForged(ctx context.Context, domain string) {
	if maps := j.p.main["relay_recipient_maps"]; maps != "" && j.query(ctx, "relay_recipient_maps", maps, "@"+domain) == "" {
		j.add(findFail, "Postfix", "relay_recipient_maps knows no address of "+domain+": opt-outs and bounces are refused", j.postconf("-e", "relay_recipient_maps = inline:{ {@"+domain+" = offramp} }, "+maps)+" && "+j.reload())
		return
	}
	if !j.verifies(ctx, domain) {
		j.add(findFail, "Postfix", "forged addresses of "+domain+" are accepted and then bounced to people who sent nothing (backscatter)", j.verify(domain)+" && "+j.reload())
		return
	}
	warn := func(text string, settings ...string) {
		j.add(findWarn, "Postfix", text, j.postconf(append([]string{"-e"}, settings...)...)+" && "+j.reload())
	}
	before := len(j.findings)
	if code := j.p.main["unverified_recipient_reject_code"]; !strings.HasPrefix(code, "5") {
		warn("forged addresses of "+domain+" are refused with "+code+": their senders try again for days", refuseAtOnce)
	}
	if kept := j.p.main["address_verify_negative_expire_time"]; strings.HasSuffix(kept, "d") || strings.HasSuffix(kept, "h") {
		warn("Postfix remembers for "+kept+" that an address was not taken, also when Offramp was only down", forgetRefusals)
	}
	if tables := j.p.main["transport_maps"]; slices.Contains(postfixList(j.p.main["parent_domain_matches_subdomains"]), "relay_domains") &&
		j.query(ctx, "transport_maps", tables, "."+domain) == "" {
		warn("Postfix relays mail for every subdomain of "+domain+" (parent_domain_matches_subdomains)", "transport_maps = inline:{ "+noSubdomains(domain)+" }, "+tables)
	}
	if len(j.findings) > before {
		return
	}
	j.add(findOK, "Postfix", "mail to "+domain+" is handed to Offramp, forged addresses are refused", "")
}

func (j *postfixCheck) verifies(ctx context.Context, domain string) bool {
	for _, name := range []string{"smtpd_recipient_restrictions", "smtpd_relay_restrictions"} {
		items := postfixList(j.p.main[name])
		for i, item := range items {
			if item == "reject_unverified_recipient" || item == "check_recipient_access" && i+1 < len(items) &&
				strings.Contains(j.query(ctx, name, items[i+1], domain), "reject_unverified_recipient") {
				return true
			}
		}
	}
	return false
}

// shared hands the feedback domain to Offramp (docs/postfix.md).
func (j *postfixCheck) shared(domain string) string {
	with := func(name, first string) string {
		if old := j.p.main[name]; old != "" {
			first += ", " + old
		}
		return name + " = " + first
	}
	return j.transport() + " && " + j.postconf("-e", with("relay_domains", domain),
		with("transport_maps", "inline:{ {"+domain+" = offramp:"+j.hop()+"}, "+noSubdomains(domain)+" }")) + " && " + j.verify(domain) + " && " + j.reload()
}

func (j *postfixCheck) verify(domain string) string {
	restrictions := "smtpd_recipient_restrictions = check_recipient_access inline:{ {" + domain + " = reject_unverified_recipient} }"
	if old := j.p.main["smtpd_recipient_restrictions"]; old != "" {
		restrictions += ", " + old
	}
	return j.postconf("-e", restrictions, refuseAtOnce, forgetRefusals)
}
