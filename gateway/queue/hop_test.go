package queue

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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
		"8-bit declared":            {[]string{"PIPELINING"}, func(m *store.Message) { m.EightBit = true }, "a@b.example", "gr\xfc\xdf\r\n", "5.6.3"},
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

// authority makes a certificate for host and a PEM file of who signed it.
func authority(t *testing.T, host string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func TestTLS(t *testing.T) {
	good, ca := authority(t, "127.0.0.1")
	wrong, wrongCA := authority(t, "other.example")
	broken := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, os.ErrNotExist }}
	cases := map[string]struct {
		scheme, ca string
		config     *tls.Config
		extensions []string
		fault      sink.Fault // at STARTTLS
		wantTLS    bool
		want       string // in the log; empty: delivered
	}{
		"opportunistic":               {scheme: "smtp://", config: &tls.Config{Certificates: []tls.Certificate{wrong}}, wantTLS: true},
		"opportunistic, not offered":  {scheme: "smtp://"},
		"opportunistic, refused":      {scheme: "smtp://", config: &tls.Config{Certificates: []tls.Certificate{good}}, fault: sink.Fault{Reply: "454 4.7.0 not now"}},
		"opportunistic, no handshake": {scheme: "smtp://", config: broken},
		"required":                    {scheme: "smtp+starttls://u%2C:p%40ss@", ca: ca, extensions: []string{"8BITMIME", "AUTH LOGIN PLAIN"}, config: &tls.Config{Certificates: []tls.Certificate{good}}, wantTLS: true},
		"required, not offered":       {scheme: "smtp+starttls://", ca: ca, want: "STARTTLS is not offered"},
		"required, other authority":   {scheme: "smtp+starttls://", ca: wrongCA, config: &tls.Config{Certificates: []tls.Certificate{good}}, want: "check OFFRAMP_NEXT_HOP"},
		"required, wrong name":        {scheme: "smtp+starttls://", ca: wrongCA, config: &tls.Config{Certificates: []tls.Certificate{wrong}}, want: "check OFFRAMP_NEXT_HOP"},
		"required, injection": {scheme: "smtp+starttls://", ca: ca, config: &tls.Config{Certificates: []tls.Certificate{good}},
			fault: sink.Fault{Reply: "220 go\r\n250-evil\r\n250 AUTH PLAIN"}, want: "reply without a command"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := startSink(t, sink.Options{TLS: c.config, Extensions: c.extensions, Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
				if at == sink.StartTLS {
					return c.fault
				}
				return sink.Fault{}
			}})
			h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{c.scheme + s.Addr()}, TLSCAFile: c.ca}, Config: Config{RetryMin: 50 * time.Millisecond}}, nil)
			h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
			h.run()
			if c.want != "" {
				within(t, 5*time.Second, "deferred", func() bool { return h.spool.kinds()[store.Deferred] > 0 })
				if !strings.Contains(h.log.String(), c.want) {
					t.Errorf("no %q in the log:\n%s", c.want, h.log)
				}
				return
			}
			got := s.Wait(1, time.Now().Add(5*time.Second))
			if len(got) != 1 || got[0].TLS != c.wantTLS || strings.Contains(c.scheme, "u%2C") && got[0].Login != "u," {
				t.Errorf("got %+v; log:\n%s", got, h.log)
			}
			if log := h.log.String(); strings.Contains(log, "p@ss") || strings.Contains(log, "p%40ss") {
				t.Errorf("the password is in the log:\n%s", log)
			}
		})
	}
}

// script is a hop that answers with fixed lines, whatever it is sent.
func script(t *testing.T, answers func(line string) string) string {
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
			go converse(c, answers)
		}
	}()
	return l.Addr().String()
}

func converse(c net.Conn, answers func(string) string) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = c.Write([]byte("220 hop\r\n"))
	buf, line := make([]byte, 1<<16), ""
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		line += string(buf[:n])
		if !strings.HasSuffix(line, "\r\n") || strings.HasPrefix(line, "DATA-") && !strings.HasSuffix(line, "\r\n.\r\n") {
			continue
		}
		answer := answers(strings.TrimSuffix(line, "\r\n"))
		line = ""
		if strings.HasPrefix(answer, "354") {
			line = "DATA-"
		}
		if _, err := c.Write([]byte(answer)); err != nil {
			return
		}
	}
}

func plainHop(line string) string {
	switch {
	case line == "DATA":
		return "354 go\r\n"
	default:
		return "250 ok\r\n"
	}
}

// TestLMTP: every recipient has its own answer after the message (RFC 2033).
func TestLMTP(t *testing.T) {
	addr := script(t, func(line string) string {
		if strings.HasPrefix(line, "DATA-") {
			return "250 2.0.0 a\r\n552 5.2.2 full\r\n451 4.0.0 later\r\n"
		}
		if strings.HasPrefix(line, "EHLO") {
			return "500 this is LMTP\r\n"
		}
		return plainHop(line)
	})
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

// TestOddReplies neither hang nor pass for success.
func TestOddReplies(t *testing.T) {
	for name, at := range map[string]struct{ verb, reply string }{
		"10 MB line at EHLO":         {"EHLO", "250 " + strings.Repeat("x", 10<<20) + "\r\n"},
		"10 MB line at MAIL":         {"MAIL", "250 " + strings.Repeat("x", 10<<20) + "\r\n"},
		"endless lines at MAIL":      {"MAIL", strings.Repeat("250-more\r\n", 1<<20)},
		"endless lines at the dot":   {"DATA-", strings.Repeat("250-more\r\n", 1<<20)},
		"one reply too many at MAIL": {"MAIL", "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n"},
		"no code at RCPT":            {"RCPT", "ok\r\n"},
		"success instead of 354":     {"DATA", "250 ok\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := script(t, func(line string) string {
				if strings.HasPrefix(line, at.verb) && (at.verb == "DATA-" || !strings.HasPrefix(line, "DATA-")) {
					return at.reply
				}
				return plainHop(line)
			})
			h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"smtp://" + addr}, CommandTimeout: 2 * time.Second, DotTimeout: 2 * time.Second}, Config: Config{RetryMin: time.Hour}}, nil)
			h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
			h.run()
			within(t, 8*time.Second, "settled", func() bool { return len(h.spool.kinds()) > 0 })
			if n := h.spool.kinds(); n[store.Deferred] != 1 {
				t.Errorf("results %v", n)
			}
		})
	}
}
