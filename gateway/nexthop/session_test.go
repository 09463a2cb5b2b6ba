package nexthop

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

func newHops(t *testing.T, c Config, p Parts) *Hops {
	t.Helper()
	p.Hostname = "out.example.com"
	h, err := New(c, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Retire)
	return h
}

func startSink(t *testing.T, o sink.Options) *sink.Sink {
	t.Helper()
	s, err := sink.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// transact sends a short message and returns the error of every recipient.
func transact(s *Session, recipients ...string) []error {
	errs := make([]error, len(recipients))
	fail := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	if err := s.Mail(Envelope{ReversePath: "news@example.com"}); err != nil {
		return fail(err)
	}
	var accepted []Recipient
	for i, address := range recipients {
		r := Recipient{Address: address}
		if errs[i] = s.Rcpt(r); errs[i] == nil {
			accepted = append(accepted, r)
		}
	}
	if len(accepted) == 0 {
		s.Reset()
		return errs
	}
	sent := s.Data(accepted, func(w io.Writer) error {
		_, err := io.WriteString(w, "Subject: x\r\n\r\nHi\r\n")
		return err
	})
	for i := range errs {
		if errs[i] == nil {
			errs[i], sent = sent[0], sent[1:]
		}
	}
	return errs
}

// In an answer of a script.
const (
	hangUp = "\x01" // at its end: the connection is closed
	later  = "\x02" // what follows is sent on its own
)

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
		answer, end := strings.CutSuffix(answers(strings.TrimSuffix(line, "\r\n")), hangUp)
		line = ""
		if strings.HasPrefix(answer, "354") {
			line = "DATA-"
		}
		for i, part := range strings.Split(answer, later) {
			if i > 0 {
				time.Sleep(20 * time.Millisecond) // the hop is slow; nobody relies on it
			}
			if _, err := c.Write([]byte(part)); err != nil {
				return
			}
		}
		if end {
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
			hops := newHops(t, Config{Servers: []string{"smtp://" + addr}, CommandTimeout: 2 * time.Second, DotTimeout: 2 * time.Second}, Parts{})
			session, err := hops.Open(t.Context(), "")
			if err == nil {
				err = transact(session, "a@b.example")[0]
				hops.Give(session)
			}
			if err == nil || Explain(err).Class != Temporary {
				t.Errorf("%v", err)
			}
			if n := hops.OpenTo(""); n != 0 {
				t.Errorf("%d sessions are kept", n)
			}
		})
	}
}

// TestAnswersWithinAMessage: what a hop says between DATA and the end of the message
// is never taken for the answer to the message, unless it refuses it.
func TestAnswersWithinAMessage(t *testing.T) {
	const now = "\x03" // together with the 354
	for name, c := range map[string]struct {
		early string // behind "354 go": with it, or while the message is sent
		dot   string
		want  string // of the status; empty: the message is taken
	}{
		"nothing":            {"", "250 ok\r\n", ""},
		"a late reply":       {"250 ok\r\n", "250 ok\r\n", "4.5.0 message: reply without a command"},
		"354 twice":          {now + "354 go on\r\n", "250 ok\r\n", ""},
		"354 and too late":   {now + "250 ok\r\n", "250 ok\r\n", "4.5.0 message: reply without a command"},
		"354 and a refusal":  {now + "554 5.7.1 no\r\n", "", "554 5.7.1 no"},
		"another 354":        {"354 go on\r\n", "250 ok\r\n", ""},
		"354 at the dot":     {"", "354 go on\r\n250 ok\r\n", ""},
		"too large":          {"552 5.3.4 too large\r\n", "", "552 5.3.4 too large"},
		"too large, leaves":  {"552-5.3.4 too\r\n552 5.3.4 large\r\n" + hangUp, "", "552 5.3.4 too large"},
		"busy":               {"451 later\r\n", "", "451  later"},
		"leaves":             {hangUp, "", "4.4.2 connection closed at message"},
		"debris at the dot":  {"", "DEBUG queue\r\n\r\n250 ok\r\n", ""},
		"debris in a reply":  {"", "250-queued\r\nas 1234\r\n250 ok\r\n", ""},
		"debris, no reply":   {"", "250-queued\r\nas 1234\r\n" + hangUp, "4.4.2 connection closed at end of message"},
		"debris, refused":    {"", "\r\n554 5.7.1 spam\r\n", "554 5.7.1 spam"},
		"endless 354 at dot": {"", strings.Repeat("354 go on\r\n", 100), "354  go on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := script(t, func(line string) string {
				switch {
				case line == "DATA":
					if early, ok := strings.CutPrefix(c.early, now); ok {
						return "354 go\r\n" + early
					}
					return "354 go\r\n" + later + c.early
				case strings.HasPrefix(line, "DATA-"):
					return c.dot
				}
				return "250 ok\r\n"
			})
			hops := newHops(t, Config{Servers: []string{"smtp://" + addr}, CommandTimeout: 5 * time.Second, DotTimeout: 5 * time.Second}, Parts{})
			session, err := hops.Open(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			_ = session.Mail(Envelope{})
			_ = session.Rcpt(Recipient{Address: "a@b.example"})
			errs := session.Data(make([]Recipient, 1), func(w io.Writer) error {
				if _, err := io.WriteString(w, "Subject: x\r\n\r\n"); err != nil || c.early == "" {
					return err
				}
				waitSaid(t, session)
				return nil
			})
			got := ""
			if errs[0] != nil {
				st := Explain(errs[0]).Status
				if got = st.Enhanced + " " + st.Text; st.Code > 0 {
					got = strconv.Itoa(st.Code) + " " + got
				}
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			hops.Give(session)
			if kept := hops.Take("") != nil; kept != (name == "nothing" || name == "debris in a reply") {
				t.Errorf("the session is kept: %t", kept)
			}
		})
	}
}

// waitSaid returns once the hop said something, or left.
func waitSaid(t *testing.T, s *Session) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); s.wire.quiet() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing came")
		}
	}
}
