package trial

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// The end sequences of the SMTP smuggling papers: what some server somewhere
// took for the end of a message.
var endSequences = []string{
	"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r", "\r.\n",
	"\r\n\x00.\r\n", "\r\n.\x00\r\n", "\n\n.\r\n", "\r\r\n.\r\r\n", "\r\r\n.\r\n", "\r\r\r\n.\r\n",
}

// Smuggling: whatever stands in the data, by DATA or BDAT, one message comes
// in and at most one goes out, and nothing but CRLF is a line end in it.
func TestSmugglingMatrix(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	for i, end := range endSequences {
		for _, chunked := range []bool{false, true} {
			name := fmt.Sprintf("%q chunked=%v", end, chunked)
			inner := "MAIL FROM:<evil@evil.example>\r\nRCPT TO:<victim@dest.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n"
			mark := fmt.Sprintf("s%d%v", i, chunked)
			data := "From: News <news@trial.example>\r\nX-Trial: " + mark + "\r\n\r\nfirst" + end + inner
			smuggle(t, p, data, chunked)
			c, err := dial(p.smtp) // the program lives and goes on
			must(t, err)
			must(t, c.send("news@trial.example", []string{mark + "@dest.example"}, []byte("From: a@trial.example\r\nX-Trial: after-"+mark+"\r\n\r\nx\r\n")))
			c.close()
			poll(10*time.Second, func() error {
				if deliveriesTo(s, mark+"@dest.example") == 0 {
					return errors.New("not yet")
				}
				return nil
			})
			for _, m := range s.Messages() {
				if m.ReversePath == "evil@evil.example" || strings.Contains(strings.Join(m.Recipients, " "), "victim") {
					t.Errorf("%s: smuggled out:\n%q", name, m.Data)
				}
				if bare := bytes.ReplaceAll(m.Data, []byte("\r\n"), nil); bytes.ContainsAny(bare, "\r\n") {
					t.Errorf("%s: a bare line end went out: %q", name, m.Data)
				}
			}
		}
	}
}

// smuggle sends data raw and reads whatever comes until the server is silent.
func smuggle(t *testing.T, p *process, data string, chunked bool) {
	t.Helper()
	c, err := dial(p.smtp)
	must(t, err)
	defer c.close()
	must(t, c.envelope("news@trial.example", []string{"first@dest.example"}))
	if chunked {
		fmt.Fprintf(c.conn, "BDAT %d LAST\r\n%s", len(data), data)
	} else {
		if _, err := c.command("DATA"); err != nil {
			t.Fatal(err)
		}
		// The true end follows, so that the message as a whole is complete.
		fmt.Fprintf(c.conn, "%s\r\n.\r\n", strings.ReplaceAll(data, "\r\n.\r\n", "\r\n..\r\n"))
	}
	c.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	reply, _ := c.reply()
	if strings.HasPrefix(reply, "250") {
		// Nothing else may have been taken for a command.
		if reply, err := c.command("NOOP"); err == nil && !strings.HasPrefix(reply, "250") {
			t.Errorf("data was taken for commands: %q", reply)
		}
	}
}

// F15: a message whose end was not received is never queued, wherever it is cut.
func TestTortureCut(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	cert, key := certFiles(t)
	p := start(t, "smtp://"+s.Addr(), "SMTP_TLS_CERT_FILE="+cert, "SMTP_TLS_KEY_FILE="+key)
	l := newLedger()
	_, to, data := l.message(1, 2600)
	step := scale(131, 1)
	cuts := 0
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, how := range []string{"plain", "tls", "tls without close_notify"} {
		for _, chunked := range []bool{false, true} {
			for at := 0; at < len(data)+4; at += step {
				cuts++
				slots <- struct{}{}
				wg.Go(func() {
					defer func() { <-slots }()
					cutAt(t, p, how, chunked, to, data, at)
				})
			}
		}
	}
	wg.Wait()
	out, _ := p.run("queue", "list", "--json")
	if got := len(s.Messages()); got != 0 || strings.TrimSpace(out) != "" {
		t.Errorf("%d of %d cut messages were delivered; queue: %s", got, cuts, out)
	}
	t.Logf("%d cuts", cuts)
}

