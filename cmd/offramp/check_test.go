package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/gateway/nexthop"
	"offramp/gateway/sink"
)

// check greets the next hop and sends nothing.
func TestGreet(t *testing.T) {
	s, err := sink.Start(sink.Options{Fault: func(stage sink.Stage, _ sink.Transaction) sink.Fault {
		if stage == sink.Mail {
			t.Error("check began a transaction")
		}
		return sink.Fault{}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rude, err := sink.Start(sink.Options{Fault: func(stage sink.Stage, _ sink.Transaction) sink.Fault {
		if stage == sink.Banner {
			return sink.Fault{Reply: "554 5.7.1 go away"}
		}
		return sink.Fault{}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	for _, c := range []struct{ hop, want string }{
		{"smtp://" + s.Addr(), ""},
		{"lmtp://" + s.Addr(), ""},
		{"smtp+starttls://user:hidden@" + s.Addr(), "STARTTLS is not offered"},
		{"smtp://" + rude.Addr(), "go away"},
		{"smtp://user:hidden@" + s.Addr(), "AUTH PLAIN or LOGIN is not offered"},
		{"smtp://127.0.0.1:1", "refused"},
	} {
		u, err := url.Parse(c.hop)
		if err != nil {
			t.Fatal(err)
		}
		err = greet(t.Context(), c.hop, nexthop.Config{}, "offramp.example.org")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", u.Redacted(), err, c.want)
		}
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", 4 * time.Hour: "4h", 90 * time.Second: "1m30s", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 120 * time.Hour: "120h",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := printable("a\x1b[31mb\r\n\u009bc\x7fü"); got != "a\uFFFD[31mb\uFFFD\uFFFD\uFFFDc\uFFFDü" {
		t.Errorf("printable = %q", got)
	}
}
