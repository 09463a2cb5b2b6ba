package smtpd

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestSizes checks the edges of the message limit (S13): the fake does not
// check it, so go-smtp's own limit must let one byte more through, which the
// relay refuses.
func TestSizes(t *testing.T) {
	h := start(t, func(s *Server) { trusted(s); s.MaxMessageSize = 5000 })
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.say("MAIL FROM:<a@b.example> SIZE=5001", "552 5.3.4")
	p.say("MAIL FROM:<a@b.example> SIZE=99999999999999", "501")
	p.say("MAIL FROM:<a@b.example> SIZE=5000", "250")
	p.say("RSET", "250")
	text := func(n int) string { return strings.Repeat("x", n-2) + "\r\n" }
	for _, tt := range []struct {
		size  int
		reply string
	}{{5000, "250 2.0.0 queued"}, {5001, "552 5.3.4"}, {50000, "552 5.3.4"}} {
		p.envelope()
		p.say("DATA", "354")
		p.send(text(tt.size) + ".\r\n")
		if tt.size == 5001 {
			// One byte over: here only the relay knows, see its own tests.
			p.expect("")
		} else {
			p.expect(tt.reply)
		}
		p.envelope()
		p.send(fmt.Sprintf("BDAT %d LAST\r\n%s", tt.size, text(tt.size)))
		if tt.size == 5001 {
			p.expect("")
		} else {
			p.expect(tt.reply)
		}
		p.say("RSET", "250")
	}
	for _, m := range h.relay.all() {
		if len(m.data) > 5001 {
			t.Errorf("kept %d octets", len(m.data))
		}
	}
	// In chunks, which each are below the limit.
	p.envelope()
	p.send("BDAT 3000\r\n" + text(3000))
	p.expect("250")
	p.send("BDAT 3000 LAST\r\n" + text(3000))
	p.expect("552 5.3.4")
	p.say("NOOP", "250")
}

// TestLongLines shows that a long body line passes (S14), and that a command
// without end does not.
func TestLongLines(t *testing.T) {
	for _, size := range []int{2001, 100 << 10, 3 << 20} {
		h := start(t, func(s *Server) { trusted(s); s.MaxMessageSize = 8 << 20 })
		p := h.dial(false)
		p.expect("220")
		p.say("EHLO x", "250")
		text := "Subject: x\r\n\r\n" + strings.Repeat("x", size) + "\r\n"
		p.envelope()
		p.say("DATA", "354")
		p.send(text + ".\r\n")
		p.expect("250 2.0.0 queued")
		p.envelope()
		p.send(fmt.Sprintf("BDAT %d LAST\r\n%s", len(text), text))
		p.expect("250 2.0.0 queued")
		for _, m := range h.relay.all() {
			if m.data != text {
				t.Errorf("a line of %d octets was changed", size)
			}
		}
	}
	h := start(t, func(s *Server) { trusted(s); s.MaxMessageSize = 8 << 20 })
	for _, stage := range []string{"greeting", "session", "transaction", "chunk"} {
		p := h.dial(false)
		p.expect("220")
		if stage != "greeting" {
			p.say("EHLO x", "250")
		}
		if stage == "transaction" || stage == "chunk" {
			p.envelope()
		}
		if stage == "chunk" {
			p.say("BDAT 3\r\nx", "250")
		}
		go io.WriteString(p.raw, "MAIL FROM:<"+strings.Repeat("x", 2<<20))
		p.expect("500 5.5.2 line too long")
		p.closed()
	}
	if n := len(h.relay.all()); n != 0 {
		t.Errorf("%d messages kept", n)
	}
}

// TestEndlessMessage shows that a message far over the limit is not read for
// ever.
func TestEndlessMessage(t *testing.T) {
	h := start(t, func(s *Server) { trusted(s); s.MaxMessageSize = 10000 })
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.envelope()
	p.say("DATA", "354")
	block := strings.Repeat("0123456789abcde\r\n", 1000)
	for n := 0; ; n += len(block) {
		if _, err := io.WriteString(p.raw, block); err != nil {
			return
		}
		if n > 1<<30 {
			t.Fatal("a message of 1 GiB is still read")
		}
	}
}

