package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
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

// checks is Offramp with usual settings, ready to look at a Postfix.
func (c postfixCase) checks(t *testing.T, dir string, p *postfixConfig, tables postfixTables) *postfixCheck {
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
	a := &app{envFile: filepath.Join(t.TempDir(), "offramp.env")}
	if err := os.WriteFile(a.envFile, []byte("OFFRAMP_DATA_DIR=data"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := &postfixCheck{checker: &checker{app: a, settings: s}, p: p, dir: dir, tables: tables, feedbackHere: no}
	if c.change != nil {
		c.change(s, j)
	}
	return j
}

// find returns the finding that the case is about.
func (c postfixCase) find(t *testing.T, all []finding) finding {
	t.Helper()
	i := slices.IndexFunc(all, func(f finding) bool { return strings.Contains(f.Text, c.want) })
	if i < 0 {
		t.Fatalf("no %s %q, have\n%s", c.state, c.want, shown(all))
	}
	return all[i]
}

func TestPostfixFindings(t *testing.T) {
	for _, c := range postfixCases() {
		t.Run(c.name, func(t *testing.T) {
			j := c.checks(t, "", parsePostfix(usual+c.main, usualMaster+c.master, c.options), textTables{})
			j.evaluate(t.Context())
			all := j.findings
			f := c.find(t, all)
			for _, g := range all {
				if g.Fix != "" {
					fixRuns(t, g.Fix)
				}
			}
			if f.State != c.state || !strings.Contains(f.Fix, c.fix) || (c.fix == "") != (f.Fix == "") || !strings.Contains(f.Do, c.do) || (c.do == "") != (f.Do == "") {
				t.Errorf("want %s %q with %q and by hand %q, have\n%s", c.state, c.want, c.fix, c.do, shown(all))
			}
			if c.state == findOK && slices.ContainsFunc(all, func(f finding) bool {
				return f.State == findFail && !strings.Contains(f.Text, "no mail of this Postfix")
			}) {
				t.Errorf("also a failure:\n%s", shown(all))
			}
		})
	}
}

// Each fix that sets something in Postfix works as printed: after it Postfix's
// own commands read a configuration without the finding.
func TestPostfixFixesWork(t *testing.T) {
	needsPostconf(t)
	for _, c := range postfixCases() {
		if c.fix == "" || strings.HasPrefix(c.fix, "echo ") || strings.HasPrefix(c.fix, "offramp ") {
			continue // TestFixesWork has those that do not change Postfix
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tools := postfixTools{dir: dir}
			for name, text := range map[string]string{"main.cf": "compatibility_level = 3.6\n" + usual + c.main, "master.cf": usualMaster + c.master} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for line := range strings.Lines(c.options) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				if _, err := tools.run(t.Context(), "postconf", "-P", strings.TrimSpace(name)+"="+strings.TrimSpace(value)); err != nil {
					t.Fatal(err)
				}
			}
			look := func() []finding {
				p, err := tools.read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				j := c.checks(t, dir, p, tools)
				j.evaluate(t.Context())
				return j.findings
			}
			f := c.find(t, look())
			if !fixRuns(t, f.Fix) {
				return
			}
			shell(t, f.Fix)
			if after := look(); f.Do == "" && slices.ContainsFunc(after, func(g finding) bool { return g.Text == f.Text }) {
				t.Errorf("%s did not help:\n%s", f.Fix, shown(after))
			}
		})
	}
}

func shown(all []finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s %s\n  -> %s\n  by hand: %s\n", f.State, f.Text, f.Fix, f.Do)
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

// The MX of the feedback domain says whether Postfix sees its mail.
func TestFeedbackHere(t *testing.T) {
	at := func(host ...string) fakeDNS {
		return fakeDNS{mx: map[string][]*net.MX{"bounce.example.org.": {{Host: "mx1.example.org."}, {Host: "mx2.example.org."}}},
			host: map[string][]string{"mx1.example.org.": {"192.0.2.9"}, "mx2.example.org.": host}}
	}
	for name, c := range map[string]struct {
		dns     fakeDNS
		offline bool
		want    tristate
	}{
		"one MX is here":    {dns: at("2001:db8::7", "192.0.2.7"), want: yes},
		"both are not":      {dns: at("192.0.2.8"), want: no},
		"no MX":             {dns: fakeDNS{}, want: unknown},
		"MX without a host": {dns: fakeDNS{mx: at().mx}, want: unknown},
		"offline":           {dns: at("192.0.2.7"), offline: true, want: unknown},
	} {
		s := &settings{}
		s.Gateway.FeedbackDomain = "bounce.example.org"
		check := checker{app: &app{resolver: c.dns}, offline: c.offline, settings: s}
		if got := check.feedbackHere(t.Context(), []string{"127.0.0.1", "192.0.2.7"}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
