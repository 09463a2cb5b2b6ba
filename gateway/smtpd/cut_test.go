package smtpd

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"

	"strings"
	"sync"
	"testing"
)

// TestCutMessages ends the connection at every byte of a message, and inside
// the commands around it. Nothing may be queued that did not come whole (S1).
func TestCutMessages(t *testing.T) {
	const text = "Subject: x\r\n\r\nHello\r\n.\r\nThere\r\n"
	const stuffed = "Subject: x\r\n\r\nHello\r\n..\r\nThere\r\n.\r\n"
	half := len(text) / 2
	flights := map[string]string{
		"DATA":     stuffed,
		"BDAT":     fmt.Sprintf("BDAT %d LAST\r\n%s", len(text), text),
		"BDAT two": fmt.Sprintf("BDAT %d\r\n%sBDAT %d LAST\r\n%s", half, text[:half], len(text)-half, text[half:]),
	}
	for _, way := range []string{"plain", "TLS 1.2", "TLS 1.3"} {
		for _, end := range []string{"FIN", "close_notify", "RST"} {
			if way == "plain" && end == "close_notify" {
				continue
			}
			for name, flight := range flights {
				t.Run(fmt.Sprintf("%s %s %s", way, name, end), func(t *testing.T) {
					t.Parallel()
					h := start(t, func(s *Server) { trusted(s); s.ConnectionsPerIP = 1000 })
					var cuts sync.WaitGroup
					gate := make(chan struct{}, 16)
					for n := 0; n < len(flight); n++ {
						if way != "plain" && n%3 != 0 && n < len(flight)-6 {
							continue // handshakes take time
						}
						gate <- struct{}{}
						cuts.Go(func() {
							defer func() { <-gate }()
							cut(h, way, end, name == "DATA", flight[:n])
						})
					}
					cuts.Wait()
					h.stop()
					if err := <-h.ended; err != nil {
						t.Error(err)
					}
					h.ended <- nil
					if kept := h.relay.all(); len(kept) != 0 {
						t.Fatalf("%d of %d cut messages kept, the first %q", len(kept), len(flight), kept[0].data)
					}
					if n := h.s.Stats.Panics.Load(); n != 0 {
						t.Errorf("%d panics", n)
					}
				})
			}
		}
	}
}

// cut sends part of a message and ends the connection.
func cut(h *harness, way, end string, data bool, part string) {
	p := h.dial(false)
	defer p.raw.Close()
	p.expect("220")
	if way != "plain" {
		p.say("EHLO x", "250")
		p.say("STARTTLS", "220")
		version := uint16(tls.VersionTLS13)
		if way == "TLS 1.2" {
			version = tls.VersionTLS12
		}
		p.startTLS(version)
	}
	p.say("EHLO x", "250")
	p.envelope()
	if data {
		p.say("DATA", "354")
	}
	p.send(part)
	switch end {
	case "close_notify":
		p.Conn.(*tls.Conn).CloseWrite()
	case "RST":
		p.raw.(*net.TCPConn).SetLinger(0)
		p.raw.Close()
		return
	default:
		p.raw.(*net.TCPConn).CloseWrite()
	}
	// The server ends it: nothing more will come.
	got, err := io.ReadAll(p.r)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		h.t.Errorf("connection cut after %q stays open", part)
	}
	if strings.Contains(string(got), "queued as") {
		h.t.Errorf("cut after %q: reply %q", part, got)
	}
}

// TestWholeMessageThenEnd shows that a client may end the connection right
// after a whole message: that one counts.
func TestWholeMessageThenEnd(t *testing.T) {
	for _, way := range []string{"plain", "TLS 1.2", "TLS 1.3"} {
		for _, flight := range []string{"BDAT 5 LAST\r\nabc\r\n", "BDAT 3\r\nabcBDAT 2 LAST\r\n\r\n", "BDAT 5\r\nabc\r\nBDAT 0 LAST\r\n"} {
			for _, rest := range []string{"", "QUIT\r\n", "RSET\r\nNOOP\r\nQUIT\r\n"} {
				t.Run(fmt.Sprintf("%s %q", way, flight+rest), func(t *testing.T) {
					t.Parallel()
					h := start(t, trusted)
					p := h.dial(false)
					p.expect("220")
					if way != "plain" {
						p.say("EHLO x", "250")
						p.say("STARTTLS", "220")
						p.startTLS(map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}[way])
					}
					p.say("EHLO x", "250")
					p.envelope()
					p.send(flight + rest)
					if rest == "" && way == "plain" {
						p.raw.(*net.TCPConn).CloseWrite()
					}
					for range strings.Count(flight, "BDAT") - 1 {
						p.expect("250 2.0.0 Continue")
					}
					p.expect("250 2.0.0 queued as id1")
					if kept := h.relay.all(); len(kept) != 1 || kept[0].data != "abc\r\n" {
						t.Errorf("kept %+v", kept)
					}
				})
			}
		}
	}
}

// TestLargeBDATOverTLS moves records of all sizes through the framing.
func TestLargeBDATOverTLS(t *testing.T) {
	h := start(t, func(s *Server) { trusted(s); s.MaxMessageSize = 4 << 20 })
	p := h.dial(true)
	p.expect("220")
	p.say("EHLO x", "250")
	text := strings.Repeat("0123456789abcdef0123456789abcdef\r\n", 80000)
	p.envelope()
	for n, rest := 1, text; rest != ""; n = n*3 + 1 {
		n = min(n, len(rest))
		last := ""
		if n == len(rest) {
			last = " LAST"
		}
		p.send(fmt.Sprintf("BDAT %d%s\r\n", n, last))
		for chunk := rest[:n]; chunk != ""; {
			m := min(len(chunk), 100000)
			p.send(chunk[:m])
			chunk = chunk[m:]
		}
		p.expect("250")
		rest = rest[n:]
	}
	if kept := h.relay.all(); len(kept) != 1 || kept[0].data != text {
		t.Error("what came is not what was sent")
	}
}
