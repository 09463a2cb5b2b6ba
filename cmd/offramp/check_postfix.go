package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// usualPostfix is the configuration that Postfix's commands read when no other
// is named.
const usualPostfix = "/etc/postfix"

// offrampTransport is the SMTP client of Postfix without what guides for a
// smarthost turn on for all destinations: TLS that is required, logins, another
// source address, and a way around a server that does not answer.
const offrampTransport = "offramp unix - - n - - smtp -o smtp_tls_security_level=none -o smtp_tls_policy_maps= " +
	"-o smtp_tls_wrappermode=no -o smtp_sasl_auth_enable=no -o smtp_bind_address= -o smtp_bind_address6= -o smtp_fallback_relay="

// postfix looks at the Postfix of this machine, and changes nothing.
func (c *checker) postfix(ctx context.Context, dir string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if dir == usualPostfix {
		dir = ""
	}
	tools := postfixTools{dir: dir}
	p, err := tools.read(ctx)
	if err != nil {
		c.add(findFail, "Postfix", fmt.Sprintf("cannot read its configuration: %v. See that postconf runs here, or name the folder of main.cf with --postfix=DIR", err), "")
		return
	}
	j := &postfixCheck{checker: c, p: p, tables: tools, dir: dir, own: ownAddresses()}
	j.feedbackHere = c.feedbackHere(ctx, j.own)
	j.evaluate(ctx)
}

// ownAddresses are the addresses of this machine.
func ownAddresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	own := make([]string, 0, len(all))
	for _, a := range all {
		host, _, _ := strings.Cut(a.String(), "/")
		own = append(own, host)
	}
	return own
}

// postfixCheck compares a Postfix with the settings of Offramp. It reads
// nothing but its fields, and writes the findings of checker.
type postfixCheck struct {
	*checker
	p            *postfixConfig
	tables       postfixTables
	dir          string   // for the lines that fix something
	own          []string // addresses of this machine
	feedbackHere tristate // the MX of the feedback domain is this machine
}

// tristate is an answer that may not be known.
type tristate int

const (
	unknown tristate = iota
	yes
	no
)

// route is a setting of Postfix that leads to Offramp.
type route struct {
	setting, transport, hop string
}

func (j *postfixCheck) evaluate(ctx context.Context) {
	before := len(j.findings)
	routes := j.routes(ctx)
	switch {
	case len(routes) > 0:
	case j.handsOn(ctx, j.settings.Gateway.Feedback()):
		// The MX of Offramp alone, and senders use Offramp directly: a recipe
		// for everything would change what was chosen.
		j.add(findWarn, "Postfix", "it hands on the feedback domain only; nothing that it sends passes Offramp", "")
	default:
		state := findFail
		if len(j.findings) > before {
			state = findWarn // it may be in a table that cannot be read
		}
		j.add(state, "Postfix", fmt.Sprintf("no mail of this Postfix reaches Offramp: nothing in it names %s", j.hop()), j.recipe())
	}
	for _, r := range routes {
		j.checkRoute(ctx, r)
	}
	j.bypasses(ctx, routes)
	j.headerChecks(ctx, routes)
	j.signers()
	j.samePorts()
	j.feedback(ctx)
	j.policy()
}

