package main

import (
	"slices"
	"strings"
)

// postfixCase is a Postfix with a setting of Offramp, and one finding of it.
// Where fix or do is empty, the finding has none.
type postfixCase struct {
	name, main, master, options string
	change                      func(*settings, *postfixCheck)
	state, want, fix, do        string
}

func postfixCases() []postfixCase {
	return slices.Concat(routeCases(), tlsCases(), loginCases(), mailCases(), feedbackCases(), policyCases())
}

const (
	relayhost = "relayhost = [127.0.0.1]:2525\n"
	recipe    = "default_transport = offramp:[127.0.0.1]:2525\n"
	encrypt   = "smtp_tls_security_level = encrypt\n"
	sasl      = "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = inline:{ {[127.0.0.1]:2525 = shop:x} }\n"
)

func withCertificate(s *settings, _ *postfixCheck) {
	s.TLSCertFile, s.Gateway.SMTPUsers = "c.pem", "shop:x"
}

func inClear(s *settings, _ *postfixCheck) {
	s.Gateway.SMTPUsers, s.Gateway.SMTP.AuthLoopback = "shop:x", true
}

func nextHop(hop string) func(*settings, *postfixCheck) {
	return func(s *settings, _ *postfixCheck) { s.Gateway.NextHop.Servers = []string{hop} }
}

func arrivesHere(_ *settings, j *postfixCheck) { j.feedbackHere = yes }

func trustsElsewhere(s *settings, _ *postfixCheck) {
	if err := s.Gateway.Relay.TrustedNetworks[0].UnmarshalText([]byte("192.0.2.0/24")); err != nil {
		panic(err)
	}
}

func routeCases() []postfixCase {
	return []postfixCase{
		{name: "nothing leads here", main: "relayhost = [smtp.provider.example]:587\n", state: findFail, want: "no mail of this Postfix reaches Offramp", fix: "default_transport = offramp:[127.0.0.1]:2525"},
		{name: "feedback domain alone", main: "transport_maps = inline:{ {bounce.example.org = offramp:[127.0.0.1]:2525} }\n", state: findWarn, want: "it hands on the feedback domain only; nothing that it sends passes Offramp"},
		{name: "plain relayhost", main: relayhost, state: findOK, want: "relayhost hands mail to Offramp"},
		{name: "recipe", main: recipe + encrypt + sasl, options: ownTransport, state: findOK, want: "default_transport hands mail"},
		{name: "transport is missing", main: "default_transport = gone:[127.0.0.1]:2525\n", state: findFail, want: "not in master.cf", fix: "postconf -M 'gone/unix=gone unix"},
		{name: "relayhost left behind", main: recipe + relayhost, options: ownTransport, state: findWarn, want: "relayhost names Offramp too", fix: "postconf -X relayhost"},
		{name: "way around when down", main: relayhost + "smtp_fallback_relay = [192.0.2.1]\n", state: findWarn, want: "smtp_fallback_relay", fix: offrampTransport},
		{name: "way around for all", main: recipe + "transport_maps = inline:{ {* = smtp:[192.0.2.1]} }\n", options: ownTransport, state: findWarn, want: "around Offramp", do: "remove the entry * from inline:"},
		{name: "way around for senders", main: recipe + "sender_dependent_default_transport_maps = inline:{ {a@b = smtp:[192.0.2.1]} }\n", options: ownTransport, state: findWarn, want: "leads some senders around", do: "write offramp:[127.0.0.1]:2525"},
		{name: "relayhost of senders", main: relayhost + "sender_dependent_relayhost_maps = inline:{ {a@b = [192.0.2.1]} }\n", state: findWarn, want: "sender_dependent_relayhost_maps leads", fix: offrampTransport},
		{name: "table was not made", main: "sender_dependent_default_transport_maps = hash:/etc/postfix/senders\n", state: findFail, want: "No such file", fix: "postmap hash:/etc/postfix/senders"},
		{name: "loop", main: recipe + "relayhost = [smtp.provider.example]:587\n", options: ownTransport, change: nextHop("smtp://127.0.0.1"), state: findFail, want: "loops", do: "set OFFRAMP_NEXT_HOP=smtp+starttls://USER:PASSWORD@smtp.provider.example:587"},
		{name: "filter takes it back", main: "content_filter = offramp:[127.0.0.1]:2525\n", master: "127.0.0.1:10026 inet n - n - - smtpd\n", options: ownTransport + "127.0.0.1:10026/inet/content_filter =\n", change: nextHop("smtp://127.0.0.1:10026"), state: findOK, want: "content_filter hands mail"},
		{name: "filter filters again", main: "content_filter = offramp:[127.0.0.1]:2525\n", master: "127.0.0.1:10026 inet n - n - - smtpd\n", options: ownTransport, change: nextHop("smtp://127.0.0.1:10026"), state: findFail, want: "loops", fix: "echo OFFRAMP_NEXT_HOP=mx >> "},
	}
}

