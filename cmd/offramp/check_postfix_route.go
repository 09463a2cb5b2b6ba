package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"offramp/gateway/relay"
)

// checkRoute says whether mail that takes a route gets into Offramp.
func (j *postfixCheck) checkRoute(ctx context.Context, r route) {
	before := j.failures()
	s, ok := j.p.service(r.transport, "unix")
	if !ok {
		j.add(findFail, "Postfix", fmt.Sprintf("%s names the transport %q, which is not in master.cf", r.setting, r.transport), j.transportNamed(r.transport)+" && "+j.reload())
		return
	}
	encrypted := j.checkTLS(ctx, r, s)
	j.checkLogin(ctx, r, s, encrypted)
	j.checkLoop(r)
	if r.setting == "default_transport" && j.isOfframp(j.p.main["relayhost"]) {
		j.add(findWarn, "Postfix", "relayhost names Offramp too: once default_transport is taken out, mail still goes there; set it back to what it was", j.postconf("-X", "relayhost"))
	}
	if j.failures() == before {
		j.add(findOK, "Postfix", fmt.Sprintf("%s hands mail to Offramp (%s, transport %s)", r.setting, r.hop, r.transport), "")
	}
}

func (j *postfixCheck) failures() int {
	n := 0
	for _, f := range j.findings {
		if f.State == findFail {
			n++
		}
	}
	return n
}

// addRoute adds what is wrong with a parameter of one route, and how to set it:
// in its own transport, or by moving everything to such a transport.
func (j *postfixCheck) addRoute(state, text string, r route, name, value string) {
	f := finding{State: state, What: "Postfix", Text: text}
	switch {
	case r.transport != "smtp" && r.transport != "relay":
		f.Fix = j.postconf("-P", r.transport+"/unix/"+name+"="+value) + " && " + j.reload()
	case r.setting == "relayhost":
		f.Fix = j.recipe()
	default:
		f.Fix = j.transport() + " && " + j.reload()
		f.Do = "then write offramp: in place of " + r.transport + ": in " + r.setting
	}
	j.addFinding(f)
}

// addSetting adds a failure that a setting of Offramp ends. The last line of a
// file counts.
func (j *postfixCheck) addSetting(text, name, value string) {
	f := finding{State: findFail, What: "Postfix", Text: text}
	content, err := os.ReadFile(j.app.envFile)
	_, hidden := j.app.env[name]
	switch {
	case j.app.envFile == "" || err != nil || hidden: // the environment wins over the file
		f.Do = "set " + name + "=" + value + " where Offramp has its settings, then restart it"
	case len(content) > 0 && content[len(content)-1] != '\n':
		f.Fix = "echo >> " + shellQuote(j.app.envFile) + " && "
		fallthrough
	default:
		f.Fix += "echo " + shellQuote(name+"="+value) + " >> " + shellQuote(j.app.envFile)
	}
	j.addFinding(f)
}

// starttls says whether Offramp offers STARTTLS.
func (j *postfixCheck) starttls() bool { return j.settings.encryptsSMTP() }

// checkTLS compares the TLS that Postfix wants with what Offramp offers, and
// returns whether they will use it.
func (j *postfixCheck) checkTLS(ctx context.Context, r route, s postfixService) bool {
	level := j.tlsLevel(ctx, r, s)
	host, _ := splitHop(r.hop)
	smtps := j.listens(r.hop, j.settings.Gateway.SMTPSAddr)
	wrapped := j.p.value(s, "smtp_tls_wrappermode") == "yes"
	_, literal := netip.ParseAddr(host)
	fail := func(text, name, value string) { j.addRoute(findFail, text, r, name, value) }
	switch {
	case wrapped && !smtps:
		fail(fmt.Sprintf("smtp_tls_wrappermode=yes: Postfix speaks TLS at once, and %s does not: mail is deferred", r.hop), "smtp_tls_wrappermode", "no")
	case !wrapped && smtps:
		fail(fmt.Sprintf("%s speaks TLS at once (OFFRAMP_SMTPS_ADDR), and Postfix does not: mail is deferred", r.hop), "smtp_tls_wrappermode", "yes")
	case level == "none":
		return false
	case level == "may" || level == "dane":
		return smtps || j.starttls()
	case !smtps && !j.starttls():
		fail(fmt.Sprintf("TLS is required (level %s) for %s, and Offramp has no certificate, so it offers no STARTTLS: mail is deferred", level, r.hop), "smtp_tls_security_level", "none")
	case literal == nil && slices.Contains([]string{"verify", "secure", "dane-only"}, level):
		fail(fmt.Sprintf("TLS level %s for %s: no certificate is verified for an IP address: mail is deferred", level, r.hop), "smtp_tls_security_level", "encrypt")
	}
	return true
}

