package delivery

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

func newBuffered(w io.Writer) *bufio.Writer { return bufio.NewWriter(w) }

func TestParseNextHops(t *testing.T) {
	for value, want := range map[string]hop{
		"smtp://mail.example":                  {host: "mail.example", port: "25"},
		"SMTP://mail.example:2525/":            {host: "mail.example", port: "2525"},
		"smtp+starttls://u:p%2Cx@mail.example": {host: "mail.example", port: "587", security: startTLS, user: "u", password: "p,x"},
		"smtps://mail.example":                 {host: "mail.example", port: "465", security: implicitTLS},
		"lmtp://[::1]:24":                      {host: "::1", port: "24", lmtp: true},
		"smtp://u:p@127.0.0.1:25":              {host: "127.0.0.1", port: "25", user: "u", password: "p"},
	} {
		all, err := parseNextHops([]string{value})
		if err != nil || len(all.hops) != 1 || all.hops[0] != want {
			t.Errorf("%s: %+v, %v", value, all, err)
		}
	}
	if all, err := parseNextHops([]string{" MX "}); err != nil || !all.direct {
		t.Errorf("mx: %+v, %v", all, err)
	}
}

func TestParseNextHopsRefuses(t *testing.T) {
	for _, values := range [][]string{
		nil, {""}, {"mail.example"}, {"mail.example:25"}, {"http://mail.example"}, {"smtp://"}, {"smtp://mail.example:0"},
		{"smtp://mail.example:99999"}, {"smtp://mail.example/path"}, {"smtp://mail.example?x=1"}, {"smtp://u:secret@mail.example"},
		{"smtps://u@mail.example"}, {"smtps://:secret@mail.example"}, {"smtps://u:secret%zz@mail.example"}, {"smtps://u:sec ret@mail.example"},
		{"mx", "smtp://mail.example"}, {"lmtp://a.example", "smtp://b.example"}, {"smtp://a b.example"}, {"smtp://ü.example"},
	} {
		_, err := parseNextHops(values)
		if err == nil || !strings.Contains(err.Error(), "OFFRAMP_NEXT_HOP") || strings.Contains(err.Error(), "sec") {
			t.Errorf("%q: %v", values, err)
		}
	}
}

func FuzzParseNextHop(f *testing.F) {
	for _, s := range []string{"mx", "smtp://a", "smtp+starttls://u:p@h:587", "smtps://[::1]:465", "lmtp://h:24", "smtp://%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all, err := parseNextHops([]string{s})
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

func TestValidateNamesEveryFault(t *testing.T) {
	c := Config{NextHop: []string{"nonsense"}, NextHopConnections: -1, RetryMin: time.Hour, RetryMax: time.Minute, Drain: -1, TLSCAFile: "/nonexistent/ca.pem"}
	err := c.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, name := range []string{"OFFRAMP_NEXT_HOP,", "OFFRAMP_NEXT_HOP_CONNECTIONS", "OFFRAMP_RETRY_MAX", "OFFRAMP_NEXT_HOP_DRAIN", "OFFRAMP_NEXT_HOP_TLS_CA"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("no %s in:\n%v", name, err)
		}
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 5 {
		t.Errorf("%d lines, want 5:\n%v", n, err)
	}
	if err := (Config{NextHop: []string{"mx"}}).Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	if err := (Config{}).Validate(); !errors.Is(err, ErrNoNextHop) {
		t.Errorf("nothing set: %v", err)
	}
}

func TestSchedule(t *testing.T) {
	s := schedule{min: time.Minute, max: 4 * time.Hour, expire: 120 * time.Hour, bounceExpire: 24 * time.Hour, rand: func() float64 { return 0.5 }}
	for attempts, want := range map[int]time.Duration{1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute, 8: 128 * time.Minute, 9: 4 * time.Hour, 1000: 4 * time.Hour} {
		if got := s.backoff(attempts); got != want {
			t.Errorf("after %d attempts: %v, want %v", attempts, got, want)
		}
	}
	for _, r := range []float64{0, 0.999} {
		s.rand = func() float64 { return r }
		if got := s.backoff(1); got < 54*time.Second || got > 66*time.Second {
			t.Errorf("jitter: %v", got)
		}
	}
	m := &store.Message{Received: acceptance, ReversePath: "a@b.example"}
	now, last := acceptance, acceptance
	attempts := 0
	for {
		attempts++
		next, ok := s.next(m, attempts, now)
		if !ok {
			break
		}
		if !next.After(now) {
			t.Fatalf("attempt %d: %v is not after %v", attempts, next, now)
		}
		last, now = now, next
	}
	if now != acceptance.Add(120*time.Hour) || last == now {
		t.Errorf("the last attempt is at %v, want at the deadline", now)
	}
	if attempts < 30 || attempts > 50 {
		t.Errorf("%d attempts in five days", attempts)
	}
	m.ReversePath = ""
	if _, ok := s.next(m, 1, acceptance.Add(25*time.Hour)); ok {
		t.Error("a bounce is kept for over a day")
	}
}