// TestRefusalBeforeLongLine shows that an internal error stays temporary when
// the rest of the message, which go-smtp throws away, is one long line.
func TestRefusalBeforeLongLine(t *testing.T) {
	h := start(t, func(s *Server) { trusted(s); s.MaxMessageSize = 1 << 20 })
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	for _, bdat := range []bool{false, true} {
		p.say("MAIL FROM:<early-full@b.example>", "250")
		p.say("RCPT TO:<c@d.example>", "250")
		text := "Subject: x\r\n\r\n" + strings.Repeat("x", 500<<10) + "\r\n"
		if bdat {
			p.send(fmt.Sprintf("BDAT %d LAST\r\n%s", len(text), text))
		} else {
			p.say("DATA", "354")
			p.send(text + ".\r\n")
		}
		p.expect("452 4.3.1")
	}
}

func TestTooManyRecipients(t *testing.T) {
	h := start(t, func(s *Server) { trusted(s); s.MaxRecipients = 5; s.IdleCommands = 10 })
	p := h.dial(false)
	p.expect("220")
	if got := p.say("EHLO x", "250"); !strings.Contains(got, "LIMITS RCPTMAX=5\r\n") {
		t.Errorf("EHLO says %q", got)
	}
	p.say("MAIL FROM:<a@b.example>", "250")
	for i := range 40 {
		want := "250"
		if i >= 5 {
			want = "452 4.5.3"
		}
		p.say(fmt.Sprintf("RCPT TO:<r%d@d.example>", i), want)
	}
	p.say("DATA", "354")
	p.say("x\r\n.", "250")
	if kept := h.relay.all(); len(kept) != 1 || len(kept[0].envelope.Recipients) != 5 {
		t.Errorf("kept %+v", kept)
	}
}

func TestIdleCommands(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trusted bool
		line    string
		reply   string
	}{
		{"NOOP", true, "NOOP", "250"},
		{"VRFY", true, "VRFY x", "252"},
		{"EHLO", true, "EHLO x", "250"},
		{"EXPN", true, "EXPN x", "502"},
		{"MAIL and RSET", true, "MAIL FROM:<a@b.example>\r\nRSET", "250"},
		{"refused recipients of a stranger", false, "RCPT TO:<c@d.example>", "550"},
		{"forged addresses", false, "RCPT TO:<u+forged@back.example>", "550"},
		{"logins", true, "AUTH FOO", "504"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := start(t, func(s *Server) { s.Relay = &fakeRelay{trusted: tt.trusted}; s.IdleCommands = 10 })
			p := h.dial(false)
			p.expect("220")
			p.say("EHLO x", "250")
			if strings.HasPrefix(tt.line, "RCPT") {
				p.say("MAIL FROM:<a@b.example>", "250")
			}
			n := 0
			for ; ; n++ {
				p.send(tt.line + "\r\n")
				got, err := p.reply()
				if strings.HasPrefix(got, "421 4.7.0") {
					break
				}
				if err != nil || !strings.HasPrefix(got, tt.reply) || n > 10 {
					t.Fatalf("after %d: %q %v", n, got, err)
				}
				if strings.Contains(tt.line, "\n") {
					p.expect("250")
				}
			}
			p.closed()
			if n < 8 {
				t.Errorf("ended after %d", n)
			}
			if h.s.Stats.Misbehaved.Load() != 1 {
				t.Error("not counted")
			}
		})
	}
	// Mail starts the count again, and recipients a trusted client gets wrong do not count.
	h := start(t, func(s *Server) { trusted(s); s.IdleCommands = 10 })
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	for range 5 {
		for range 6 {
			p.say("NOOP", "250")
		}
		p.envelope()
		for range 15 {
			p.say("RCPT TO:<a@b..example>", "553")
			p.say("RCPT TO:<c@d.example>", "250")
		}
		p.say("DATA", "354")
		p.say("x\r\n.", "250")
	}
	// Nor do the chunks of one message.
	p.envelope()
	for range 50 {
		p.say("BDAT 3\r\nx", "250")
	}
	p.say("BDAT 0 LAST", "250")
}