// tlsLevel is the level in force for a destination: the entry of the policy
// table, then the level for all, then the settings of old.
func (j *postfixCheck) tlsLevel(ctx context.Context, r route, s postfixService) string {
	host, _ := splitHop(r.hop)
	if entry := strings.Fields(j.query(ctx, "smtp_tls_policy_maps", j.p.value(s, "smtp_tls_policy_maps"), r.hop, host)); len(entry) > 0 {
		return entry[0]
	}
	switch {
	case j.p.value(s, "smtp_tls_security_level") != "":
		return j.p.value(s, "smtp_tls_security_level")
	case j.p.value(s, "smtp_enforce_tls") == "yes":
		return "encrypt"
	case j.p.value(s, "smtp_use_tls") == "yes":
		return "may"
	}
	return "none"
}

// checkLogin says whether Offramp lets this Postfix relay: by its address, or
// by a login.
func (j *postfixCheck) checkLogin(ctx context.Context, r route, s postfixService, encrypted bool) {
	sasl := j.p.value(s, "smtp_sasl_auth_enable") == "yes"
	maps := j.p.value(s, "smtp_sasl_password_maps")
	host, _ := splitHop(r.hop)
	from, trusted := j.trusts(s, host)
	loopback := from.IsLoopback() && j.settings.Gateway.SMTP.AuthLoopback
	offered := j.settings.Gateway.SMTPUsers != "" && (encrypted || loopback) // RFC 4954 section 4
	forbids := "smtp_sasl_security_options"
	if encrypted {
		forbids = "smtp_sasl_tls_security_options"
	}
	if sasl && maps == "" {
		j.addRoute(findFail, "smtp_sasl_auth_enable=yes without smtp_sasl_password_maps: the SMTP client of Postfix does not start", r, "smtp_sasl_auth_enable", "no")
		return
	}
	if sasl && offered && j.p.value(s, "smtp_sender_dependent_authentication") == "yes" {
		j.addRoute(findFail, "smtp_sender_dependent_authentication=yes: Postfix logs in at Offramp with the senders' passwords for the smarthost: mail is deferred", r, "smtp_sender_dependent_authentication", "no")
		return
	}
	password := ""
	if sasl && offered {
		password = j.query(ctx, "smtp_sasl_password_maps", maps, r.hop, host)
	}
	if password != "" && slices.Contains(postfixList(j.p.value(s, forbids)), "noplaintext") {
		j.addRoute(findFail, forbids+" has noplaintext, and Offramp takes PLAIN and LOGIN: mail is deferred", r, forbids, "noanonymous")
		return
	}
	switch {
	case trusted || password != "":
	case from.IsLoopback():
		j.addSetting(fmt.Sprintf("Offramp does not trust %s, and Postfix has no login for it: mail bounces (550 5.7.1)", from), "OFFRAMP_TRUSTED_NETWORKS", j.withLoopback())
	default:
		j.addRoute(findFail, fmt.Sprintf("Postfix connects from %s (smtp_bind_address), which Offramp does not trust: mail bounces (550 5.7.1)", from), r, "smtp_bind_address", "")
	}
}

// withLoopback are the trusted networks and this machine.
func (j *postfixCheck) withLoopback() string {
	all := []string{"127.0.0.0/8", "::1/128"}
	for _, n := range j.settings.Gateway.Relay.TrustedNetworks {
		if s := n.String(); s != "none" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, ",")
}

