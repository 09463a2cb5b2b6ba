package gateway_test

import (
	"strings"
	"testing"

	"offramp/gateway"
	"offramp/gateway/access"
	"offramp/gateway/nexthop"
	"offramp/gateway/relay"
)

// good is a configuration without a fault.
func good(t *testing.T) gateway.Config {
	var network relay.Network
	if err := network.UnmarshalText([]byte("192.0.2.0/24")); err != nil {
		t.Fatal(err)
	}
	return gateway.Config{
		PublicURL: "https://offramp.example.org", SMTPAddr: []string{":2525"}, HTTPAddr: ":8080", AdminAddr: "127.0.0.1:8081",
		NextHop: nexthop.Config{Servers: []string{"mx"}}, Relay: relay.Config{TrustedNetworks: []relay.Network{network}},
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*gateway.Config)
		want   string // empty: no fault
	}{
		"good":                    {func(c *gateway.Config) {}, ""},
		"public URL missing":      {func(c *gateway.Config) { c.PublicURL = "" }, "OFFRAMP_PUBLIC_URL: is not set"},
		"public URL with path":    {func(c *gateway.Config) { c.PublicURL = "https://example.org/mail" }, ""},
		"public URL plain http":   {func(c *gateway.Config) { c.PublicURL = "http://example.org" }, "must begin with https"},
		"public URL with query":   {func(c *gateway.Config) { c.PublicURL = "https://example.org/?a=b" }, "without ?"},
		"public URL with user":    {func(c *gateway.Config) { c.PublicURL = "https://a:b@example.org/" }, "user name"},
		"public URL no host":      {func(c *gateway.Config) { c.PublicURL = "https:///x" }, "invalid URL"},
		"public URL not ASCII":    {func(c *gateway.Config) { c.PublicURL = "https://bücher.example" }, "xn--"},
		"public URL with CRLF":    {func(c *gateway.Config) { c.PublicURL = "https://example.org/\r\nX: y" }, "OFFRAMP_PUBLIC_URL"},
		"public URL long":         {func(c *gateway.Config) { c.PublicURL = "https://example.org/" + strings.Repeat("x", 100) }, "longer than 100"},
		"public URL with bracket": {func(c *gateway.Config) { c.PublicURL = "https://example.org/a>b" }, "contains characters that a link cannot have"},
		"public URL stray escape": {func(c *gateway.Config) { c.PublicURL = "https://example.org/%" }, "OFFRAMP_PUBLIC_URL"},
		"public URL unset name":   {func(c *gateway.Config) { c.PublicURL = "https://$HOST" }, "contains characters that a link cannot have"},
		"public URL bad port":     {func(c *gateway.Config) { c.PublicURL = "https://example.org:99999" }, "contains characters that a link cannot have"},
		"public URL with dots":    {func(c *gateway.Config) { c.PublicURL = "https://example.org/a/../b" }, "contains characters that a link cannot have"},
		"public URL with port":    {func(c *gateway.Config) { c.PublicURL = "https://example.org:8443/" }, ""},
		"public URL IPv6": {func(c *gateway.Config) {
			c.PublicURL, c.FeedbackDomain = "https://[2001:db8::1]:8443/m", "bounce.example.org"
		}, ""},
		"public URL IP, no name":  {func(c *gateway.Config) { c.PublicURL = "https://192.0.2.1" }, "OFFRAMP_FEEDBACK_DOMAIN: is not set"},
		"feedback domain":         {func(c *gateway.Config) { c.FeedbackDomain = "bounce.example.org" }, ""},
		"feedback domain broken":  {func(c *gateway.Config) { c.FeedbackDomain = "a b" }, "OFFRAMP_FEEDBACK_DOMAIN"},
		"feedback domain literal": {func(c *gateway.Config) { c.FeedbackDomain = "[192.0.2.1]" }, "OFFRAMP_FEEDBACK_DOMAIN"},
		"hostname injects":        {func(c *gateway.Config) { c.Hostname = "a\r\nb" }, "OFFRAMP_HOSTNAME"},
		"hostname not ASCII":      {func(c *gateway.Config) { c.Hostname = "höst.example" }, "OFFRAMP_HOSTNAME"},
		"hostname of digits":      {func(c *gateway.Config) { c.Hostname = "012345678901" }, ""},
		"hostname with comment":   {func(c *gateway.Config) { c.Hostname = "a(b" }, "OFFRAMP_HOSTNAME"},
		"hostname of one label":   {func(c *gateway.Config) { c.Hostname = "mail_1" }, ""},
		"hostname literal":        {func(c *gateway.Config) { c.Hostname = "[192.0.2.1]" }, ""},
		"SMTP address broken":     {func(c *gateway.Config) { c.SMTPAddr = []string{"2525"} }, `OFFRAMP_SMTP_ADDR: invalid listen address "2525"`},
		"SMTP port too large":     {func(c *gateway.Config) { c.SMTPAddr = []string{":70000"} }, "OFFRAMP_SMTP_ADDR"},
		"no SMTP listener":        {func(c *gateway.Config) { c.SMTPAddr = nil }, "OFFRAMP_SMTP_ADDR: is empty"},
		"SMTPS alone":             {func(c *gateway.Config) { c.SMTPAddr, c.SMTPSAddr = nil, []string{":465"} }, ""},
		"no HTTP listener":        {func(c *gateway.Config) { c.HTTPAddr = "" }, "OFFRAMP_HTTP_ADDR: is empty"},
		"admin public, no token":  {func(c *gateway.Config) { c.AdminAddr = ":8081" }, "OFFRAMP_ADMIN_ADDR: :8081 can be reached from outside"},
		"admin named, no token":   {func(c *gateway.Config) { c.AdminAddr = "admin.example.org:8081" }, "OFFRAMP_ADMIN_ADDR"},
		"admin IPv6 loopback":     {func(c *gateway.Config) { c.AdminAddr = "[::1]:8081" }, ""},
		"admin public with token": {func(c *gateway.Config) { c.AdminAddr, c.Admin.Token = ":8081", strings.Repeat("k", 32) }, ""},
		"weak token":              {func(c *gateway.Config) { c.Admin = access.Config{Token: "secret"} }, "OFFRAMP_ADMIN_TOKEN"},
		"nobody may send":         {func(c *gateway.Config) { c.Relay.TrustedNetworks = nil }, "OFFRAMP_TRUSTED_NETWORKS: names no network"},
		"none may send":           {func(c *gateway.Config) { c.Relay.TrustedNetworks = []relay.Network{{}} }, "OFFRAMP_TRUSTED_NETWORKS: names no network"},
		"nobody, but on loopback": {func(c *gateway.Config) { c.Relay.TrustedNetworks, c.SMTPAddr = nil, []string{"127.0.0.1:2525"} }, ""},
		"broken logins":           {func(c *gateway.Config) { c.SMTPUsers = "shop:secret-password" }, "OFFRAMP_SMTP_USERS"},
		"next hop in a circle":    {func(c *gateway.Config) { c.NextHop.Servers = []string{"smtp://127.0.0.1:2525"} }, "OFFRAMP_NEXT_HOP: 127.0.0.1:2525 is this server's own listener :2525"},
		"circle without a port": {func(c *gateway.Config) {
			c.NextHop.Servers, c.SMTPAddr = []string{"smtp://localhost"}, []string{"[::]:25"}
		}, "own listener [::]:25"},
		"another scheme has another port": {func(c *gateway.Config) {
			c.NextHop.Servers, c.SMTPAddr = []string{"smtps://localhost"}, []string{":25"}
		}, ""},
		"next hop beside it": {func(c *gateway.Config) { c.NextHop.Servers = []string{"smtp://127.0.0.1:10025"} }, ""},
		"next hop on another loopback address": {func(c *gateway.Config) {
			c.NextHop.Servers, c.SMTPAddr = []string{"smtp://127.0.0.2:2525"}, []string{"127.0.0.1:2525"}
		}, ""},
		"postmaster comes back": {func(c *gateway.Config) { c.Relay.Postmaster = "me@offramp.example.org" }, "OFFRAMP_POSTMASTER"},
		"postmaster routed here": {func(c *gateway.Config) {
			c.Relay.Postmaster, c.Returns.Addresses = "me@example.org", []string{"ME@example.org"}
		}, "OFFRAMP_FEEDBACK_ADDRESSES"},
		"return path": {func(c *gateway.Config) { c.Returns.ReturnPath = "verb" }, "OFFRAMP_RETURN_PATH"},
		"hook":        {func(c *gateway.Config) { c.Hooks.SESTopics = []string{"x"} }, "OFFRAMP_HOOK_SES_TOPICS"},
		"no next hop": {func(c *gateway.Config) { c.NextHop.Servers = nil }, "OFFRAMP_NEXT_HOP"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good(t)
			c.change(&config)
			err := config.Validate()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("Validate = %v, want no fault", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("Validate = %v, want %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("Validate repeats a secret: %v", err)
			}
		})
	}
}

// All faults come at once, each on its own line.
func TestValidateAll(t *testing.T) {
	err := gateway.Config{AdminAddr: ":8081"}.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, name := range []string{"OFFRAMP_PUBLIC_URL", "OFFRAMP_NEXT_HOP", "OFFRAMP_SMTP_ADDR", "OFFRAMP_HTTP_ADDR", "OFFRAMP_ADMIN_ADDR"} {
		found := 0
		for _, line := range lines {
			if strings.HasPrefix(line, name) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s is named at the start of %d lines, want 1:\n%v", name, found, err)
		}
	}
}

func TestFeedbackDomain(t *testing.T) {
	for _, c := range []struct{ feedback, public, want string }{
		{"", "https://Offramp.Example.org:8443/x", "offramp.example.org"},
		{"Bounce.example.org", "https://offramp.example.org", "bounce.example.org"},
		{"bücher.example", "https://offramp.example.org", "xn--bcher-kva.example"},
	} {
		if got := (gateway.Config{FeedbackDomain: c.feedback, PublicURL: c.public}).Feedback(); got != c.want {
			t.Errorf("Feedback of %q and %q = %q, want %q", c.feedback, c.public, got, c.want)
		}
	}
}
