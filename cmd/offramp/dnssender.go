package main

import (
	"net/netip"
	"net/url"
	"strings"
)

// smarthosts are the SPF mechanisms of well-known senders, by the end of the
// name of the host that takes the mail.
var smarthosts = []struct{ host, spf string }{
	{"amazonaws.com", "include:amazonses.com"},
	{"resend.com", "include:amazonses.com"},
	{"sendgrid.net", "include:sendgrid.net"},
	{"mailgun.org", "include:mailgun.org"},
	{"postmarkapp.com", "include:spf.mtasv.net"},
	{"mailjet.com", "include:spf.mailjet.com"},
	{"smtp-relay.gmail.com", "include:_spf.google.com"},
	{"smtp.gmail.com", "include:_spf.google.com"},
	{"mail.protection.outlook.com", "include:spf.protection.outlook.com"},
	{"office365.com", "include:spf.protection.outlook.com"},
	{"brevo.com", "include:spf.brevo.com"},
	{"sendinblue.com", "include:spf.brevo.com"},
	{"sparkpostmail.com", "include:sparkpostmail.com"},
	{"mandrillapp.com", "include:spf.mandrillapp.com"},
	{"smtp2go.com", "include:spf.smtp2go.com"},
	{"fastmail.com", "include:spf.messagingengine.com"},
	{"messagingengine.com", "include:spf.messagingengine.com"},
	{"elasticemail.com", "include:_spf.elasticemail.com"},
	{"mailchannels.net", "include:relay.mailchannels.net"},
}

// sending is what hands the mail to recipients' servers, as SPF names it: with
// a smarthost that is never this server.
type sending struct {
	mechanisms []string // none: only the operator can find out
	note       string
}

// sendingBy reads it from the next hops.
func sendingBy(nextHops []string, hostname string) sending {
	var s sending
	var unknown []string
	for _, text := range nextHops {
		text = strings.TrimSpace(text)
		if strings.EqualFold(text, "mx") {
			return sending{[]string{"a:" + hostname}, "SPF: " + hostname + " sends by itself (OFFRAMP_NEXT_HOP=mx)"}
		}
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" {
			continue
		}
		host := strings.ToLower(u.Hostname())
		switch spf := smarthostSPF(host); {
		case spf == "":
			unknown = append(unknown, host)
		case !contains(s.mechanisms, spf):
			s.mechanisms = append(s.mechanisms, spf)
		}
	}
	switch {
	case len(unknown) > 0 && local(unknown[0]):
		s.note = "SPF: the servers that your mail leaves from by way of " + strings.Join(unknown, " and ") + "; add the address or name of each, such as ip4:192.0.2.1"
	case len(unknown) > 0:
		s.note = "SPF: add what your smarthost tells you for " + strings.Join(unknown, " and ")
	case len(s.mechanisms) > 0:
		s.note = "SPF: your smarthost sends (OFFRAMP_NEXT_HOP), not this server"
	default:
		s.note = "SPF: what sends is known once OFFRAMP_NEXT_HOP is set; then ask again"
	}
	return s
}

func smarthostSPF(host string) string {
	for _, known := range smarthosts {
		if host == known.host || strings.HasSuffix(host, "."+known.host) {
			return known.spf
		}
	}
	return ""
}

// local says whether a next hop is another server of the operator's own.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || !strings.Contains(host, ".") && err != nil || err == nil && (ip.IsLoopback() || ip.IsPrivate())
}

func contains(all []string, s string) bool {
	for _, one := range all {
		if strings.EqualFold(one, s) {
			return true
		}
	}
	return false
}
