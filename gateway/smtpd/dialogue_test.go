package smtpd

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDialogues plays testdata/sessions. A file has a reason in its first
// line, then one step a line:
//
//	with: trusted | logins | loopback   how the server is set up
//	C: text                    the client sends a line
//	C! "text"                  the client sends exactly that
//	S: prefix                  the last line of one reply begins so
//	+ text / - text            that reply has a line that ends so, or has none
//	T:                         TLS begins, with the next connection or STARTTLS
//	X:                         the server ends the connection
//	K: n                       so many messages were taken in all
//	M: sender -> recipients    the envelope of the last message
//	P: WITH                    its protocol for Received
//	D: "text"                  its data
func TestDialogues(t *testing.T) {
	sessions(t, func(t *testing.T, p *play) { p.run(t) })
}

// TestDialoguesInPieces plays them again with each byte on its own: over TCP, and
// those that do not speak of TLS under it. A client gets the same replies.
func TestDialoguesInPieces(t *testing.T) {
	sessions(t, func(t *testing.T, p *play) {
		switch p.name {
		case "http", "talking_before_ehlo", "starttls_injection":
			t.Skip("is about what comes in one piece")
		case "panic", "panic_bdat":
			t.Skip("ends before all of the message was sent")
		}
		p.bytewise = true
		p.run(t)
		if text := strings.Join(p.lines, "\n"); strings.Contains(text, "STARTTLS") || strings.Contains(text, "\nT:") {
			return
		}
		p.implicit = true
		p.run(t)
	})
}

func sessions(t *testing.T, f func(*testing.T, *play)) {
	files, err := filepath.Glob("testdata/sessions/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatal("sessions are missing:", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f(t, &play{name: name, file: file, lines: strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")})
		})
	}
}

// play is one session and how it is played.
type play struct {
	name, file string
	lines      []string
	bytewise   bool
	implicit   bool // under TLS from the start
}

func (s *play) harness(t *testing.T, setups map[string]bool) *harness {
	change := func(l net.Listener) net.Listener { return l }
	if s.bytewise {
		change = func(l net.Listener) net.Listener { return bytewise{l} }
	}
	return startOn(t, func(s *Server) {
		if setups["trusted"] {
			trusted(s)
		}
		if setups["logins"] {
			s.Logins = testLogins(t)
		}
		s.AuthLoopback = setups["loopback"]
	}, change)
}

func (s *play) run(t *testing.T) {
	if !strings.HasPrefix(s.lines[0], "# ") {
		t.Fatal("no reason")
	}
	var h *harness
	var p *peer
	var last string
	setups := map[string]bool{}
	for n, line := range s.lines {
		at := s.file + ":" + strconv.Itoa(n+1)
		step, rest, _ := strings.Cut(line, " ")
		if step == "with:" {
			setups[rest] = true
			continue
		}
		if step == "" || step[0] == '#' {
			continue
		}
		if h == nil {
			h = s.harness(t, setups)
			p = h.dial(step == "T:" || s.implicit)
			p.bytewise = s.bytewise
			if step == "T:" {
				continue
			}
		}
		check := func(ok bool, format string) {
			if !ok {
				t.Fatalf("%s: %s; last reply %q, kept %+v", at, format, last, h.relay.all())
			}
		}
		switch step {
		case "C:":
			p.send(rest + "\r\n")
		case "C!":
			s, err := strconv.Unquote(rest)
			check(err == nil, "bad quotes")
			p.send(s)
		case "S:":
			var err error
			last, err = p.reply()
			rows := strings.Split(strings.TrimSuffix(last, "\r\n"), "\r\n")
			if !strings.HasPrefix(rows[len(rows)-1], rest) || rows[0] == "" {
				t.Fatalf("%s: want %q, got %q (%v)", at, rest, last, err)
			}
		case "+", "-":
			check(strings.Contains(last, rest+"\r\n") == (step == "+"), line)
		case "T:":
			p.startTLS(0)
		case "X:":
			p.closed()
		case "K:":
			check(strconv.Itoa(len(h.relay.all())) == rest, "kept another number")
		default:
			kept := h.relay.all()
			check(len(kept) > 0, "nothing kept")
			if step != "P:" || !s.implicit {
				checkLast(t, at, step, rest, kept[len(kept)-1])
			}
		}
	}
}

// bytewise is a listener of connections that are read byte by byte.
type bytewise struct{ net.Listener }

func (l bytewise) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return byByte{c.(*net.TCPConn)}, nil
}

type byByte struct{ *net.TCPConn }

func (c byByte) Read(p []byte) (int, error) { return c.TCPConn.Read(p[:min(len(p), 1)]) }

func checkLast(t *testing.T, at, step, want string, m taken) {
	t.Helper()
	var got string
	switch step {
	case "M:":
		var to []string
		for _, r := range m.envelope.Recipients {
			to = append(to, r.Address.String())
		}
		got = m.envelope.ReversePath.String() + " -> " + strings.Join(to, " ")
	case "P:":
		got = m.client.Protocol
	case "D:":
		got = strconv.Quote(m.data)
	default:
		t.Fatalf("%s: no step %q", at, step)
	}
	if got != want {
		t.Fatalf("%s: %s %s, want %s", at, step, got, want)
	}
}