func tlsCases() []postfixCase {
	return []postfixCase{
		{name: "encrypt", main: relayhost + encrypt, state: findFail, want: "level encrypt", fix: offrampTransport},
		{name: "enforce as of old", main: relayhost + "smtp_enforce_tls = yes\n", state: findFail, want: "level encrypt", fix: offrampTransport},
		{name: "encrypt with a certificate", main: relayhost + encrypt, change: withCertificate, state: findOK, want: "relayhost hands mail"},
		{name: "policy lets it through", main: relayhost + encrypt + "smtp_tls_policy_maps = inline:{ {[127.0.0.1]:2525 = none} }\n", state: findOK, want: "relayhost hands mail"},
		{name: "secure to an address", main: relayhost + "smtp_tls_security_level = secure\n", change: withCertificate, state: findFail, want: "no certificate is verified for an IP address", fix: offrampTransport},
		{name: "wrapper mode", main: relayhost + "smtp_tls_wrappermode = yes\n", state: findFail, want: "speaks TLS at once", fix: offrampTransport},
		{name: "own transport encrypts", main: recipe, options: "offramp/unix/smtp_tls_security_level = encrypt\n", state: findFail, want: "level encrypt", fix: "postconf -P offramp/unix/smtp_tls_security_level=none"},
		{name: "senders of an encrypting transport", main: encrypt + "sender_dependent_default_transport_maps = inline:{ {a@b = smtp:[127.0.0.1]:2525} }\n", state: findFail, want: "level encrypt", fix: offrampTransport, do: "then write offramp: in place of smtp: in sender_dependent_default_transport_maps"},
	}
}

func loginCases() []postfixCase {
	return []postfixCase{
		{name: "no password table", main: relayhost + "smtp_sasl_auth_enable = yes\n", state: findFail, want: "does not start", fix: offrampTransport},
		{name: "password that is never asked for", main: relayhost + sasl, state: findOK, want: "relayhost hands mail"},
		{name: "passwords of senders", main: relayhost + sasl + encrypt + "smtp_sender_dependent_authentication = yes\n", change: withCertificate, state: findFail, want: "senders' passwords", fix: offrampTransport},
		{name: "plain passwords forbidden", main: relayhost + sasl + encrypt, change: withCertificate, state: findFail, want: "noplaintext", fix: offrampTransport},
		{name: "plain passwords forbidden over loopback", main: relayhost + sasl + "smtp_sasl_security_options = noplaintext, noanonymous\n", change: inClear, state: findFail, want: "smtp_sasl_security_options has noplaintext", fix: offrampTransport},
		{name: "login over loopback", main: relayhost + sasl + "smtp_sasl_security_options = noanonymous\n", change: inClear, state: findOK, want: "relayhost hands mail"},
		{name: "passwords of senders over loopback", main: relayhost + sasl + "smtp_sender_dependent_authentication = yes\n", change: inClear, state: findFail, want: "senders' passwords", fix: offrampTransport},
		{name: "nobody is trusted", main: relayhost, change: func(s *settings, _ *postfixCheck) { s.Gateway.Relay.TrustedNetworks = nil }, state: findFail, want: "does not trust 127.0.0.1", fix: "echo OFFRAMP_TRUSTED_NETWORKS=127.0.0.0/8,::1/128 >> "},
		{name: "nobody is trusted by the environment", main: relayhost, change: func(s *settings, j *postfixCheck) {
			s.Gateway.Relay.TrustedNetworks = nil
			j.app.env = map[string]string{"OFFRAMP_TRUSTED_NETWORKS": "none"}
		}, state: findFail, want: "does not trust 127.0.0.1", do: "set OFFRAMP_TRUSTED_NETWORKS=127.0.0.0/8,::1/128"},
		{name: "another network is trusted", main: relayhost, change: trustsElsewhere, state: findFail, want: "does not trust 127.0.0.1", fix: "echo OFFRAMP_TRUSTED_NETWORKS=127.0.0.0/8,::1/128,192.0.2.0/24 >> "},
		{name: "another source address", main: relayhost + "smtp_bind_address = 192.0.2.7\n", state: findFail, want: "connects from 192.0.2.7", fix: offrampTransport},
	}
}

