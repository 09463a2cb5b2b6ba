package smtpd

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/relay"
)

// byAddress trusts the clients of 10.0.0.0/8 and logins.
type byAddress struct{ *fakeRelay }

func (byAddress) MayRelay(c relay.Client) bool {
	return c.Login != "" || netip.MustParsePrefix("10.0.0.0/8").Contains(c.Addr)
}

// from is a connection with an address.
type from struct {
	net.Conn
	addr string
}

func (c from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.addr), 1234))
}

// crowd runs f with a server of few places, in made-up time.
func crowd(t *testing.T, f func(t *testing.T, s *Server, dial func(addr string) *peer)) {
	crowdOn(t, false, f)
}

// crowdOn is crowd on a listener with implicit TLS, perhaps.
func crowdOn(t *testing.T, implicit bool, f func(t *testing.T, s *Server, dial func(addr string) *peer)) {
	config := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	synctest.Test(t, func(t *testing.T) {
		r := &fakeRelay{}
		s := &Server{
			Config:   Config{MaxConnections: 25, KeptConnections: 5, ConnectionsPerIP: 25},
			Hostname: "gate.example", Relay: byAddress{r}, Feedback: fakeFeedback{r}, Stats: &Stats{}, TLS: config,
			Log: slog.New(slog.DiscardHandler),
		}
		l := pipes{make(chan net.Conn), make(chan struct{})}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, Listener{l, implicit}) }()
		var open []net.Conn
		f(t, s, func(addr string) *peer {
			near, far := net.Pipe()
			open = append(open, near)
			l.conns <- from{far, addr}
			return &peer{t: t, raw: near, Conn: near, r: bufio.NewReader(near)}
		})
		for _, c := range open {
			c.Close()
		}
		stop()
		if err := <-ended; err != nil {
			t.Error("Serve:", err)
		}
		if s.places.all.Held() != 0 || s.places.strangers.Held() != 0 || s.Stats.Strangers.Load() != 0 {
			t.Errorf("places are not given back: %d, of strangers %d", s.places.all.Held(), s.places.strangers.Held())
		}
	})
}

// Strangers from many addresses cannot take what is kept for others.
func TestPlacesKept(t *testing.T) {
	crowd(t, func(t *testing.T, s *Server, dial func(string) *peer) {
		for i := range 20 {
			dial(fmt.Sprintf("192.0.2.%d", i)).expect("220")
		}
		if got := s.Stats.Strangers.Load(); got != 20 {
			t.Errorf("%d strangers are counted", got)
		}
		dial("192.0.2.99").expect("421 4.7.0")
		for i := range 5 {
			dial(fmt.Sprintf("10.0.0.%d", i)).expect("220")
		}
		dial("10.0.0.99").expect("421 4.7.0")
	})
}

// A login makes a stranger one of those we know, and its network for a week.
func TestPlacesOfLogins(t *testing.T) {
	h := start(t, func(s *Server) {
		s.Relay, s.Logins = byAddress{&fakeRelay{}}, testLogins(t)
		s.AuthLoopback, s.MaxConnections, s.KeptConnections, s.ConnectionsPerIP = true, 6, 3, 6
	})
	var open []*peer
	for range 3 {
		p := h.dial(false)
		p.expect("220")
		open = append(open, p)
	}
	h.dial(false).expect("421 4.7.0")
	open[0].say("EHLO x", "250")
	open[0].say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00shop\x00secret")), "235")
	if got := h.s.places.strangers.Held(); got != 2 {
		t.Errorf("%d strangers after one has logged in, want 2", got)
	}
	for range 3 {
		h.dial(false).expect("220")
	}
	if got := h.s.places.strangers.Held(); got != 2 {
		t.Errorf("%d strangers, want 2: the network is known", got)
	}
	h.dial(false).expect("421 4.7.0")
}

// Under stress strangers must be quick, also those that wait since before.
func TestStress(t *testing.T) {
	crowd(t, func(t *testing.T, s *Server, dial func(string) *peer) {
		trusted := dial("10.0.0.1")
		trusted.expect("220")
		began := time.Now()
		var idle []*peer
		for i := range 16 {
			idle = append(idle, dial(fmt.Sprintf("192.0.2.%d", i)))
			idle[i].expect("220")
		}
		synctest.Wait()
		time.Sleep(4 * time.Second)
		last := dial("192.0.2.99") // the 17th of 20
		last.expect("220")
		for _, p := range idle {
			p.expect("421 4.4.2")
			p.closed()
		}
		took(t, began, 10*time.Second, 10*time.Second)
		synctest.Wait()
		// By now there is room: another stranger has all the time there is.
		calm := dial("192.0.2.100")
		calm.expect("220")
		began = time.Now()
		calm.expect("421 4.4.2")
		took(t, began, 300*time.Second, 300*time.Second)
		trusted.expect("421 4.4.2")
	})
}

// A handshake that does not begin holds its place no longer than a command would.
func TestStressInHandshakes(t *testing.T) {
	crowdOn(t, true, func(t *testing.T, s *Server, dial func(string) *peer) {
		began := time.Now()
		var idle []*peer
		for i := range 18 {
			idle = append(idle, dial(fmt.Sprintf("192.0.2.%d", i)))
			synctest.Wait()
		}
		for _, p := range idle {
			if rest, err := io.ReadAll(p.raw); len(rest) > 0 || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
		}
		took(t, began, 10*time.Second, 10*time.Second)
	})
}

// Under stress a stranger's message must come faster, and few commands may be
// idle; those we know have what they always have.
func TestStressInMessages(t *testing.T) {
	crowd(t, func(t *testing.T, s *Server, dial func(string) *peer) {
		slow := dial("192.0.2.1")
		slow.expect("220")
		slow.say("EHLO x", "250")
		slow.say("MAIL FROM:<>", "250")
		slow.say("RCPT TO:<u+good@back.example>", "250")
		slow.say("DATA", "354")
		began := time.Now()
		defer slow.background(func() {
			for line := strings.Repeat("x", 1998) + "\r\n"; ; {
				if _, err := io.WriteString(slow.raw, line); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})()
		for i := range 17 {
			p := dial(fmt.Sprintf("192.0.2.%d", 10+i))
			p.expect("220")
			defer p.background(func() {
				for {
					io.WriteString(p.raw, "NOOP\r\n")
					if got, err := p.reply(); err != nil || got[:3] == "421" {
						return
					}
					time.Sleep(9 * time.Second)
				}
			})()
		}
		idle := dial("192.0.2.99")
		idle.expect("220")
		for range stressCommands {
			idle.say("NOOP", "250")
		}
		idle.expect("421 4.7.0")
		slow.expect("421 4.4.2")
		took(t, began, 30*time.Second, 40*time.Second) // 20 s, and 0.2 ms for a byte
	})
}
