package queue

import (
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/mime"
	"offramp/gateway/nexthop"
	"offramp/gateway/sink"
	"offramp/store"
)

// TestWhatTheHopMustOffer: what it cannot carry fails before MAIL with the
// right code; what needs nothing is sent all the same.
func TestWhatTheHopMustOffer(t *testing.T) {
	cases := map[string]struct {
		offers []string
		change func(*store.Message)
		to     string
		body   string
		want   string // enhanced code; empty: delivered
	}{
		"8-bit declared": {[]string{"PIPELINING"}, func(m *store.Message) { m.EightBit = true }, "a@b.example", "gr\xfc\xdf\r\n", ""},
		"8-bit declared, encrypted": {[]string{"PIPELINING"}, func(m *store.Message) {
			m.EightBit, m.Header = true, []byte("From: a@example.com\r\nContent-Type: application/pkcs7-mime\r\n\r\n")
		}, "a@b.example", "gr\xfc\xdf\r\n", "5.6.3"},
		"8-bit header": {[]string{"PIPELINING"}, func(m *store.Message) {
			m.EightBit, m.Header = true, []byte("From: a@example.com\r\nSubject: \xfc\r\n\r\n")
		}, "a@b.example", "gr\xfc\xdf\r\n", "5.6.3"},
		"8-bit declared, 7-bit":     {[]string{"PIPELINING"}, func(m *store.Message) { m.EightBit = true }, "a@b.example", "plain\r\n", ""},
		"8-bit not declared":        {[]string{"PIPELINING"}, func(m *store.Message) {}, "a@b.example", "gr\xfc\xdf\r\n", ""},
		"8-bit offered, lower case": {[]string{"8bitmime"}, func(m *store.Message) { m.EightBit = true }, "a@b.example", "gr\xfc\xdf\r\n", ""},
		"UTF-8 address":             {[]string{"8BITMIME"}, func(m *store.Message) { m.UTF8 = true }, "jörg@b.example", "x\r\n", "5.6.7"},
		"UTF-8 header":              {[]string{"8BITMIME"}, func(m *store.Message) { m.UTF8, m.Header = true, []byte("From: a@example.com\r\nSubject: ü\r\n\r\n") }, "a@b.example", "x\r\n", "5.6.7"},
		"UTF-8 without need":        {[]string{"8BITMIME"}, func(m *store.Message) { m.UTF8 = true }, "a@b.example", "x\r\n", ""},
		"UTF-8 offered":             {[]string{"8BITMIME", "SMTPUTF8"}, func(m *store.Message) { m.UTF8 = true }, "jörg@b.example", "x\r\n", ""},
		"REQUIRETLS":                {[]string{"REQUIRETLS"}, func(m *store.Message) { m.RequireTLS = true }, "a@b.example", "x\r\n", "5.7.30"},
		"too large":                 {[]string{"SIZE 1000"}, func(m *store.Message) {}, "a@b.example", strings.Repeat("x\r\n", 1000), "5.3.4"},
		"size without limit":        {[]string{"SIZE"}, func(m *store.Message) {}, "a@b.example", strings.Repeat("x\r\n", 1000), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := startSink(t, sink.Options{Extensions: c.offers})
			h := newFixture(t, hopTo(s), nil)
			m := news("q1")
			c.change(&m)
			h.spool.put(m, c.body, to(c.to)...)
			h.run()
			within(t, 5*time.Second, "settled", func() bool { return len(h.spool.kinds()) > 0 })
			h.spool.mu.Lock()
			defer h.spool.mu.Unlock()
			r := h.spool.results[0]
			if c.want == "" && r.Kind != store.Delivered || c.want != "" && (r.Kind != store.Bounced || r.Status.Enhanced != c.want) {
				t.Errorf("result %+v, want %q", r, c.want)
			}
			if c.want != "" {
				return
			}
			if data := s.Messages()[0].Data; m.EightBit && len(c.offers) > 0 && c.offers[0] == "PIPELINING" && !mime.ASCII(data) {
				t.Errorf("8-bit content came to a hop without 8BITMIME: %q", data)
			}
		})
	}
}