// routes finds every setting that hands mail to Offramp. A destination in
// default_transport counts before any relayhost.
func (j *postfixCheck) routes(ctx context.Context) []route {
	var all []route
	relayhost := j.p.main["relayhost"]
	add := func(setting, transport, hop string) {
		if r := (route{setting, transport, hop}); j.isOfframp(hop) && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	transport, hop, _ := strings.Cut(j.p.main["default_transport"], ":")
	if hop != "" {
		add("default_transport", transport, hop)
	} else {
		add("relayhost", transport, relayhost)
		for _, v := range j.entries(ctx, "sender_dependent_relayhost_maps") {
			add("sender_dependent_relayhost_maps", transport, v)
		}
	}
	for _, v := range j.entries(ctx, "sender_dependent_default_transport_maps") {
		t, h, _ := strings.Cut(v, ":")
		add("sender_dependent_default_transport_maps", cmp.Or(t, transport), cmp.Or(h, relayhost))
	}
	filters := []string{j.p.main["content_filter"]}
	for _, s := range j.p.services {
		filters = append(filters, s.options["content_filter"])
	}
	for _, f := range filters {
		t, h, _ := strings.Cut(f, ":")
		add("content_filter", t, h)
	}
	return all
}

// entries are the values in all tables of a parameter.
func (j *postfixCheck) entries(ctx context.Context, name string) []string {
	var all []string
	for _, table := range postfixList(j.p.main[name]) {
		values, err := j.tables.values(ctx, table)
		if err != nil {
			j.unreadable(name, table, err)
		}
		all = append(all, values...)
	}
	return all
}

// query asks the tables of a value of name for the first of the keys.
func (j *postfixCheck) query(ctx context.Context, name, value string, keys ...string) string {
	found, _ := j.find(ctx, name, value, keys...)
	return found
}

// find returns the table that has the entry too.
func (j *postfixCheck) find(ctx context.Context, name, value string, keys ...string) (found, table string) {
	for _, key := range keys {
		for _, table := range postfixList(value) {
			if !isTable(table) {
				continue
			}
			found, err := j.tables.get(ctx, table, key)
			if err != nil {
				j.unreadable(name, table, err)
			}
			if found != "" {
				return found, table
			}
		}
	}
	return "", ""
}

// unreadable reports a table once. Postfix holds back mail that needs it.
func (j *postfixCheck) unreadable(name, table string, err error) {
	kind, path, _ := strings.Cut(strings.TrimPrefix(table, "proxy:"), ":")
	text, fix := fmt.Sprintf("cannot read a table of %s: %v", name, err), ""
	state := findWarn
	if strings.Contains(err.Error(), "No such file") && slices.Contains([]string{"hash", "btree", "lmdb", "cdb", "dbm"}, kind) {
		state, fix = findFail, "postmap "+kind+":"+path
	}
	if f := (finding{State: state, What: "Postfix", Text: text, Fix: fix}); !slices.Contains(j.findings, f) {
		j.findings = append(j.findings, f)
	}
}

// hop is a destination for Postfix that reaches Offramp on this machine.
func (j *postfixCheck) hop() string {
	for _, addr := range j.settings.Gateway.SMTPAddr {
		host, port, err := net.SplitHostPort(strings.TrimSpace(addr))
		if err != nil {
			continue
		}
		if host == "" || host == "0.0.0.0" || host == "::" || host == "localhost" {
			host = "127.0.0.1"
		}
		return "[" + host + "]:" + port
	}
	return "[127.0.0.1]:2525"
}

// isOfframp says whether a destination is a listener of Offramp.
func (j *postfixCheck) isOfframp(hop string) bool {
	return j.listens(hop, slices.Concat(j.settings.Gateway.SMTPAddr, j.settings.Gateway.SMTPSAddr))
}

// listens says whether a destination is one of the listeners on this machine.
func (j *postfixCheck) listens(hop string, addrs []string) bool {
	host, port := splitHop(hop)
	if hop == "" || !j.isHere(host) {
		return false
	}
	return slices.ContainsFunc(addrs, func(addr string) bool {
		h, p, err := net.SplitHostPort(strings.TrimSpace(addr))
		switch {
		case err != nil || p != port:
			return false
		case h == "" || h == "0.0.0.0" || h == "::":
			return true
		}
		return h == host || h == "localhost" && host == "127.0.0.1" || host == "localhost" && h == "127.0.0.1"
	})
}

func (j *postfixCheck) isHere(host string) bool {
	names := append([]string{"localhost", "127.0.0.1", "::1", j.settings.Gateway.Hostname, j.p.main["myhostname"]}, j.own...)
	return slices.Contains(names, host) || strings.HasPrefix(host, "127.")
}

// postconf is a command line for this configuration.
func (j *postfixCheck) postconf(args ...string) string {
	line := "postconf"
	if j.dir != "" {
		line += " -c " + shellQuote(j.dir)
	}
	for _, a := range args {
		line += " " + shellQuote(a)
	}
	return line
}

// transport is the command that makes the transport of the recipes.
func (j *postfixCheck) transport() string { return j.transportNamed("offramp") }

func (j *postfixCheck) transportNamed(name string) string {
	return j.postconf("-M", name+"/unix="+name+strings.TrimPrefix(offrampTransport, "offramp"))
}

// recipe hands everything to Offramp (docs/postfix.md).
func (j *postfixCheck) recipe() string {
	return j.transport() + " && " + j.postconf("-e", "default_transport = offramp:"+j.hop()) + " && " + j.reload()
}

func (j *postfixCheck) reload() string {
	if j.dir != "" {
		return "postfix -c " + shellQuote(j.dir) + " reload"
	}
	return "postfix reload"
}
