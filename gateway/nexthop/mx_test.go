package nexthop

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"offramp/gateway/sink"
)

func TestExchangers(t *testing.T) {
	many := []*net.MX{}
	n := sink.Names{
		MX: map[string][]*net.MX{
			"two.example":    {{Host: "B.mx.example.", Pref: 20}, {Host: "a.mx.example.", Pref: 10}},
			"null.example":   {{Host: ".", Pref: 0}},
			"self.example":   {{Host: "Out.Example.com.", Pref: 10}, {Host: "a.mx.example.", Pref: 10}, {Host: "b.mx.example.", Pref: 20}},
			"backup.example": {{Host: "out.example.com.", Pref: 20}, {Host: "a.mx.example.", Pref: 10}, {Host: "b.mx.example.", Pref: 30}},
			"gone.example":   {{Host: "nowhere.example.", Pref: 10}},
			"half.example":   {{Host: "broken.example.", Pref: 10}, {Host: "a.mx.example.", Pref: 20}},
			"local.example":  {{Host: "localhost.example.", Pref: 10}},
		},
		IP: map[string][]string{
			"a.mx.example": {"192.0.2.1", "2001:db8::1"}, "b.mx.example": {"192.0.2.2"}, "plain.example": {"192.0.2.3"},
			"localhost.example": {"127.0.0.1", "::1"}, "many.mx.example": {"192.0.2.9"},
		},
		Fault: map[string]error{"down.example": sink.ServerFailure(), "broken.example": sink.ServerFailure()},
	}
	for range 100 {
		many = append(many, &net.MX{Host: "many.mx.example.", Pref: 5})
	}
	n.MX["many.example"] = many
	for domain, want := range map[string]string{
		"two.example":        "a.mx.example=192.0.2.1:25 a.mx.example=[2001:db8::1]:25 b.mx.example=192.0.2.2:25",
		"plain.example":      "plain.example=192.0.2.3:25",
		"null.example":       "5.1.10",
		"nothing.example":    "5.1.2",
		"gone.example":       "5.1.2",
		"self.example":       "5.4.6",
		"local.example":      "5.4.6",
		"backup.example":     "a.mx.example=192.0.2.1:25 a.mx.example=[2001:db8::1]:25",
		"half.example":       "a.mx.example=192.0.2.1:25 a.mx.example=[2001:db8::1]:25",
		"down.example":       "temporary",
		"[192.0.2.7]":        "192.0.2.7=192.0.2.7:25",
		"[IPv6:2001:db8::7]": "2001:db8::7=[2001:db8::7]:25",
		"[odd]":              "5.1.2",
		"[127.0.0.1]":        "5.1.2",
		"[IPv6:::1]":         "5.1.2",
		"[0.0.0.0]":          "5.1.2",
		"many.example":       strings.TrimSpace(strings.Repeat("many.mx.example=192.0.2.9:25 ", 10)),
	} {
		e := exchangers{resolver: n, hostname: "out.example.com", port: "25", rand: func() float64 { return 0.99 }}
		targets, err := e.targets(context.Background(), domain)
		var got []string
		for _, t := range targets {
			got = append(got, t.hop.host+"="+t.address)
		}
		result := strings.Join(got, " ")
		if bad, ok := errors.AsType[*badDomain](err); ok {
			result = bad.status.Enhanced
		} else if err != nil {
			result = "temporary"
		}
		if result != want {
			t.Errorf("%s: %s, want %s", domain, result, want)
		}
	}
}

func TestEqualPreferenceIsShuffled(t *testing.T) {
	n := sink.Names{MX: map[string][]*net.MX{"d.example": {{Host: "a.", Pref: 1}, {Host: "b.", Pref: 1}}}}
	first := make(map[string]bool)
	for _, r := range []float64{0, 0.99} {
		e := exchangers{resolver: n, rand: func() float64 { return r }}
		hosts, err := e.hosts(context.Background(), "d.example")
		if err != nil {
			t.Fatal(err)
		}
		first[hosts[0]] = true
	}
	if len(first) != 2 {
		t.Errorf("always %v first", first)
	}
}