// TestParametersAreCarriedOn, and a success is confirmed where the hop cannot (RFC 3461).
func TestParametersAreCarriedOn(t *testing.T) {
	m := news("q1")
	m.Return, m.EnvelopeID, m.EightBit = "HDRS", "id+1 =x", true
	r := store.Recipient{Address: `"od d"@b.example`, Notify: "SUCCESS,DELAY", Original: "rfc822;first+1@b.example"}
	t.Run("DSN", func(t *testing.T) {
		s := startSink(t, sink.Options{})
		h := newFixture(t, hopTo(s), nil)
		h.spool.put(m, "Hi\r\n", r)
		h.run()
		got := s.Wait(1, time.Now().Add(5*time.Second))
		if len(got) != 1 {
			t.Fatal("nothing came")
		}
		if p := strings.Fields(got[0].Parameters[0]); !slices.Contains(p, "RET=HDRS") || !slices.Contains(p, "ENVID=id+2B1+20+3Dx") ||
			!slices.Contains(p, "BODY=8BITMIME") || !strings.Contains(got[0].Parameters[0], "SIZE=") {
			t.Errorf("MAIL %v", p)
		}
		if p := got[0].Parameters[1]; !strings.Contains(p, "NOTIFY=SUCCESS,DELAY") || !strings.Contains(strings.ToLower(p), "orcpt=rfc822;first+2b1@b.example") {
			t.Errorf("RCPT %v", p)
		}
		if got[0].Recipients[0] != `"od d"@b.example` || got[0].Helo != "out.example.com" {
			t.Errorf("recipient %q, helo %q", got[0].Recipients[0], got[0].Helo)
		}
		within(t, 5*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
		if len(h.spool.bounces) != 0 {
			t.Error("confirmed though the hop will")
		}
	})
	// Of any type; one that no parameter can carry stays behind.
	for original, want := range map[string]string{"x400;/C=de/x=1": "ORCPT=x400;/C+3Dde/x+3D1", "utf-8;jörg": "ORCPT=utf-8;j\\x{F6}rg", "rfc822;jörg": ""} {
		s := startSink(t, sink.Options{Extensions: []string{"DSN"}})
		h := newFixture(t, hopTo(s), nil)
		h.spool.put(m, "Hi\r\n", store.Recipient{Address: "a@b.example", Notify: "NEVER", Original: original})
		h.run()
		got := s.Wait(1, time.Now().Add(5*time.Second))
		if len(got) != 1 || !strings.HasSuffix(got[0].Parameters[1], want) || want == "" && strings.Contains(got[0].Parameters[1], "ORCPT") {
			t.Errorf("%s: %+v", original, got)
		}
	}
	t.Run("no DSN", func(t *testing.T) {
		s := startSink(t, sink.Options{Extensions: []string{"8BITMIME"}})
		h := newFixture(t, hopTo(s), nil)
		h.spool.put(m, "Hi\r\n", r)
		h.run()
		got := s.Wait(2, time.Now().Add(5*time.Second))
		if len(got) != 2 || strings.Contains(strings.Join(got[0].Parameters, " "), "NOTIFY") {
			t.Fatalf("got %+v", got)
		}
		if d := string(got[1].Data); !strings.Contains(d, "Action: relayed") || got[1].ReversePath != "" || !strings.Contains(d, "Original-Envelope-Id: id+1 =x") {
			t.Errorf("confirmation:\n%s", d)
		}
	})
}

func TestDelayIsReportedOnce(t *testing.T) {
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
		if at == sink.Rcpt && tx.Recipient == "a@b.example" {
			return sink.Fault{Reply: "450 4.2.1 later"}
		}
		return sink.Fault{}
	}})
	c := hopTo(s)
	c.DelayNotice = 200 * time.Millisecond
	h := newFixture(t, c, nil)
	h.spool.put(news("q1"), "Hi\r\n", store.Recipient{Address: "a@b.example", Notify: "DELAY,FAILURE"})
	h.run()
	within(t, 10*time.Second, "five attempts", func() bool { return h.spool.kinds()[store.Deferred] >= 5 })
	got := s.Messages()
	if len(got) != 1 || !strings.Contains(string(got[0].Data), "Action: delayed") || !strings.Contains(string(got[0].Data), "Will-Retry-Until:") {
		t.Errorf("%d messages", len(got))
	}
}

// startLMTP starts a server that answers every message with replies.
func startLMTP(t *testing.T, replies string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go speakLMTP(textproto.NewConn(c), replies)
		}
	}()
	return l.Addr().String()
}

func speakLMTP(c *textproto.Conn, replies string) {
	defer c.Close()
	_ = c.PrintfLine("220 hop")
	for {
		line, err := c.ReadLine()
		switch {
		case err != nil:
			return
		case strings.HasPrefix(line, "EHLO"):
			_ = c.PrintfLine("500 this is LMTP")
		case line == "DATA":
			_ = c.PrintfLine("354 go")
			_, _ = io.Copy(io.Discard, c.DotReader())
			_ = c.PrintfLine("%s", strings.TrimSuffix(replies, "\r\n"))
		default:
			_ = c.PrintfLine("250 ok")
		}
	}
}

// TestLMTP: every recipient has its own answer after the message (RFC 2033).
func TestLMTP(t *testing.T) {
	addr := startLMTP(t, "250 2.0.0 a\r\n552 5.2.2 full\r\n451 4.0.0 later\r\n")
	h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"lmtp://" + addr}}, Config: Config{RetryMin: time.Hour}}, nil)
	m := exempt("q1")
	m.ReversePath = ""
	ids := h.spool.put(m, "Hi\r\n", to("a@b.example", "b@b.example", "c@b.example")...)
	h.run()
	within(t, 5*time.Second, "settled", func() bool { return len(h.spool.kinds()) == 3 })
	h.spool.mu.Lock()
	defer h.spool.mu.Unlock()
	for i, want := range []store.ResultKind{store.Delivered, store.Bounced, store.Deferred} {
		if r := h.spool.results[i]; r.Recipient != ids[i] || r.Kind != want {
			t.Errorf("%+v, want %v", r, want)
		}
	}
}

// TestRejectedSessionPointsAtTheSettings: what is refused before any message is
// not the message's doing; the log names the setting and keeps its password.
func TestRejectedSessionPointsAtTheSettings(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"smtp+starttls://u%2C:p%40ss@" + s.Addr()}}, Config: Config{RetryMin: 50 * time.Millisecond}}, nil)
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
	stop := h.run()
	within(t, 5*time.Second, "deferred", func() bool { return h.spool.kinds()[store.Deferred] > 0 })
	stop()
	log := h.log.String()
	if !strings.Contains(log, "next hop rejects the session before any message; check OFFRAMP_NEXT_HOP") || !strings.Contains(log, "relay=127.0.0.1") || !strings.Contains(log, "STARTTLS is not offered") {
		t.Errorf("log:\n%s", log)
	}
	if strings.Contains(log, "p@ss") || strings.Contains(log, "p%40ss") {
		t.Errorf("the password is in the log:\n%s", log)
	}
}
