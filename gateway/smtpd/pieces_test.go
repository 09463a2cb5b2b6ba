package smtpd

import (
	"bytes"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// script is a connection whose client sends pieces and then ends it.
type script struct {
	net.Conn // nil
	pieces   [][]byte
	read     int // bytes
	writes   int
	replies  bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) {
	for len(s.pieces) > 0 && len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	s.pieces[0] = s.pieces[0][n:]
	s.read += n
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	s.writes++
	return s.replies.Write(p)
}

func (s *script) Close() error                     { return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// hear serves a client that sends pieces, and returns what it got and what was
// kept.
func hear(t *testing.T, pieces ...[]byte) (replies string, kept []taken) {
	t.Helper()
	r := &fakeRelay{trusted: true}
	s := &Server{
		Hostname: "gate.example", Relay: r, Feedback: fakeFeedback{r}, Logins: testLogins(t), MaxMessageSize: 4096, MaxRecipients: 10, FixLineEnds: true,
		Config: Config{AuthLoopback: true, AuthFailures: 1000}, Stats: &Stats{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if err := s.prepare(nil); err != nil {
		t.Fatal(err)
	}
	c := &script{pieces: pieces}
	s.admit(t.Context(), c, false)
	s.running.Wait()
	if n := s.Stats.Open.Load(); n != 0 {
		t.Fatal("connection still open")
	}
	replies = ids.ReplaceAllString(c.replies.String(), "(id)")
	return parameterFaults.ReplaceAllString(replies, "5yz parameter"), r.all()
}

// What differs from one time to the next. go-smtp looks at the parameters of a
// command in the order of a map, and names any one that is wrong.
var (
	ids             = regexp.MustCompile(`\([0-9a-v]{16}\)`)
	parameterFaults = regexp.MustCompile(`(?m)^5.. 5\.[53]\.4 .*`)
)

// FuzzPieces sends the same bytes in one piece and cut at random: the replies and
// the messages are the same. The greeting comes before, as it must.
func FuzzPieces(f *testing.F) {
	for _, client := range clients(f) {
		f.Add(client, uint64(1))
		f.Add(client, uint64(2))
	}
	f.Add([]byte("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n.x\r\r\n.\r\r\n\r\n..\r\n.\r\nBDAT 3\r\nAUTH PLAIN\r\n"), uint64(3))
	f.Add([]byte("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\r\r\n.\r\n"), uint64(4))
	f.Add([]byte("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 3\r\nx\r\nBDAT 0\r\nRSET\r\nBDAT 9 LAST\r\nx"), uint64(5))
	f.Fuzz(func(t *testing.T, client []byte, seed uint64) {
		if len(client) > 16<<10 {
			return
		}
		random := rand.New(rand.NewPCG(seed, 0))
		pieces := [][]byte{[]byte("EHLO x\r\n")}
		for rest := client; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(1+random.IntN(40)))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		want, wholly := hear(t, []byte("EHLO x\r\n"), client)
		got, kept := hear(t, pieces...)
		if got != want {
			t.Fatalf("%q\nin one piece %q\nin many      %q", client, want, got)
		}
		if len(kept) != len(wholly) {
			t.Fatalf("%q: kept %+v and %+v", client, wholly, kept)
		}
		for i := range kept {
			if kept[i].data != wholly[i].data || kept[i].envelope.ReversePath != wholly[i].envelope.ReversePath {
				t.Fatalf("%q: kept %+v and %+v", client, wholly, kept)
			}
		}
	})
}

// sink takes messages with go-smtp alone, and notes where each ended.
type sink struct {
	c    *script
	ends []int
	errs []error
}

func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return s, nil }
func (s *sink) Reset()                                      {}
func (s *sink) Logout() error                               { return nil }
func (s *sink) Mail(string, *smtp.MailOptions) error        { return nil }
func (s *sink) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (s *sink) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	s.ends, s.errs = append(s.ends, s.c.read), append(s.errs, err)
	return err
}

// endOf returns how many bytes go-smtp takes for a message that text begins with,
// and whether it ends there. It reads byte by byte, so it reads no more.
func endOf(t testing.TB, text []byte) (int, bool) {
	t.Helper()
	const before = "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
	c := &script{}
	for _, b := range []byte(before + string(text)) {
		c.pieces = append(c.pieces, []byte{b})
	}
	s := &sink{c: c}
	server := smtp.NewServer(s)
	server.ErrorLog = faults{s: &Server{Stats: &Stats{}, Log: slog.New(slog.DiscardHandler)}, d: &dialogue{conn: &conn{}}}
	done := make(chan struct{})
	go func() {
		server.Serve(&single{conn: closing{c, done}, done: done})
	}()
	<-done
	server.Shutdown(t.Context())
	if len(s.ends) == 0 {
		t.Fatalf("no message in %q: %s", text, &c.replies)
	}
	return s.ends[0] - len(before), s.errs[0] == nil
}

type closing struct {
	*script
	done chan struct{}
}

func (c closing) Close() error {
	select {
	case <-c.done:
	default:
		close(c.done)
	}
	return nil
}

func sameEnd(t testing.TB, text []byte, size int) {
	t.Helper()
	want, ended := endOf(t, text)
	var e ending
	got := 0
	for rest := text; len(rest) > 0 && e.at != atEnd; {
		piece := rest[:min(size, len(rest))]
		n, _ := e.scan(piece)
		got += n
		rest = rest[n:]
	}
	if got != want || (e.at == atEnd) != ended {
		t.Fatalf("%q: %d bytes, ended %v; go-smtp takes %d, %v", text, got, e.at == atEnd, want, ended)
	}
}

// TestTwoCRs: what is not searched for CR CR holds none, also where pieces meet.
func TestTwoCRs(t *testing.T) {
	for _, text := range []string{"a\r\nb\r\n", "a\r\r\n", "\r\r", ".\r\r\n", "a\r\n.\r\r\n.\r\n", "\r\n\r\n", "a\r\r\r\r\nx\r\r", "\r\r\n.\r\n\r\rx\r\r", "a\r"} {
		for size := 1; size <= len(text); size++ {
			var e ending
			var c crcr
			for piece := range slices.Chunk([]byte(text), size) {
				n, begin := e.scan(piece)
				if first := strings.Index(string(piece[:n]), "\r\r"); first >= 0 && begin > first {
					t.Errorf("%q: begins at %d", piece, begin)
				}
				if c.follow(piece[:n], begin); !c.twice && begin != n {
					t.Errorf("%q by %d: begins at %d of %d and is not seen", text, size, begin, n)
				}
			}
			if !c.twice && strings.Contains(text, "\r\r") {
				t.Errorf("%q by %d: CR CR is not seen", text, size)
			}
		}
	}
}

// TestEnding tries everything short that CR, LF and dots can make, against
// go-smtp.
func TestEnding(t *testing.T) {
	const most = 7
	letters := "\r\n.x"
	var try func(text []byte)
	try = func(text []byte) {
		if len(text) == most {
			// The end that a client means, and something behind it.
			sameEnd(t, append(text[:most:most], "\r\n.\r\nx"...), 1+int(text[0])%3)
			return
		}
		for _, b := range []byte(letters) {
			try(append(text[:len(text):len(text)], b))
		}
	}
	try(nil)
}

func FuzzEnding(f *testing.F) {
	f.Add([]byte("Subject: x\r\n\r\n..\r\n.\r\r\n.\r\n"), uint8(3))
	f.Add([]byte("\r\r\r\n.\r\nx"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		if len(text) < 1<<10 {
			sameEnd(t, text, max(int(size), 1))
		}
	})
}

// TestRepliesTogether: replies to commands that came together are one write, and
// none waits for the client.
func TestRepliesTogether(t *testing.T) {
	const group = "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@d.example>\r\n"
	for client, want := range map[string]int{
		group:                                1,
		group + "DATA\r\nx\r\n.\r\nRSET\r\n": 3, // 354, and the message
		group + "NOOP\r\nRSET\r\n":           2,
		group + "RC":                         1, // a part of a command is none
		group + strings.Repeat("x", 3000) + "\r\n": 2,
		"RSET\r\nRSET\r\nRSET\r\nQUIT\r\n":         1,
		strings.Repeat("RSET\r\n", 45):             1,
		"FOO\r\nRSET\r\nFOO\r\n":                   2,
		group + strings.Repeat(group[25:48], 150):  2, // over maxHeld
	} {
		r := &fakeRelay{trusted: true}
		s := &Server{Hostname: "gate.example", Relay: r, Stats: &Stats{}, Log: slog.New(slog.DiscardHandler)}
		if err := s.prepare(nil); err != nil {
			t.Fatal(err)
		}
		c := &script{pieces: [][]byte{[]byte("EHLO x\r\n"), []byte(client)}}
		s.admit(t.Context(), c, false)
		s.running.Wait()
		if got := c.writes - 2; got != want { // the greeting, and the reply to EHLO
			t.Errorf("%q: %d writes, want %d: %q", client, got, want, &c.replies)
		}
	}
	// One recipient a piece: each reply comes before the next.
	h := start(t, trusted)
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.say("MAIL FROM:<a@b.example>", "250")
	p.send("RCPT TO:<c@d.example>\r\nRCPT TO")
	p.expect("250")
	p.say(":<e@d.example>", "250")
}

// TestPlaceIsNeverGuessed drives a dialogue as no go-smtp should: what does not
// fit what was sent ends the connection.
func TestPlaceIsNeverGuessed(t *testing.T) {
	mark := time.Now().Add(time.Hour)
	for name, f := range map[string]func(d *dialogue, p []byte) error{
		"a read behind a command": func(d *dialogue, p []byte) error {
			d.SetReadDeadline(mark)
			d.Read(p) // NOOP
			_, err := d.Read(p)
			return err
		},
		"a read before any command": func(d *dialogue, p []byte) error {
			_, err := d.Read(p)
			return err
		},
		"a mark inside a line": func(d *dialogue, p []byte) error {
			d.SetReadDeadline(mark)
			d.Read(p[:2])
			return d.SetReadDeadline(mark)
		},
		"a mark inside a message": func(d *dialogue, p []byte) error {
			d.in.Reset(strings.NewReader("DATA\r\nx\r\n.\r\n"))
			d.SetReadDeadline(mark)
			d.Read(p)
			d.Read(p[:3])
			return d.SetReadDeadline(mark)
		},
		"a read behind a message": func(d *dialogue, p []byte) error {
			d.in.Reset(strings.NewReader("DATA\r\nx\r\n.\r\nNOOP\r\n"))
			d.SetReadDeadline(mark)
			d.Read(p)
			if n, err := d.Read(p); string(p[:n]) != "x\r\n.\r\n" || err != nil {
				return err
			}
			_, err := d.Read(p)
			return err
		},
		"a mark inside a chunk": func(d *dialogue, p []byte) error {
			d.in.Reset(strings.NewReader("BDAT 3\r\nxyzNOOP\r\n"))
			d.SetReadDeadline(mark)
			d.Read(p)
			d.Read(p[:2])
			return d.SetReadDeadline(mark)
		},
		"a read behind a chunk": func(d *dialogue, p []byte) error {
			d.in.Reset(strings.NewReader("BDAT 3\r\nxyzNOOP\r\n"))
			d.SetReadDeadline(mark)
			d.Read(p)
			if n, err := d.Read(p); string(p[:n]) != "xyz" || err != nil {
				return err
			}
			_, err := d.Read(p)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{Stats: &Stats{}, limits: Config{}.WithDefaults()}
			c := &script{pieces: [][]byte{[]byte("NOOP\r\n")}}
			d := s.newDialogue(s.newConn(c, false), false, false)
			d.hello = true
			if err := f(d, make([]byte, 100)); err != net.ErrClosed {
				t.Errorf("error %v", err)
			}
			if got := c.replies.String(); !strings.HasPrefix(got, "421 4.3.0 ") {
				t.Errorf("reply %q", got)
			}
		})
	}
}