func mailCases() []postfixCase {
	return []postfixCase{
		{name: "fields are removed", main: recipe + "header_checks = inline:{ {List-Id: <news.example.com> = IGNORE} }\n", options: ownTransport, state: findWarn, want: "header_checks does IGNORE to List-Id", do: "remove the rule for List-Id from inline:{ {List-Id"},
		{name: "fields are removed by the second table", main: recipe + "header_checks = inline:{ {Subject: x = IGNORE} }, inline:{ {List-Id: <news.example.com> = REPLACE X: y} }\n", options: ownTransport, state: findWarn, want: "header_checks does REPLACE to List-Id", do: "remove the rule for List-Id from inline:{ {List-Id"},
		{name: "milter signs, and so does Offramp", main: recipe + "smtpd_milters = inet:localhost:8891\n", options: ownTransport, state: findOK, want: "Offramp's own signature covers"},
		{name: "milter signs alone", main: recipe + "non_smtpd_milters = unix:opendkim/opendkim.sock\n", options: ownTransport, change: func(s *settings, _ *postfixCheck) { s.DKIMKeys = nil }, state: findWarn, want: "ignore the one-click header", do: "make keys with init"},
		{name: "milter signs alone for a known domain", main: recipe + "non_smtpd_milters = unix:opendkim/opendkim.sock\n", options: ownTransport, change: func(s *settings, _ *postfixCheck) {
			s.DKIMKeys, s.Gateway.PublicURL = nil, "https://u.example.org"
		}, state: findWarn, want: "ignore the one-click header", fix: "offramp --env-file "},
		{name: "fields added behind the signature", main: "always_add_missing_headers = yes\n", change: nextHop("smtp://127.0.0.1:25"), state: findWarn, want: "breaks the signature", fix: "postconf -X always_add_missing_headers"},
		{name: "one port for both", main: recipe, change: func(s *settings, _ *postfixCheck) { s.Gateway.SMTPAddr = []string{":25"} }, state: findFail, want: "both want :25", fix: "echo OFFRAMP_SMTP_ADDR=127.0.0.1:2525 >> "},
		{name: "one port of several for both", main: recipe, change: func(s *settings, _ *postfixCheck) {
			s.Gateway.SMTPSAddr = []string{"127.0.0.1:465", ":25"}
		}, state: findFail, want: "both want :25", fix: "echo OFFRAMP_SMTPS_ADDR=127.0.0.1:465,127.0.0.1:2465 >> "},
	}
}