func TestConnectionLimits(t *testing.T) {
	h := start(t, func(s *Server) { trusted(s); s.ConnectionsPerIP = 3 })
	var open []*peer
	for range 3 {
		p := h.dial(len(open) == 2)
		p.expect("220")
		open = append(open, p)
	}
	p := h.dial(false)
	p.expect("421 4.7.0 too many connections")
	p.closed()
	raw, err := net.Dial("tcp", h.secure.String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("a handshake over the limit")
	}
	open[0].say("QUIT", "221")
	open[0].closed()
	for range 100 { // the place is free a moment later
		p = h.dial(false)
		if got, _ := p.reply(); strings.HasPrefix(got, "220") {
			return
		}
	}
	t.Error("the place of a connection that ended stays taken")
}

// TestFailedHandshake shows that a client is not heard in clear after STARTTLS,
// whatever it sends (RFC 3207 section 4.1).
func TestFailedHandshake(t *testing.T) {
	h := start(t, func(s *Server) { s.Logins = testLogins(t) })
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.say("STARTTLS", "220")
	p.send("this is no TLS\r\nQUIT\r\n")
	p.closed()

	p = h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.say("STARTTLS", "220")
	c := tls.Client(p.raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err := c.Handshake(); err == nil {
		t.Fatal("TLS 1.1 is accepted")
	}
	p.r = bufio.NewReader(p.raw)
	io.WriteString(p.raw, "MAIL FROM:<a@b.example>\r\n")
	rest, err := io.ReadAll(p.raw)
	if ne, ok := err.(net.Error); ok && ne.Timeout() || strings.Contains(string(rest), "Roger") {
		t.Errorf("the session goes on in clear: %q", rest)
	}
}

// STARTTLS is refused where there is none, and the session goes on.
func TestNoTLS(t *testing.T) {
	p := start(t, func(s *Server) { trusted(s); s.TLS = nil }).dial(false)
	p.expect("220")
	if got := p.say("EHLO x", "250"); strings.Contains(got, "TLS") {
		t.Errorf("offered: %s", got)
	}
	p.say("STARTTLS", "502 5.5.1")
	p.envelope()
}

func TestListenersWithoutCertificate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &Server{Relay: &fakeRelay{}}
	if err := s.Serve(t.Context(), Listener{l, true}); !errors.Is(err, ErrNoCertificate) {
		t.Error(err)
	}
}

func TestListenerThatFails(t *testing.T) {
	var listeners []Listener
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, Listener{l, false})
	}
	s := &Server{Relay: &fakeRelay{}}
	time.AfterFunc(10*time.Millisecond, func() { listeners[0].Close() })
	if err := s.Serve(t.Context(), listeners...); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", listeners[1].Addr().String()); err == nil {
		c.Close()
		t.Error("the other listener is still open")
	}
}

func TestFaultsAreAllNamed(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
	c := Config{MaxConnections: -1, ConnectionsPerIP: -1, IdleTimeout: 1, DataTimeout: -1, WriteTimeout: 1, MinRate: -1, IdleCommands: 1,
		AuthFailures: -1, AuthPerConnection: -1, Drain: 2 * time.Hour, KeptConnections: -1, StressIdle: 1, StressData: -1, StressRate: -1}
	err := c.Validate()
	for _, name := range []string{"MAX_CONNECTIONS", "CONNECTIONS_PER_IP", "IDLE_TIMEOUT", "DATA_TIMEOUT", "WRITE_TIMEOUT", "MIN_RATE", "IDLE_COMMANDS",
		"AUTH_FAILURES", "AUTH_PER_CONNECTION", "DRAIN", "KEPT_CONNECTIONS", "STRESS_IDLE_TIMEOUT", "STRESS_DATA_TIMEOUT", "STRESS_MIN_RATE"} {
		if err == nil || !strings.Contains(err.Error(), "OFFRAMP_SMTP_"+name+" is ") {
			t.Errorf("no line about %s in %v", name, err)
		}
	}
	if err := (Config{MaxConnections: 10, ConnectionsPerIP: 20}).Validate(); err == nil {
		t.Error("more connections of one client than in all")
	}
}
