package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"offramp/gateway/relay"
)

// textTables are lookup tables written as inline:{ {key = value} }.
type textTables struct{}

var errNoTable = errors.New("open database hash.db: No such file or directory")

func (textTables) entries(table string) ([][2]string, error) {
	body, ok := strings.CutPrefix(table, "inline:{")
	if !ok {
		return nil, errNoTable
	}
	var all [][2]string
	for _, item := range postfixList(strings.TrimSuffix(body, "}")) {
		key, value, _ := strings.Cut(strings.Trim(item, "{}"), "=")
		all = append(all, [2]string{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	return all, nil
}

func (t textTables) get(_ context.Context, table, key string) (string, error) {
	all, err := t.entries(table)
	for _, e := range all {
		if e[0] == key {
			return e[1], nil
		}
	}
	return "", err
}

func (t textTables) values(_ context.Context, table string) (all []string, err error) {
	entries, err := t.entries(table)
	for _, e := range entries {
		all = append(all, e[1])
	}
	return all, err
}

// usual is what Postfix has where nothing is set.
const usual = `default_transport = smtp
mydestination = host.example, localhost
inet_interfaces = all
parent_domain_matches_subdomains = debug_peer_list,relay_domains,smtpd_access_maps
unverified_recipient_reject_code = 450
address_verify_negative_expire_time = 3d
smtp_sasl_tls_security_options = noplaintext, noanonymous
`

const usualMaster = `smtp inet n - y - - smtpd
pickup unix n - y 60 1 pickup
smtp unix - - y - - smtp
relay unix - - y - - smtp
offramp unix - - n - - smtp
`

// The options of the recipe, as postconf -Px prints them.
const ownTransport = `offramp/unix/smtp_tls_security_level = none
offramp/unix/smtp_tls_policy_maps =
offramp/unix/smtp_tls_wrappermode = no
offramp/unix/smtp_sasl_auth_enable = no
offramp/unix/smtp_bind_address =
offramp/unix/smtp_fallback_relay =
`

const sharedDomain = `relay_domains = bounce.example.org
transport_maps = inline:{ {bounce.example.org = offramp:[127.0.0.1]:2525} {.bounce.example.org = error:none} }
`

// judged runs the rules over one configuration.
func judged(t *testing.T, main, master, options string, change func(*settings, *postfixCheck)) []finding {
	t.Helper()
	s := &settings{}
	s.Gateway.SMTPAddr = []string{"127.0.0.1:2525"}
	s.Gateway.FeedbackDomain = "bounce.example.org"
	s.Gateway.NextHop.Servers = []string{"smtp+starttls://user:secret@smtp.provider.example:587"}
	var loopback relay.Network
	if err := loopback.UnmarshalText([]byte("127.0.0.0/8")); err != nil {
		t.Fatal(err)
	}
	s.Gateway.Relay.TrustedNetworks = []relay.Network{loopback}
	s.DKIMKeys = []string{"example.org:k:file"}
	j := &postfixCheck{checker: &checker{settings: s}, p: parsePostfix(usual+main, usualMaster+master, options), tables: textTables{}, feedbackHere: no}
	if change != nil {
		change(s, j)
	}
	j.evaluate(t.Context())
	return j.findings
}

func TestPostfixFindings(t *testing.T) {
	encrypt := "smtp_tls_security_level = encrypt\n"
	sasl := "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = inline:{ {[127.0.0.1]:2525 = shop:x} }\n"
	certificate := func(s *settings, _ *postfixCheck) { s.TLSCertFile, s.Gateway.SMTPUsers = "c.pem", "shop:x" }
	clear := func(s *settings, _ *postfixCheck) { s.Gateway.SMTPUsers, s.Gateway.SMTP.AuthLoopback = "shop:x", true }
	relayhost := "relayhost = [127.0.0.1]:2525\n"
	recipe := "default_transport = offramp:[127.0.0.1]:2525\n"
	nextHop := func(hop string) func(*settings, *postfixCheck) {
		return func(s *settings, _ *postfixCheck) { s.Gateway.NextHop.Servers = []string{hop} }
	}
	here := func(_ *settings, j *postfixCheck) { j.feedbackHere = yes }
	for _, c := range []struct {
		name, main, master, options string
		change                      func(*settings, *postfixCheck)
		state, want, fix            string // of one finding; empty fix: none is wanted
	}{
		{name: "nothing leads here", main: "relayhost = [smtp.provider.example]:587\n", state: findFail, want: "no mail of this Postfix reaches Offramp", fix: "default_transport = offramp:[127.0.0.1]:2525"},
		{name: "feedback domain alone", main: "transport_maps = inline:{ {bounce.example.org = offramp:[127.0.0.1]:2525} }\n", state: findWarn, want: "it hands on the feedback domain only; nothing that it sends passes Offramp"},
		{name: "plain relayhost", main: relayhost, state: findOK, want: "relayhost hands mail to Offramp"},
		{name: "recipe", main: recipe + encrypt + sasl, options: ownTransport, state: findOK, want: "default_transport hands mail"},
		{name: "transport is missing", main: "default_transport = gone:[127.0.0.1]:2525\n", state: findFail, want: "not in master.cf", fix: "postconf -M"},
		{name: "relayhost left behind", main: recipe + relayhost, options: ownTransport, state: findWarn, want: "relayhost names Offramp too", fix: "postconf -X relayhost"},
		{name: "encrypt", main: relayhost + encrypt, state: findFail, want: "level encrypt", fix: offrampTransport},
		{name: "enforce as of old", main: relayhost + "smtp_enforce_tls = yes\n", state: findFail, want: "level encrypt", fix: offrampTransport},
		{name: "encrypt with a certificate", main: relayhost + encrypt, change: certificate, state: findOK, want: "relayhost hands mail"},
		{name: "policy lets it through", main: relayhost + encrypt + "smtp_tls_policy_maps = inline:{ {[127.0.0.1]:2525 = none} }\n", state: findOK, want: "relayhost hands mail"},
		{name: "secure to an address", main: relayhost + "smtp_tls_security_level = secure\n", change: certificate, state: findFail, want: "no certificate is verified for an IP address", fix: offrampTransport},
		{name: "wrapper mode", main: relayhost + "smtp_tls_wrappermode = yes\n", state: findFail, want: "speaks TLS at once", fix: offrampTransport},
		{name: "own transport encrypts", main: recipe, options: "offramp/unix/smtp_tls_security_level = encrypt\n", state: findFail, want: "level encrypt", fix: "postconf -P 'offramp/unix/smtp_tls_security_level=none'"},
		{name: "senders of an encrypting transport", main: encrypt + "sender_dependent_default_transport_maps = inline:{ {a@b = smtp:[127.0.0.1]:2525} }\n", state: findFail, want: "level encrypt", fix: "write offramp: for smtp:"},
		{name: "no password table", main: relayhost + "smtp_sasl_auth_enable = yes\n", state: findFail, want: "does not start", fix: offrampTransport},
		{name: "password that is never asked for", main: relayhost + sasl, state: findOK, want: "relayhost hands mail"},
		{name: "passwords of senders", main: relayhost + sasl + encrypt + "smtp_sender_dependent_authentication = yes\n", change: certificate, state: findFail, want: "senders' passwords", fix: offrampTransport},
		{name: "plain passwords forbidden", main: relayhost + sasl + encrypt, change: certificate, state: findFail, want: "noplaintext", fix: offrampTransport},
		{name: "plain passwords forbidden over loopback", main: relayhost + sasl + "smtp_sasl_security_options = noplaintext, noanonymous\n", change: clear, state: findFail, want: "smtp_sasl_security_options has noplaintext", fix: offrampTransport},
		{name: "login over loopback", main: relayhost + sasl + "smtp_sasl_security_options = noanonymous\n", change: clear, state: findOK, want: "relayhost hands mail"},
		{name: "passwords of senders over loopback", main: relayhost + sasl + "smtp_sender_dependent_authentication = yes\n", change: clear, state: findFail, want: "senders' passwords", fix: offrampTransport},
		{name: "nobody is trusted", main: relayhost, change: func(s *settings, _ *postfixCheck) { s.Gateway.Relay.TrustedNetworks = nil }, state: findFail, want: "does not trust 127.0.0.1", fix: "OFFRAMP_TRUSTED_NETWORKS="},
		{name: "another source address", main: relayhost + "smtp_bind_address = 192.0.2.7\n", state: findFail, want: "connects from 192.0.2.7", fix: offrampTransport},
		{name: "way around when down", main: relayhost + "smtp_fallback_relay = [192.0.2.1]\n", state: findWarn, want: "smtp_fallback_relay", fix: offrampTransport},
		{name: "way around for all", main: recipe + "transport_maps = inline:{ {* = smtp:[192.0.2.1]} }\n", options: ownTransport, state: findWarn, want: "around Offramp", fix: "take the entry *"},
		{name: "way around for senders", main: recipe + "sender_dependent_default_transport_maps = inline:{ {a@b = smtp:[192.0.2.1]} }\n", options: ownTransport, state: findWarn, want: "leads some senders around", fix: "postconf -X"},
		{name: "relayhost of senders", main: relayhost + "sender_dependent_relayhost_maps = inline:{ {a@b = [192.0.2.1]} }\n", state: findWarn, want: "sender_dependent_relayhost_maps leads", fix: offrampTransport},
		{name: "table was not made", main: "sender_dependent_default_transport_maps = hash:/etc/postfix/senders\n", state: findFail, want: "No such file", fix: "postmap hash:/etc/postfix/senders"},
		{name: "loop", main: recipe + "relayhost = [smtp.provider.example]:587\n", options: ownTransport, change: nextHop("smtp://127.0.0.1"), state: findFail, want: "loops", fix: "OFFRAMP_NEXT_HOP=smtp+starttls://USER:PASSWORD@smtp.provider.example:587"},
		{name: "filter takes it back", main: "content_filter = offramp:[127.0.0.1]:2525\n", master: "127.0.0.1:10026 inet n - n - - smtpd\n", options: ownTransport + "127.0.0.1:10026/inet/content_filter =\n", change: nextHop("smtp://127.0.0.1:10026"), state: findOK, want: "content_filter hands mail"},
		{name: "filter filters again", main: "content_filter = offramp:[127.0.0.1]:2525\n", master: "127.0.0.1:10026 inet n - n - - smtpd\n", options: ownTransport, change: nextHop("smtp://127.0.0.1:10026"), state: findFail, want: "loops", fix: "OFFRAMP_NEXT_HOP="},
		{name: "fields are removed", main: recipe + "header_checks = inline:{ {List-Id: <news.example.com> = IGNORE} }\n", options: ownTransport, state: findWarn, want: "header_checks does IGNORE to List-Id", fix: "postmap -q"},
		{name: "milter signs, and so does Offramp", main: recipe + "smtpd_milters = inet:localhost:8891\n", options: ownTransport, state: findOK, want: "Offramp's own signature covers"},
		{name: "milter signs alone", main: recipe + "non_smtpd_milters = unix:opendkim/opendkim.sock\n", options: ownTransport, change: func(s *settings, _ *postfixCheck) { s.DKIMKeys = nil }, state: findWarn, want: "button does not count", fix: "offramp init"},
		{name: "fields added behind the signature", main: "always_add_missing_headers = yes\n", change: nextHop("smtp://127.0.0.1:25"), state: findWarn, want: "breaks the signature", fix: "postconf -X always_add_missing_headers"},
		{name: "one port for both", main: recipe, change: func(s *settings, _ *postfixCheck) { s.Gateway.SMTPAddr = []string{":25"} }, state: findFail, want: "both want :25", fix: "OFFRAMP_SMTP_ADDR="},
		{name: "feedback domain is local", main: "mydestination = host.example, bounce.example.org\n", state: findFail, want: "mydestination has bounce.example.org", fix: "mydestination = host.example'"},
		{name: "feedback domain is virtual", main: "virtual_alias_domains = inline:{ {bounce.example.org = x} }\n", state: findFail, want: "virtual_alias_domains has", fix: "relay_domains = bounce.example.org"},
		{name: "port 25", change: here, state: findFail, want: "opt-outs and bounces are lost", fix: "reject_unverified_recipient"},
		{name: "port 25, DNS not known", change: func(_ *settings, j *postfixCheck) { j.feedbackHere = unknown }, state: findWarn, want: "where the MX of bounce.example.org points here", fix: "reject_unverified_recipient"},
		{name: "relayed loops", main: "relay_domains = bounce.example.org\n", state: findFail, want: "transport_maps does not hand it", fix: "transport_maps = "},
		{name: "backscatter", main: sharedDomain, change: here, state: findFail, want: "backscatter", fix: "reject_unverified_recipient"},
		{name: "recipients unknown", main: sharedDomain + "relay_recipient_maps = inline:{ {a@b = x} }\n", state: findFail, want: "relay_recipient_maps knows no address", fix: "{@bounce.example.org = offramp}"},
		{name: "refused for a while", main: sharedDomain + "smtpd_recipient_restrictions = reject_unverified_recipient\n", state: findWarn, want: "refused with 450", fix: refuseAtOnce},
		{name: "outage remembered", main: sharedDomain + "smtpd_recipient_restrictions = reject_unverified_recipient\n", state: findWarn, want: "remembers for 3d", fix: forgetRefusals},
		{name: "subdomains", main: strings.Replace(sharedDomain, "{.bounce", "{not.bounce", 1) + "smtpd_recipient_restrictions = reject_unverified_recipient\n", state: findWarn, want: "every subdomain", fix: "{.bounce.example.org = error:"},
		{name: "port 25 as the page has it", main: sharedDomain + refuseAtOnce + "\n" + forgetRefusals + "\nsmtpd_recipient_restrictions = check_recipient_access inline:{ {bounce.example.org = reject_unverified_recipient} }\n", change: here, state: findOK, want: "forged addresses are refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := judged(t, c.main, c.master, c.options, c.change)
			i := slices.IndexFunc(all, func(f finding) bool { return strings.Contains(f.Text, c.want) })
			if i < 0 || all[i].State != c.state || !strings.Contains(all[i].Fix, c.fix) || (c.fix == "") != (all[i].Fix == "") {
				t.Errorf("want %s %q with %q, have\n%s", c.state, c.want, c.fix, shown(all))
			}
			if c.state == findOK && slices.ContainsFunc(all, func(f finding) bool {
				return f.State == findFail && !strings.Contains(f.Text, "no mail of this Postfix")
			}) {
				t.Errorf("also a failure:\n%s", shown(all))
			}
		})
	}
}

func shown(all []finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s %s\n  -> %s\n", f.State, f.Text, f.Fix)
	}
	return b.String()
}

// What check prints for the feedback domain is what the page has.
func TestPostfixPageHasTheLines(t *testing.T) {
	page, err := os.ReadFile("../../docs/postfix.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"'offramp/unix=" + offrampTransport + "'", refuseAtOnce, forgetRefusals, noSubdomains("bounce.example.com")} {
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/postfix.md does not have %s", line)
		}
	}
}

