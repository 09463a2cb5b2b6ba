package smtpd

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"offramp/gateway/relay"
)

// TestDrainUnderTLS shows that the 421 of a stop is readable under TLS, too.
func TestDrainUnderTLS(t *testing.T) {
	h := start(t, trusted)
	implicit, begun, between := h.dial(true), h.dial(false), h.dial(false)
	implicit.expect("220")
	implicit.say("EHLO x", "250")
	begun.expect("220")
	begun.say("EHLO x", "250")
	begun.say("STARTTLS", "220")
	begun.startTLS(0)
	begun.say("EHLO x", "250")
	between.expect("220")
	between.say("EHLO x", "250")
	between.say("STARTTLS", "220")
	between.startTLS(0)
	waiting(t, h, 3)
	h.stop()
	implicit.expect("421 4.3.2")
	implicit.closed()
	begun.expect("421 4.3.2")
	begun.closed()
	between.expect("421 4.3.2")
	between.closed()
	if c, err := net.Dial("tcp", h.plain.String()); err == nil {
		c.Close()
		t.Error("the listener is still open")
	}
}

// TestEndUnderTLS shows that a session under TLS ends with an alert, so that a
// client can tell it from one that somebody cut (RFC 5246 section 7.2.1).
func TestEndUnderTLS(t *testing.T) {
	h := start(t, trusted)
	raw, err := net.Dial("tcp", h.secure.String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	seen := &recording{Conn: raw}
	p := &peer{t: t, raw: seen}
	p.startTLS(tls.VersionTLS12) // whose records show their type
	p.expect("220")
	p.say("QUIT", "221")
	p.closed()
	const alert = 21
	last := byte(0)
	for b := seen.bytes; len(b) >= 5; b = b[5+(int(b[3])<<8|int(b[4])):] {
		last = b[0]
	}
	if last != alert {
		t.Errorf("the last record is of type %d", last)
	}
}

// recording keeps what was read.
type recording struct {
	net.Conn
	bytes []byte
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.bytes = append(r.bytes, p[:n]...)
	return n, err
}

// waiting returns when n connections wait for a command.
func waiting(t *testing.T, h *harness, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		found := 0
		h.s.mu.Lock()
		for c := range h.s.conns {
			c.mu.Lock()
			if c.blocked && c.fresh && c.wire != nil {
				found++
			}
			c.mu.Unlock()
		}
		h.s.mu.Unlock()
		if found == n {
			return
		}
	}
	t.Fatalf("%d connections do not wait", n)
}

// TestDrainUnderLoad stops a server that is busy on many connections: each
// client knows of each message whether it was taken.
func TestDrainUnderLoad(t *testing.T) {
	h := start(t, func(s *Server) { s.Relay = &fakeRelay{trusted: true, started: make(chan struct{}, 1000)} })
	const clients = 20
	acked := make(chan int, clients)
	for range clients {
		p := h.dial(false)
		go func() {
			n := 0
			defer func() { acked <- n }()
			p.reply()
			if _, err := p.talk("EHLO x\r\n"); err != nil {
				return
			}
			for {
				for _, line := range []string{"MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", "DATA\r\n", "x\r\n.\r\n"} {
					if got, err := p.talk(line); err != nil || got[0] == '4' {
						return
					} else if line[0] == 'x' && got[0] == '2' {
						n++
					}
				}
			}
		}()
	}
	for range 200 {
		<-h.relay.started
	}
	go func() {
		for range h.relay.started {
		}
	}()
	h.stop()
	total := 0
	for range clients {
		total += <-acked
	}
	if err := <-h.ended; err != nil {
		t.Error(err)
	}
	h.ended <- nil
	close(h.relay.started)
	if kept := len(h.relay.all()); kept != total || kept < 180 {
		t.Errorf("%d messages taken, %d answered with 250", kept, total)
	}
}

// talk sends a line and returns the reply, without judging it.
func (p *peer) talk(line string) (string, error) {
	if _, err := p.Conn.Write([]byte(line)); err != nil {
		return "", err
	}
	got, err := p.reply()
	if len(got) < 4 {
		return "", errors.Join(err, net.ErrClosed)
	}
	return got, nil
}

var _ Relay = (*relay.Relay)(nil)
