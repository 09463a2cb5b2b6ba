package smtpd

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// testLogins knows shop with the password secret, at the least cost.
func testLogins(t testing.TB) *Logins {
	t.Helper()
	h := argonHash{memory: 8, time: 1, threads: 1, salt: []byte("saltsalt"), sum: make([]byte, 32)}
	h.sum = h.derive("secret")
	l, err := ParseLogins("shop:" + h.String())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParseLogins(t *testing.T) {
	hash, err := HashPassword("secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, in string
		names    []string
		err      string
	}{
		{"nothing", " \n, ", nil, ""},
		{"one", "shop:" + hash, []string{"shop"}, ""},
		{"commas inside and between", "shop:" + hash + ",crm@x.example:" + hash, []string{"shop", "crm@x.example"}, ""},
		{"one a line, as in a file", "# logins\nshop:" + hash + "\r\n\ncrm:" + hash + "\n# a:b\n", []string{"shop", "crm"}, ""},
		{"twice", "shop:" + hash + ",shop:" + hash, nil, "entry 2"},
		{"no name", ":" + hash, nil, "entry 1"},
		{"no colon", "shop", nil, "entry 1"},
		{"password in clear", "shop:geheim", nil, "entry 1"},
		{"other hash", "shop:$2a$10$abcdefghijklmnopqrstuv", nil, "entry 1"},
		{"costs that would harm us", "shop:" + strings.Replace(hash, "m=19456", "m=9999999", 1), nil, "costs"},
		{"costs missing", "shop:" + strings.Replace(hash, "t=2,", "", 1), nil, "entry 1"},
		{"cut off", "shop:" + hash[:len(hash)-40], nil, "entry 1"},
		{"comma forgotten", "shop:" + hash + "crm:" + hash, nil, "entry 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := ParseLogins(tt.in)
			if tt.err != "" {
				if !errors.Is(err, ErrLogins) || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want ErrLogins with %q", err, tt.err)
				}
				if strings.Contains(err.Error(), "geheim") {
					t.Error("the error repeats the password")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(tt.names) == 0 {
				if l != nil {
					t.Error("logins out of nothing")
				}
				return
			}
			if len(l.hashes) != len(tt.names) {
				t.Errorf("%d logins", len(l.hashes))
			}
			for _, name := range tt.names {
				if ok, err := l.Verify(t.Context(), name, "secret"); !ok || err != nil {
					t.Errorf("%s does not get in: %v", name, err)
				}
			}
		})
	}
}

func TestVerify(t *testing.T) {
	l := testLogins(t)
	for _, tt := range []struct {
		name, password string
		want           bool
	}{
		{"shop", "secret", true},
		{"shop", "secret", true}, // remembered
		{"shop", "Secret", false},
		{"shop", "", false},
		{"Shop", "secret", false},
		{"", "", false},
		{"nobody", "secret", false},
		{"shops", "ecret", false}, // no two logins share a digest
	} {
		if got, err := l.Verify(t.Context(), tt.name, tt.password); got != tt.want || err != nil {
			t.Errorf("%q %q: %v, %v", tt.name, tt.password, got, err)
		}
	}
	if !l.remembers("shop", "secret") || l.remembers("shop", "Secret") {
		t.Error("remembers the wrong logins")
	}
	for d := range l.known {
		l.known[d] = time.Now().Add(-time.Second)
	}
	if l.remembers("shop", "secret") {
		t.Error("remembers a login for ever")
	}
	// A wait for one's turn ends with the session.
	for range hashesAtOnce {
		l.gate <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := l.Verify(ctx, "shop", "other"); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestDecoyCostsAsMuch(t *testing.T) {
	hash, err := HashPassword("secret")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParseLogins("shop:" + hash)
	if err != nil {
		t.Fatal(err)
	}
	real := l.hashes["shop"]
	if d := l.decoy; d.memory != real.memory || d.time != real.time || d.threads != real.threads || len(d.salt) != len(real.salt) || len(d.sum) != len(real.sum) {
		t.Errorf("decoy %+v costs less or more than %+v", d, real)
	}
}

func TestThrottledLogins(t *testing.T) {
	h := start(t, func(s *Server) { s.Logins, s.AuthFailures, s.AuthPerConnection = testLogins(t), 2, 100 })
	plain := func(name, password string) string {
		return "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+name+"\x00"+password))
	}
	known := h.dial(true)
	known.expect("220")
	known.say("EHLO x", "250")
	known.say(plain("shop", "secret"), "235")

	p := h.dial(true)
	p.expect("220")
	p.say("EHLO x", "250")
	p.say(plain("shop", "wrong"), "535 5.7.8")
	p.say(plain("nobody", "wrong"), "535 5.7.8")
	p.say(plain("else", "wrong"), "454 4.7.0") // for the network
	p.say(plain("shop", "again"), "535 5.7.8") // it was right from here: its own failures count
	p.say(plain("shop", "third"), "454 4.7.0")
	// Who was right a moment ago is not locked out by others.
	p.say(plain("shop", "secret"), "235")
	if h.s.Stats.LoginFailed.Load() != 3 || h.s.Stats.Throttled.Load() != 2 || h.s.Stats.Logins.Load() != 2 {
		t.Errorf("counted %d failed, %d throttled", h.s.Stats.LoginFailed.Load(), h.s.Stats.Throttled.Load())
	}
}

type addressed struct {
	net.Conn
	local, remote string
}

func (a addressed) LocalAddr() net.Addr  { return tcpAddr(a.local) }
func (a addressed) RemoteAddr() net.Addr { return tcpAddr(a.remote) }

func tcpAddr(s string) net.Addr {
	if strings.HasPrefix(s, "/") {
		return &net.UnixAddr{Name: s, Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s))
}

// Passwords are taken in clear only where they cannot leave the machine.
func TestWhereLoginsAreTaken(t *testing.T) {
	for _, tt := range []struct {
		local, remote string
		off, tls      bool
		want          bool
	}{
		{local: "127.0.0.1:25", remote: "127.0.0.1:4000", want: true},
		{local: "127.0.0.1:25", remote: "127.0.0.6:4000", want: true},
		{local: "[::1]:25", remote: "[::1]:4000", want: true},
		{local: "[::ffff:127.0.0.1]:25", remote: "[::ffff:127.0.0.1]:4000", want: true},
		{local: "127.0.0.1:25", remote: "127.0.0.1:4000", off: true},
		{local: "127.0.0.1:25", remote: "192.0.2.1:4000"}, // a redirected packet (DNAT to loopback)
		{local: "192.0.2.2:25", remote: "127.0.0.1:4000"},
		{local: "172.17.0.2:25", remote: "172.17.0.1:4000"}, // Docker's proxy
		{local: "192.0.2.2:25", remote: "192.0.2.2:4000"},   // this machine by its own address: a container may have it
		{local: "[fe80::1%lo]:25", remote: "[fe80::1%lo]:4000"},
		{local: "/run/offramp", remote: "/run/client"},
		{local: "192.0.2.2:25", remote: "192.0.2.1:4000", tls: true, want: true},
		{local: "127.0.0.1:25", remote: "127.0.0.1:4000", off: true, tls: true, want: true},
	} {
		s := &Server{Config: Config{AuthLoopback: !tt.off}, Logins: testLogins(t)}
		session := &session{s: s, d: &dialogue{conn: &conn{Conn: addressed{nil, tt.local, tt.remote}}, secure: tt.tls}}
		s.needsTLS = s.authNeedsTLS(nil)
		offered := len(session.AuthMechanisms()) > 0
		_, err := session.Auth("PLAIN")
		if offered != tt.want || (err == nil) != tt.want {
			t.Errorf("%+v: offered %v, taken %v", tt, offered, err == nil)
		}
	}
}

// The log of a failed login names it, in bounds, and never has the password.
func TestFailedLoginIsLogged(t *testing.T) {
	for name, want := range map[string]string{
		"shop":                      "shop",
		"b\u00fccher\x1b[2J\r\nx=y": "b\u00fccher\ufffd[2J\ufffd\ufffdx=y",
		"\xff\xfe":                  "\ufffd\ufffd",
		strings.Repeat("n", 5000):   strings.Repeat("n", 64) + "...",
	} {
		var log bytes.Buffer
		h := start(t, func(s *Server) {
			s.Logins, s.Log = testLogins(t), slog.New(slog.NewJSONHandler(&log, nil))
		})
		p := h.dial(true)
		p.expect("220")
		p.say("EHLO x", "250")
		p.say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00"+name+"\x00geheim")), "535 5.7.8")
		p.say("QUIT", "221")
		var line struct{ Level, Msg, Login, IP string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatalf("%v in %s", err, &log)
		}
		if line.Msg != "login failed" || line.Level != "WARN" || line.Login != want || line.IP != "127.0.0.1" {
			t.Errorf("%q: logged %+v", name, line)
		}
		if strings.Contains(log.String(), "geheim") {
			t.Errorf("the log has the password: %s", &log)
		}
	}
}

func FuzzLoginServer(f *testing.F) {
	f.Add("shop", "secret", true)
	f.Add("", "", false)
	f.Fuzz(func(t *testing.T, name, password string, initial bool) {
		var gotName, gotPassword string
		calls := 0
		l := &loginServer{check: func(n, p string) error { gotName, gotPassword = n, p; calls++; return nil }}
		if !initial {
			if c, done, err := l.Next(nil); string(c) != "Username:" || done || err != nil {
				t.Fatal(c, done, err)
			}
		}
		if c, done, err := l.Next([]byte(name)); string(c) != "Password:" || done || err != nil {
			t.Fatal(c, done, err)
		}
		if _, done, err := l.Next([]byte(password)); !done || err != nil || gotName != name || gotPassword != password {
			t.Fatal(done, err, gotName, gotPassword)
		}
		if _, done, err := l.Next([]byte(password)); done || err == nil || calls != 1 {
			t.Fatal("goes on after its end")
		}
	})
}

func FuzzParseLogins(f *testing.F) {
	f.Add("shop:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA")
	f.Add("a:b,c\n#\n")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLogins(s)
		if (err != nil && l != nil) || (err != nil && !errors.Is(err, ErrLogins)) {
			t.Fatal(l, err)
		}
		if l != nil && (len(l.hashes) == 0 || len(l.decoy.sum) < 16) {
			t.Fatal("logins without a hash")
		}
	})
}

// A response that is not base64 is a syntax error (RFC 4954 section 4), and the
// session goes on.
func TestBrokenBase64(t *testing.T) {
	broken := []string{
		"%%%", "AHNob3AAc2VjcmV0%", "AHNob3AAc2VjcmV", "AHNob3A", "AHNob3A==", "AHNob3B=", "AHNob3A=AHNob3A=", "=AHN",
		"AHNo b3AAc2VjcmV0", "AHNo\tb3AAc2VjcmV0", "AHNo\rb3AAc2VjcmV0", "AHNob3AAc2VjcmV0 x", "AHNob3AAc2VjcmV-", "\xff\xff\xff\xff", "==", "**",
	}
	h := start(t, func(s *Server) { s.Logins, s.IdleCommands, s.AuthPerConnection = testLogins(t), 500, 500 })
	p := h.dial(true)
	p.expect("220")
	p.say("EHLO x", "250")
	for _, response := range broken {
		p.say("AUTH PLAIN "+response, "501 5.5.2 malformed")
		p.say("AUTH PLAIN", "334")
		p.say(response, "501 5.5.2 malformed")
		p.say("AUTH LOGIN c2hvcA==", "334")
		p.say(response, "501 5.5.2 malformed")
	}
	for _, response := range []string{" AHNob3AAc2VjcmV0", "AHNob3AAc2VjcmV0 "} {
		p.say("AUTH PLAIN", "334")
		p.say(response, "501 5.5.2 malformed")
	}
	p.say("AUTH PLAIN *", "501 5.5.2 malformed") // only a response cancels
	p.say("AUTH PLAIN =", "501 5.5.2 malformed") // empty, which is no name
	p.say("AUTH FOO %%%", "504 5.5.4")
	p.say("AUTH PLAIN", "334")
	p.say("*", "501 5.0.0 Negotiation cancelled")
	// What looks like a command is a response.
	for _, response := range []string{"STARTTLS", "DATA", "BDAT 5", "NOOP"} {
		p.say("AUTH PLAIN", "334")
		p.say(response, "501 5.5.2")
	}
	if n := h.s.Stats.Logins.Load(); n != 0 {
		t.Errorf("%d logins", n)
	}
	p.say("AUTH LOGIN =", "334 UGFzc3dvcmQ6") // an empty name
	p.say("", "535 5.7.8")
	p.say("AUTH PLAIN AHNob3AAc2VjcmV0", "235")
}

// A response may be as long as RFC 4954 section 4 says, a command may not.
func TestLongestLines(t *testing.T) {
	for line, ok := range map[string]bool{
		"NOOP " + strings.Repeat("x", maxLine-7):            true,
		"NOOP " + strings.Repeat("x", maxLine-6):            false,
		"AUTH PLAIN " + strings.Repeat("x", maxAuthLine-13): true,
		"AUTH PLAIN " + strings.Repeat("x", maxAuthLine-12): false,
	} {
		h := start(t, func(s *Server) { s.Logins = testLogins(t) })
		p := h.dial(true)
		p.expect("220")
		p.say("EHLO x", "250")
		p.send(line + "\r\n")
		got, _ := p.reply()
		if ok == strings.HasPrefix(got, "500 5.5.2 line too long") {
			t.Errorf("%d bytes: %s", len(line)+2, got)
		}
		if ok {
			p.say("AUTH PLAIN", "334")
			p.say(strings.Repeat("x", maxAuthLine-2), "501 5.5.2 malformed")
			p.say("AUTH PLAIN", "334")
			p.send(strings.Repeat("x", maxAuthLine-1) + "\r\n")
			p.expect("500 5.5.2 line too long")
		}
		p.closed()
	}
}