func feedbackCases() []postfixCase {
	return []postfixCase{
		{name: "feedback domain is local in capitals", main: "mydestination = host.example, Bounce.Example.org\n", state: findFail, want: "mydestination has bounce.example.org", fix: "mydestination = host.example'"},
		{name: "feedback domain is local", main: "mydestination = host.example, bounce.example.org\n", state: findFail, want: "mydestination has bounce.example.org", fix: "mydestination = host.example'"},
		{name: "feedback domain is virtual", main: "virtual_alias_domains = inline:{ {bounce.example.org = x} }\n", state: findFail, want: "virtual_alias_domains has", fix: "relay_domains = bounce.example.org", do: "then remove bounce.example.org from inline:{"},
		{name: "port 25", change: arrivesHere, state: findFail, want: "opt-outs and bounces are lost", fix: "reject_unverified_recipient"},
		{name: "port 25, DNS not known", change: func(_ *settings, j *postfixCheck) { j.feedbackHere = unknown }, state: findWarn, want: "where the MX of bounce.example.org points here", fix: "reject_unverified_recipient"},
		{name: "relayed loops", main: "relay_domains = bounce.example.org\n", state: findFail, want: "transport_maps does not hand it", fix: "transport_maps = "},
		{name: "backscatter", main: sharedDomain, change: arrivesHere, state: findFail, want: "backscatter", fix: "reject_unverified_recipient"},
		{name: "recipients unknown", main: sharedDomain + "relay_recipient_maps = inline:{ {a@b = x} }\n", state: findFail, want: "relay_recipient_maps knows no address", fix: "{@bounce.example.org = offramp}"},
		{name: "refused for a while", main: sharedDomain + "smtpd_recipient_restrictions = reject_unverified_recipient\n", state: findWarn, want: "refused with 450", fix: refuseAtOnce},
		{name: "outage remembered", main: sharedDomain + "smtpd_recipient_restrictions = reject_unverified_recipient\n", state: findWarn, want: "remembers for 3d", fix: forgetRefusals},
		{name: "subdomains", main: strings.Replace(sharedDomain, "{.bounce", "{not.bounce", 1) + "smtpd_recipient_restrictions = reject_unverified_recipient\n", state: findWarn, want: "every subdomain", fix: "{.bounce.example.org = error:"},
		{name: "port 25 as the page has it", main: sharedDomain + refuseAtOnce + "\n" + forgetRefusals + "\nsmtpd_recipient_restrictions = check_recipient_access inline:{ {bounce.example.org = reject_unverified_recipient} }\n", change: arrivesHere, state: findOK, want: "forged addresses are refused"},
	}
}

func policyOn(addr string) func(*settings, *postfixCheck) {
	return func(s *settings, _ *postfixCheck) { s.Gateway.Policy.Addr = addr }
}

func policyCases() []postfixCase {
	const dunno = "smtpd_policy_service_default_action = DUNNO\n"
	asks := func(service string) string {
		return relayhost + dunno + "smtpd_recipient_restrictions = permit_sasl_authenticated, check_policy_service " + service + "\n"
	}
	const yes, not = "asks the policy service on ", "it does not ask the policy service on "
	return []postfixCase{
		{name: "policy service not asked", main: relayhost + dunno + "smtpd_recipient_restrictions = reject_unlisted_recipient\n", change: policyOn("127.0.0.1:10040"), state: findWarn, want: not + "127.0.0.1:10040",
			fix: "'smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10040, reject_unlisted_recipient'"},
		{name: "policy service of another asked", main: asks("inet:127.0.0.1:10023"), change: policyOn("127.0.0.1:10040"), state: findWarn, want: not,
			fix: "inet:127.0.0.1:10040, permit_sasl_authenticated, check_policy_service inet:127.0.0.1:10023'"},
		{name: "policy service asked", main: asks("inet:localhost:10040"), change: policyOn("127.0.0.1:10040"), state: findOK, want: yes},
		{name: "policy service on all addresses", main: asks("inet:127.0.0.1:10040"), change: policyOn(":10040"), state: findOK, want: yes},
		{name: "policy service with settings of its own", main: asks("{ inet:127.0.0.1:10040, timeout=10s }"), change: policyOn(":10040"), state: findOK, want: yes},
		{name: "policy service on a socket", main: asks("unix:offramp/policy"), change: policyOn("unix:/var/spool/postfix/offramp/policy"), state: findOK, want: yes},
		{name: "policy service of one port", main: relayhost + dunno, options: "smtp/inet/smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10040\n", change: policyOn(":10040"), state: findOK, want: yes},
		{name: "policy service that puts mail off", main: relayhost + "smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10040\nsmtpd_policy_service_default_action = 451 4.3.5 Server configuration problem\n", change: policyOn(":10040"), state: findWarn,
			want: "puts mail off while the policy service does not answer", fix: "'smtpd_policy_service_default_action = DUNNO'"},
	}
}