func TestPostfixHop(t *testing.T) {
	for hop, want := range map[string]string{
		"[127.0.0.1]:2525": "127.0.0.1 2525", "host.example": "host.example 25", "[::1]:25": "::1 25", "[ipv6:::1]": "::1 25",
		"inet:[LocalHost]:submission": "localhost 587", "[host.example]:smtp": "host.example 25", "": " 25",
	} {
		if host, port := splitHop(hop); host+" "+port != want {
			t.Errorf("splitHop(%q) = %s %s, want %s", hop, host, port, want)
		}
	}
}

// Every part of the output of postconf ends up where it belongs, whatever it is.
func FuzzPostconf(f *testing.F) {
	f.Add("a = b\nc =\n= d\n", "smtp inet n - y - - smtpd -o a=b\nx unix - - - - - pipe\n", "smtp/inet/a = b\n//=\n")
	f.Add("inet_interfaces = all, [::1] {x\n", "[::1]:25 inet n - y - - smtpd\n:: inet n - y - - postscreen\n", "a/b = c\n")
	f.Fuzz(func(t *testing.T, main, master, options string) {
		p := parsePostfix(main, master, options)
		for _, l := range p.listeners() {
			if _, _, err := net.SplitHostPort(l.addr); err != nil && !strings.ContainsAny(main+master, "[]:") {
				t.Errorf("listener %q: %v", l.addr, err)
			}
		}
		for name, value := range p.main {
			if strings.ContainsAny(name+value, "\n") {
				t.Errorf("read %q=%q", name, value)
			}
			joined := strings.Join(postfixList(value), "")
			if strings.Trim(value, ", \t\r\n") != "" && joined == "" {
				t.Errorf("the list %q is empty", value)
			}
		}
	})
}
