package trial

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// mostResident is what the process may have resident, whoever comes.
const mostResident = 192 << 20

// crowd is the connections of many strangers, who all stay.
type crowd struct {
	t       *testing.T
	mu      sync.Mutex
	open    []net.Conn
	taken   int // that got what they came for
	refused int
}

// join opens connections, some at a time, each from an address of 127.net.0.0/16,
// and runs what each does, which says whether it is one of those taken.
func (c *crowd) join(addr string, n, network, each int, does func(net.Conn) bool) {
	turns := make(chan struct{}, 64)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			from := i / each
			d := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, byte(network), byte(from/250), byte(1+from%250))}}
			conn, err := d.DialContext(context.Background(), "tcp", addr)
			if err != nil {
				c.t.Error(err)
				return
			}
			conn.SetDeadline(time.Now().Add(30 * time.Second))
			taken := does(conn)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.open = append(c.open, conn)
			if taken {
				c.taken++
			} else {
				c.refused++
			}
		})
	}
	all.Wait()
}

func (c *crowd) leave() {
	for _, conn := range c.open {
		conn.Close()
	}
}

// slowMail begins a message of 1.1 MB to an address of Offramp and never ends it.
func slowMail(conn net.Conn) bool {
	in := bufio.NewReader(conn)
	for _, say := range []string{"", "EHLO stranger.example", "MAIL FROM:<>", "RCPT TO:<replies@u.trial.example>", "DATA"} {
		if say != "" {
			fmt.Fprintf(conn, "%s\r\n", say)
		}
		for {
			line, err := in.ReadString('\n')
			if err != nil || line[0] > '3' {
				return false
			}
			if line[3] == ' ' {
				break
			}
		}
	}
	line := strings.Repeat("x", 998) + "\r\n"
	_, err := io.WriteString(conn, "Subject: slow\r\n\r\n"+strings.Repeat(line, 1100))
	return err == nil
}

// idlePage asks for a page and keeps the connection.
func idlePage(conn net.Conn) bool {
	io.WriteString(conn, "GET /u/forged HTTP/1.1\r\nHost: u.trial.example\r\n\r\n")
	_, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil
}

// partBody sends a part of a webhook's body.
func partBody(conn net.Conn) bool {
	fmt.Fprintf(conn, "POST /hooks/mailgun HTTP/1.1\r\nHost: u.trial.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", 1<<20)
	_, err := io.WriteString(conn, strings.Repeat(" ", 1000<<10))
	return err == nil
}

// serves checks that a trusted client is served for a while: mail and opt-outs,
// each in less than a second but for one in a hundred.
func serves(t *testing.T, p *process, s *sink.Sink, seconds int) {
	t.Helper()
	var mails, clicks []time.Duration
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		to := fmt.Sprintf("r%d@dest.example", len(mails))
		began := time.Now()
		c, err := dial(p.smtp)
		if err != nil {
			t.Fatal(err)
		}
		err = c.send("news@trial.example", []string{to}, []byte("From: news@trial.example\r\nSubject: x\r\n\r\nHi\r\n"))
		c.close()
		if err != nil {
			t.Fatalf("mail of a trusted client: %v\n%s", err, p.log)
		}
		mails = append(mails, time.Since(began))
		url := sealed(p, "trial.example", to)
		began = time.Now()
		p.oneClick(url)
		clicks = append(clicks, time.Since(began))
	}
	for what, all := range map[string][]time.Duration{"mail": mails, "one-click": clicks} {
		slices.Sort(all)
		p99 := all[len(all)*99/100]
		t.Logf("%s: %d, median %v, p99 %v, longest %v", what, len(all), all[len(all)/2], p99, all[len(all)-1])
		if p99 > time.Second {
			t.Errorf("%s takes %v", what, p99)
		}
	}
	if got := p.resident(); got > mostResident {
		t.Errorf("%d MiB resident, want at most %d", got>>20, mostResident>>20)
	} else {
		t.Logf("%d MiB resident at most", got>>20)
	}
}

// Strangers with slow mail, one with many idle HTTP connections, and many with
// part of a webhook's body take a bounded amount of memory, and a trusted client
// is served beside them.
func TestTortureCrowds(t *testing.T) {
	s, err := sink.Start(sink.Options{Discard: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begin := func(t *testing.T) (*process, *crowd) {
		p := start(t, "smtp://"+s.Addr(), "TRUSTED_NETWORKS=127.0.0.1", "SMTP_CONNECTIONS_PER_IP=50", "HOOK_MAILGUN_KEY=correct-horse-battery-staple")
		c := &crowd{t: t}
		if !p.running() {
			t.Fatalf("offramp ended: %s", p.log)
		}
		t.Cleanup(c.leave)
		return p, c
	}
	t.Run("connections", func(t *testing.T) {
		p, c := begin(t)
		idle := &crowd{t: t}
		defer idle.leave()
		idle.join(p.http, scale(300, 1500), 2, 10000, idlePage)
		if want := 256; idle.taken != want {
			t.Errorf("%d HTTP connections of one address, want %d", idle.taken, want)
		}
		c.join(p.smtp, scale(100, 2000), 1, 5, slowMail)
		t.Logf("%d of %d strangers could send all they had", c.taken, c.taken+c.refused)
		if c.taken < scale(90, 200) {
			t.Errorf("%d slow strangers are heard", c.taken)
		}
		serves(t, p, s, scale(2, 30))
	})
	t.Run("webhooks", func(t *testing.T) {
		p, c := begin(t)
		c.join(p.http, scale(100, 1000), 3, 5, partBody)
		t.Logf("%d of %d bodies were read", c.taken, c.taken+c.refused)
		serves(t, p, s, scale(2, 10))
		if code := status(t, "http://"+p.admin+"/readyz"); code != http.StatusOK {
			t.Errorf("readyz: %d", code)
		}
	})
}

func status(t *testing.T, url string) int {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}