// trusts returns the address Postfix connects from, and whether it may relay.
func (j *postfixCheck) trusts(s postfixService, host string) (netip.Addr, bool) {
	from, err := netip.ParseAddr(host)
	if err != nil {
		from = netip.AddrFrom4([4]byte{127, 0, 0, 1}) // a name of this machine
	}
	bind := "smtp_bind_address"
	if from.Is6() {
		bind = "smtp_bind_address6"
	}
	if bound, err := netip.ParseAddr(j.p.value(s, bind)); err == nil {
		from = bound
	}
	return from, slices.ContainsFunc(j.settings.Gateway.Relay.TrustedNetworks, func(n relay.Network) bool { return n.Contains(from) })
}

// postfixHop is a next hop of Offramp that is a listener of this Postfix.
type postfixHop struct {
	url      *url.URL
	listener postfixListener
}

func (j *postfixCheck) nextHops() []postfixHop {
	var all []postfixHop
	for _, text := range j.settings.Gateway.NextHop.Servers {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Host == "" {
			continue // mx, or a fault that the settings name
		}
		port := cmp.Or(u.Port(), map[string]string{"smtps": "465", "smtp+starttls": "587"}[u.Scheme], "25")
		for _, l := range j.p.listeners() {
			if j.listens("["+u.Hostname()+"]:"+port, []string{l.addr}) {
				all = append(all, postfixHop{u, l})
			}
		}
	}
	return all
}

// checkLoop looks for a next hop of Offramp that hands the mail back to it.
func (j *postfixCheck) checkLoop(r route) {
	for _, hop := range j.nextHops() {
		if r.setting == "content_filter" && j.p.value(hop.listener.service, "content_filter") == "" {
			continue // it takes the mail back, as the recipe has it
		}
		text := fmt.Sprintf("mail loops: OFFRAMP_NEXT_HOP is %s, which is this Postfix, and its %s is Offramp", hop.url.Redacted(), r.setting)
		host, port := splitHop(j.p.main["relayhost"])
		if host == "" || j.isOfframp(j.p.main["relayhost"]) {
			j.addSetting(text, "OFFRAMP_NEXT_HOP", "mx")
			continue
		}
		j.addFinding(finding{State: findFail, What: "Postfix", Text: text,
			Do: "set OFFRAMP_NEXT_HOP=smtp+starttls://USER:PASSWORD@" + net.JoinHostPort(host, port) + ", with the login that Postfix has there, then restart Offramp"})
	}
}

// bypasses are settings that lead mail around Offramp.
func (j *postfixCheck) bypasses(ctx context.Context, routes []route) {
	all := slices.IndexFunc(routes, func(r route) bool { return r.setting == "default_transport" || r.setting == "relayhost" })
	if all < 0 {
		return
	}
	r := routes[all]
	s, _ := j.p.service(r.transport, "unix")
	if v := j.p.value(s, "smtp_fallback_relay"); v != "" {
		j.addRoute(findWarn, "smtp_fallback_relay is "+v+": mail goes there, around Offramp, when Offramp does not answer", r, "smtp_fallback_relay", "")
	}
	if v, table := j.find(ctx, "transport_maps", j.p.main["transport_maps"], "*"); v != "" {
		_, hop, _ := strings.Cut(v, ":")
		if !j.isOfframp(hop) {
			j.addFinding(finding{State: findWarn, What: "Postfix", Text: "transport_maps has an entry * (" + v + "), which counts before " + r.setting + ": mail goes around Offramp",
				Do: "remove the entry * from " + table})
		}
	}
	for _, v := range j.entries(ctx, "sender_dependent_default_transport_maps") {
		if _, hop, _ := strings.Cut(v, ":"); !j.isOfframp(hop) {
			j.addFinding(finding{State: findWarn, What: "Postfix", Text: "sender_dependent_default_transport_maps leads some senders around Offramp (" + v + ")",
				Do: "write offramp:" + j.hop() + " for them there, unless they are meant to pass Offramp by"})
			return
		}
	}
	if r.setting != "relayhost" {
		return
	}
	for _, v := range j.entries(ctx, "sender_dependent_relayhost_maps") {
		if !j.isOfframp(v) {
			j.add(findWarn, "Postfix", "sender_dependent_relayhost_maps leads some senders around Offramp ("+v+")", j.recipe())
			return
		}
	}
}
