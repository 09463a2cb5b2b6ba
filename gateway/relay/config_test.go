package relay

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/caarlos0/env/v11"
)

func parse(t *testing.T, vars map[string]string) (Config, error) {
	t.Helper()
	return env.ParseAsWithOptions[Config](env.Options{Prefix: "OFFRAMP_", Environment: vars})
}

func TestDefaultsAreValid(t *testing.T) {
	c, err := parse(t, map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := (Config{}).Validate(); err != nil {
		t.Error("zero value:", err)
	}
	full := Config{}.WithDefaults()
	if full.MaxMessageSize != c.MaxMessageSize || full.MaxHeaderSize != c.MaxHeaderSize || full.MaxFieldSize != c.MaxFieldSize ||
		full.MaxFields != c.MaxFields || full.MaxRecipients != c.MaxRecipients || full.MaxReceived != c.MaxReceived {
		t.Errorf("defaults of the variables %+v differ from those of zero values %+v", c, full)
	}
}

func TestMayRelay(t *testing.T) {
	for _, tt := range []struct {
		networks, addr, login string
		want                  bool
	}{
		{"", "127.0.0.1", "", true},
		{"", "::1", "", true},
		{"", "::ffff:127.0.0.1", "", true},
		{"", "192.0.2.1", "", false},
		{"", "192.0.2.1", "shop", true},
		{"192.0.2.0/24,2001:db8::/32", "192.0.2.255", "", true},
		{"192.0.2.0/24", "192.0.3.0", "", false},
		{"192.0.2.7", "192.0.2.7", "", true},
		{"192.0.2.7", "192.0.2.8", "", false},
		{"::ffff:192.0.2.0/120", "192.0.2.8", "", true},
		{"192.0.2.77/24", "192.0.2.8", "", true},
		{"fe80::/10", "fe80::1%eth0", "", true},
		{"none", "127.0.0.1", "", false},
	} {
		vars := map[string]string{}
		if tt.networks != "" {
			vars["OFFRAMP_TRUSTED_NETWORKS"] = tt.networks
		}
		c, err := parse(t, vars)
		if err != nil {
			t.Fatal(err)
		}
		r := &Relay{Config: c}
		if got := r.MayRelay(Client{Addr: netip.MustParseAddr(tt.addr), Login: tt.login}); got != tt.want {
			t.Errorf("%q with networks %q, login %q: %v", tt.addr, tt.networks, tt.login, got)
		}
	}
	if (&Relay{}).MayRelay(Client{}) {
		t.Error("a client without an address may relay")
	}
}

func TestFaultsAreAllNamed(t *testing.T) {
	c, err := parse(t, map[string]string{
		"OFFRAMP_MAX_MESSAGE_SIZE": "1", "OFFRAMP_MAX_HEADER_SIZE": "1", "OFFRAMP_MAX_FIELD_SIZE": "1",
		"OFFRAMP_MAX_FIELDS": "1", "OFFRAMP_MAX_RECIPIENTS": "1", "OFFRAMP_MAX_RECEIVED": "1",
		"OFFRAMP_DEFAULT_STREAM": "x", "OFFRAMP_SUPPRESSED": "x", "OFFRAMP_BARE_NEWLINE": "x",
		"OFFRAMP_TRUSTED_NETWORKS": "10.0.0.0/8,0.0.0.0/0,::/0", "OFFRAMP_LOGIN_LISTS": "shop: ", "OFFRAMP_POSTMASTER": "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, name := range []string{
		"MAX_MESSAGE_SIZE", "MAX_HEADER_SIZE", "MAX_FIELD_SIZE", "MAX_FIELDS", "MAX_RECIPIENTS", "MAX_RECEIVED", "DEFAULT_STREAM",
		"SUPPRESSED", "BARE_NEWLINE", "TRUSTED_NETWORKS holds 0.0.0.0/0", "TRUSTED_NETWORKS holds ::/0", "LOGIN_LISTS", "POSTMASTER",
	} {
		if !strings.Contains(err.Error(), "OFFRAMP_"+name) {
			t.Errorf("no line about %s", name)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 13 {
		t.Errorf("%d lines for 13 faults:\n%v", lines, err)
	}
	if _, err := parse(t, map[string]string{"OFFRAMP_TRUSTED_NETWORKS": "everyone"}); err == nil || !strings.Contains(err.Error(), "invalid network") {
		t.Error(err)
	}
}
