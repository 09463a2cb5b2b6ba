package nexthop

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/google/go-cmp/cmp"
)

func TestParseServers(t *testing.T) {
	for value, want := range map[string]hop{
		"smtp://mail.example":                  {host: "mail.example", port: "25"},
		"SMTP://mail.example:2525/":            {host: "mail.example", port: "2525"},
		"smtp+starttls://u:p%2Cx@mail.example": {host: "mail.example", port: "587", security: startTLS, user: "u", password: "p,x"},
		"smtps://mail.example":                 {host: "mail.example", port: "465", security: implicitTLS},
		"lmtp://[::1]:24":                      {host: "::1", port: "24", lmtp: true},
		"smtp://u:p@127.0.0.1:25":              {host: "127.0.0.1", port: "25", user: "u", password: "p"},
	} {
		all, err := parseServers([]string{value})
		if err != nil || len(all.hops) != 1 || all.hops[0] != want {
			t.Errorf("%s: %+v, %v", value, all, err)
		}
	}
	if all, err := parseServers([]string{" MX "}); err != nil || !all.direct {
		t.Errorf("mx: %+v, %v", all, err)
	}
}

func TestParseServersRefuses(t *testing.T) {
	for _, values := range [][]string{
		nil, {""}, {"mail.example"}, {"mail.example:25"}, {"http://mail.example"}, {"smtp://"}, {"smtp://mail.example:0"},
		{"smtp://mail.example:99999"}, {"smtp://mail.example/path"}, {"smtp://mail.example?x=1"}, {"smtp://u:secret@mail.example"},
		{"smtps://u@mail.example"}, {"smtps://:secret@mail.example"}, {"smtps://u:secret%zz@mail.example"}, {"smtps://u:sec ret@mail.example"},
		{"mx", "smtp://mail.example"}, {"lmtp://a.example", "smtp://b.example"}, {"smtp://a b.example"}, {"smtp://ü.example"},
	} {
		_, err := parseServers(values)
		if err == nil || !strings.Contains(err.Error(), "OFFRAMP_NEXT_HOP") || strings.Contains(err.Error(), "sec") {
			t.Errorf("%q: %v", values, err)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	for _, s := range []string{"mx", "smtp://a", "smtp+starttls://u:p@h:587", "smtps://[::1]:465", "lmtp://h:24", "smtp://%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all, err := parseServers([]string{s})
		if err != nil {
			return
		}
		for _, h := range all.hops {
			if h.host == "" || h.port == "" || strings.ContainsAny(h.host, " \r\n@/") {
				t.Errorf("%q: %+v", s, h)
			}
		}
	})
}

func TestValidateNamesEveryError(t *testing.T) {
	c := Config{Servers: []string{"nonsense"}, Connections: -1, PerDestination: 10001, IdleTimeout: -1, WriteTimeout: -time.Second, TLSCAFile: "/nonexistent/ca.pem"}
	err := c.Validate()
	if err == nil {
		t.Fatal("no error found")
	}
	for _, name := range []string{"OFFRAMP_NEXT_HOP,", "OFFRAMP_NEXT_HOP_CONNECTIONS", "OFFRAMP_NEXT_HOP_PER_DESTINATION", "OFFRAMP_NEXT_HOP_IDLE", "OFFRAMP_NEXT_HOP_TIMEOUT_WRITE", "OFFRAMP_NEXT_HOP_TLS_CA"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("no %s in:\n%v", name, err)
		}
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 6 {
		t.Errorf("%d lines, want 6:\n%v", n, err)
	}
	if err := (Config{Servers: []string{"mx"}}).Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	if err := (Config{}).Validate(); !errors.Is(err, ErrNoNextHop) {
		t.Errorf("nothing set: %v", err)
	}
}

// The defaults that the settings' table shows are those of zero values.
func TestDefaultsAgree(t *testing.T) {
	shown, err := env.ParseAsWithOptions[Config](env.Options{Environment: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Config{}.WithDefaults(), shown); diff != "" {
		t.Errorf("(-zero value +variable):\n%s", diff)
	}
}
