package trial

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/listunsub"
)

// dear is the most octets of disk and log together that one octet of a
// stranger's may cost (promise 7).
const dear = 10

// flood is one way in. A round writes to the program and returns how many
// octets of content it wrote; what TCP adds is not counted.
type flood struct {
	name  string
	round func(f *floods) int
}

// floods is a program that strangers write to, and what they know.
type floods struct {
	*process
	once, page     string // URLs
	bounce, optOut string // addresses
	n              int    // letters
}

// Whatever a stranger sends, the disk and the log grow in proportion to it.
func TestStrangersOctetsAreCheap(t *testing.T) {
	f := startFloods(t)
	rounds := scale(300, 20_000)
	for _, flood := range everyWayIn {
		t.Run(flood.name, func(t *testing.T) {
			before, logged := f.stored(), f.logged()
			written, begin := 0, time.Now()
			for range rounds {
				written += flood.round(f)
			}
			minutes := 1 + int(time.Since(begin).Minutes())
			disk, log := f.stored()-before, f.logged()-logged
			ratio := float64(disk+log) / float64(written)
			t.Logf("%d rounds, %d octets: %d of disk, %d of log, %.1f for each", rounds, written, disk, log, ratio)
			// What grows once, a page of a table or the first lines of a kind, is no
			// cost of an octet.
			if disk+log > 64<<10 && ratio > dear {
				t.Errorf("%.1f octets of disk and log for each octet, want at most %d", ratio, dear)
			}
			// One network has 60 lines of a text in a minute, and 60 at once.
			if most := (minutes + 1) * 60 * 400; log > most {
				t.Errorf("%d octets of log, want at most %d", log, most)
			}
		})
	}
}

func startFloods(t *testing.T) *floods {
	t.Helper()
	s, err := sink.Start(sink.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	p := setup(t, "smtp://"+s.Addr(), "RETURN_PATH=verp", "INVALID_TOKENS_PER_MINUTE=100000000", "HOOK_POSTMARK_LOGIN=user:a-long-password", "HOOK_MAILGUN_KEY=a-signing-key-of-mailgun")
	f := &floods{process: p}
	p.start()
	if !p.running() {
		t.Fatalf("%s", p.log)
	}
	m := sendAndWait(t, p, s, "ada@dest.example")
	f.once = unsubscribeURL(m.Data)
	f.page = sealed(p, "trial.example", "ben@dest.example")
	f.optOut = mailtoAddress(m.Data)
	f.bounce = m.ReversePath
	if !strings.HasPrefix(f.bounce, "b+") || f.once == "" || !strings.HasPrefix(f.optOut, "u+") {
		t.Fatalf("no addresses of Offramp: %q %q %q", f.bounce, f.once, f.optOut)
	}
	p.stop()
	p.env["TRUSTED_NETWORKS"] = "192.0.2.0/24" // from here on loopback is a stranger
	p.start()
	return f
}

// stored is the size of the data folder with the program at rest, so that no log
// of a database is counted twice.
func (f *floods) stored() (n int) {
	f.t.Helper()
	f.stop()
	must(f.t, filepath.WalkDir(f.env["DATA_DIR"], func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err == nil {
			n += int(info.Size())
		}
		return err
	}))
	f.start()
	return n
}

func (f *floods) logged() int {
	f.process.log.mu.Lock()
	defer f.process.log.mu.Unlock()
	return f.process.log.written
}

// handshake is what a TCP connection costs its client before the first octet:
// three segments of 40 octets.
const handshake = 120