func cutAt(t *testing.T, p *process, how string, chunked bool, to []string, data []byte, at int) {
	c, err := dial(p.smtp)
	if err != nil {
		t.Error(err)
		return
	}
	raw := c.conn
	if how != "plain" {
		if err := c.startTLS(); err != nil {
			t.Error(err)
			return
		}
	}
	if err := c.envelope("news@trial.example", to); err != nil {
		t.Error(err)
		return
	}
	wire := stuff(data)
	if chunked {
		// The last octets are always missing.
		wire = append(fmt.Appendf(nil, "BDAT %d LAST\r\n", len(data)), data...)
		at += len(wire) - len(data)
	} else if _, err := c.command("DATA"); err != nil {
		t.Error(err)
		return
	}
	c.conn.Write(wire[:min(at, len(wire)-1)])
	if t, ok := c.conn.(*tls.Conn); ok && how == "tls" {
		t.CloseWrite()
	}
	raw.(*net.TCPConn).CloseWrite()
	c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if reply, err := c.reply(); err == nil && strings.HasPrefix(reply, "2") {
		t.Errorf("%s chunked=%v cut at %d was answered %q", how, chunked, at, reply)
	}
	raw.Close()
}

// 50 MiB on 20 connections at once stays under 256 MiB resident.
func TestTortureMemory(t *testing.T) {
	s, err := sink.Start(sink.Options{Discard: true})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	size := scale(12, 50) << 20
	line := strings.Repeat("0123456789", 7) + "\r\n"
	body := strings.Repeat(line, (size-200)/len(line))
	data := stuff([]byte("From: News <news@trial.example>\r\nSubject: large\r\n\r\n" + body))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			c, err := dial(p.smtp)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.close()
			if err := c.envelope("news@trial.example", []string{fmt.Sprintf("big%d@dest.example", i)}); err != nil {
				t.Error(err)
				return
			}
			if _, err := c.command("DATA"); err != nil {
				t.Error(err)
				return
			}
			c.conn.SetDeadline(time.Now().Add(5 * time.Minute))
			if _, err := c.conn.Write(data); err != nil {
				t.Error(err)
				return
			}
			if err := c.expect("250"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(s.Wait(20, time.Now().Add(5*time.Minute))); n != 20 {
		t.Errorf("%d of 20 large messages were delivered\n%s", n, p.log)
	}
	resident := p.resident()
	t.Logf("20 messages of %d MiB at once: %d MiB resident at most", size>>20, resident>>20)
	if resident > 256<<20 {
		t.Errorf("%d MiB resident", resident>>20)
	}
}

// No open relay: nothing that hides another recipient behind a permitted one.
func TestNoOpenRelay(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	cert, key := certFiles(t)
	p := setup(t, "smtp://"+s.Addr(), "TRUSTED_NETWORKS=192.0.2.0/24", "SMTP_TLS_CERT_FILE="+cert, "SMTP_TLS_KEY_FILE="+key)
	p.start()
	for _, to := range []string{
		"victim@evil.example", "victim%evil.example@u.trial.example", "@u.trial.example:victim@evil.example",
		`"victim@evil.example"@u.trial.example`, "evil.example!victim@u.trial.example", "victim@[127.0.0.1]",
		`"victim@evil.example> "@u.trial.example`, "victim@evil.example@u.trial.example", "victim", "victim@u.trial.example.",
		"victim@U.TRIAL.EXAMPLE", "victim@u.trial.еxample",
	} {
		c, err := dial(p.smtp)
		must(t, err)
		if _, err := c.command("MAIL FROM:<x@y.example>"); err != nil {
			t.Fatal(err)
		}
		reply, err := c.command("RCPT TO:<" + to + ">")
		if err != nil || !strings.HasPrefix(reply, "5") {
			t.Errorf("RCPT TO:<%s>: %q %v", to, reply, err)
		}
		c.close()
	}
	c, err := dial(p.smtp)
	must(t, err)
	defer c.close()
	for _, line := range []string{"MAIL FROM:<x@y.example>", "RCPT TO:<Postmaster@u.trial.example>"} {
		if reply, err := c.command(line); err != nil || !strings.HasPrefix(reply, "250") {
			t.Errorf("%s: %q %v (RFC 5321 section 4.5.1)", line, reply, err)
		}
	}
	if reply, _ := c.command("AUTH PLAIN AHgAeQ=="); !strings.HasPrefix(reply, "5") {
		t.Errorf("AUTH without TLS: %q", reply)
	}
	if n := len(s.Messages()); n > 0 {
		t.Errorf("%d messages were relayed", n)
	}
}
