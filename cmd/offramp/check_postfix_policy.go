package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// policyDefault lets mail pass while Offramp does not answer.
const policyDefault = "smtpd_policy_service_default_action = DUNNO"

// policy says whether this Postfix asks the policy service.
func (j *postfixCheck) policy() {
	addr := j.settings.Gateway.Policy.Addr
	asked := j.asks()
	switch {
	case addr == "":
		return
	case !asked:
		first := "smtpd_recipient_restrictions = check_policy_service " + j.policyService()
		if old := j.p.main["smtpd_recipient_restrictions"]; old != "" {
			first += ", " + old
		}
		j.add(findWarn, "Postfix", fmt.Sprintf("it does not ask the policy service on %s (OFFRAMP_POLICY_ADDR)", addr), j.postconf("-e", policyDefault, first)+" && "+j.reload())
	case j.p.main["smtpd_policy_service_default_action"] != "DUNNO":
		j.add(findWarn, "Postfix", "it puts mail off while the policy service does not answer, for instance while Offramp is restarted", j.postconf("-e", policyDefault)+" && "+j.reload())
	default:
		j.add(findOK, "Postfix", "asks the policy service on "+addr, "")
	}
}

// policyService is how Postfix names the policy service.
func (j *postfixCheck) policyService() string {
	network, addr := j.settings.Gateway.Policy.Listener()
	if network == "unix" {
		return "unix:" + addr
	}
	host, port, _ := net.SplitHostPort(addr)
	if everywhere(host) || host == "localhost" {
		host = "127.0.0.1"
	}
	return "inet:" + net.JoinHostPort(host, port)
}

// asks says whether a restriction of main.cf, or of a service in master.cf, names
// the policy service.
func (j *postfixCheck) asks() bool {
	named := func(settings map[string]string) bool {
		for name, value := range settings {
			if !strings.HasPrefix(name, "smtpd_") || !strings.HasSuffix(name, "_restrictions") {
				continue
			}
			items := postfixList(value)
			for i, item := range items {
				if item == "check_policy_service" && i+1 < len(items) && j.isPolicy(items[i+1]) {
					return true
				}
			}
		}
		return false
	}
	return named(j.p.main) || slices.ContainsFunc(j.p.services, func(s postfixService) bool { return named(s.options) })
}

// isPolicy says whether a client endpoint of Postfix is the policy service. Settings
// of its own may stand with it in braces.
func (j *postfixCheck) isPolicy(endpoint string) bool {
	endpoint, _, _ = strings.Cut(strings.TrimSpace(strings.Trim(endpoint, "{}")), ",")
	endpoint = strings.TrimSpace(endpoint)
	network, addr := j.settings.Gateway.Policy.Listener()
	if path, ok := strings.CutPrefix(endpoint, "unix:"); ok {
		// A path that does not begin with a slash is one in the queue directory.
		return network == "unix" && strings.HasSuffix(addr, "/"+strings.TrimPrefix(path, "/"))
	}
	hop, ok := strings.CutPrefix(endpoint, "inet:")
	if !ok || network != "tcp" {
		return false
	}
	host, port, err := net.SplitHostPort(hop)
	if err != nil {
		return false
	}
	return j.listens("["+host+"]:"+port, []string{addr})
}