// everyWayIn is what a stranger can send.
var everyWayIn = []flood{
	{"connections to SMTP", func(f *floods) int { return f.smtp() }},
	{"unknown commands", func(f *floods) int { return f.smtp("x", "x", "x") }},
	{"others' addresses", func(f *floods) int {
		return f.smtp("EHLO x", "MAIL FROM:<>", "RCPT TO:<a@b.example>", "RCPT TO:<c@b.example>")
	}},
	{"forged addresses", func(f *floods) int {
		return f.smtp("EHLO x", "MAIL FROM:<>", "RCPT TO:<"+strings.Replace(f.optOut, "u+", "u+a", 1)+">", "RCPT TO:<"+strings.Replace(f.bounce, "b+", "b+a", 1)+">")
	}},
	{"failed TLS", func(f *floods) int { return f.smtp("EHLO x", "STARTTLS", "x") }},
	{"opt-outs by mail", func(f *floods) int { return f.letter(f.optOut, "Subject: x\r\n\r\n") }},
	{"opt-outs by a machine", func(f *floods) int { return f.letter(f.optOut, "Auto-Submitted: auto-replied\r\n\r\n") }},
	{"replies", func(f *floods) int { return f.letter(f.bounce, "Subject: Re\r\n\r\nHello\r\n") }},
	{"answers of machines", func(f *floods) int { return f.letter(f.bounce, "Auto-Submitted: auto-replied\r\n\r\nAway\r\n") }},
	{"hard bounces", func(f *floods) int {
		return f.letter(f.bounce, "Subject: x\r\n\r\n<ada@dest.example>: 550 5.1.1 user unknown\r\n")
	}},
	{"soft bounces", func(f *floods) int {
		return f.letter(f.bounce, "Subject: x\r\n\r\n<ada@dest.example>: 552 5.2.2 mailbox full\r\n")
	}},
	{"complaints", func(f *floods) int {
		return f.letter("complaints@"+domainOf(f.bounce), "Content-Type: multipart/report; report-type=feedback-report; boundary=x\r\n\r\n--x\r\n\r\n--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Mail-From: <"+f.bounce+">\r\n\r\n--x--\r\n")
	}},
	{"mail to the postmaster", func(f *floods) int { return f.letter("postmaster@"+domainOf(f.bounce), "Subject: x\r\n\r\n") }},
	{"opt-outs by one-click", func(f *floods) int { return f.request("POST", f.once, listunsub.PostValue) }},
	{"page", func(f *floods) int { return f.request("GET", f.page, "") }},
	{"choices on the page", func(f *floods) int {
		days := []string{"pause-30", "pause-60"}[f.n%2]
		f.n++
		answer := f.open(f.page).press(save, "list:trial.example", days)
		return 2*handshake + len(f.page) + len(answer.url)
	}},
	{"forged links", func(f *floods) int { return f.request("POST", f.once[:len(f.once)-4]+"aaaa", listunsub.PostValue) }},
	{"no such page", func(f *floods) int { return f.request("GET", "https://u.trial.example/x", "") }},
	{"no HTTP", func(f *floods) int { return f.raw(f.process.http, "x\r\n\r\n") }},
	{"forged calls", func(f *floods) int {
		return f.request("POST", "https://u.trial.example/hooks/postmark", "{}") + f.request("POST", "https://u.trial.example/hooks/mailgun", "{}")
	}},
}

func domainOf(address string) string { return address[strings.LastIndex(address, "@")+1:] }

// smtp sends commands one by one, whatever is answered.
func (f *floods) smtp(commands ...string) (written int) {
	f.t.Helper()
	c, err := net.Dial("tcp", f.process.smtp)
	must(f.t, err)
	defer c.Close()
	in := &client{conn: c, in: bufio.NewReader(c)}
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := in.reply(); err != nil {
		f.t.Fatal(err)
	}
	written = handshake
	for _, line := range commands {
		written += len(line) + 2
		if _, err := in.command(line); err != nil {
			return written // closed
		}
	}
	return written
}

// letter sends a message from the null sender.
func (f *floods) letter(to, content string) int {
	f.t.Helper()
	f.n++ // what was said before counts once
	content = fmt.Sprintf("From: <a%d@b.example>\r\n%s", f.n, content)
	return f.smtp("EHLO x", "MAIL FROM:<>", "RCPT TO:<"+to+">", "DATA", content+".")
}

// request is the shortest one.
func (f *floods) request(method, url, body string) int {
	f.t.Helper()
	path := strings.TrimPrefix(url, "https://u.trial.example")
	return f.raw(f.process.http, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body))
}

func (f *floods) raw(addr, text string) int {
	f.t.Helper()
	c, err := net.Dial("tcp", addr)
	must(f.t, err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		f.t.Fatal(err)
	}
	io.Copy(io.Discard, c)
	return handshake + len(text)
}
