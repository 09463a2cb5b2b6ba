package smtpd

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, so that time can be made up.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l pipes) Close() error   { close(l.done); return nil }
func (l pipes) Addr() net.Addr { return &net.TCPAddr{} }

// bubble runs f with a client of a server, in made-up time.
func bubble(t *testing.T, f func(t *testing.T, p *peer, r *fakeRelay, stop context.CancelFunc, ended <-chan error)) {
	bubbleOn(t, false, f)
}

// bubbleOn is bubble on a listener with implicit TLS, perhaps.
func bubbleOn(t *testing.T, implicit bool, f func(t *testing.T, p *peer, r *fakeRelay, stop context.CancelFunc, ended <-chan error)) {
	config := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	synctest.Test(t, func(t *testing.T) {
		r := &fakeRelay{trusted: true}
		s := &Server{
			Hostname: "gate.example", Relay: r, Feedback: fakeFeedback{r}, Stats: &Stats{}, TLS: config,
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		}
		l := pipes{make(chan net.Conn), make(chan struct{})}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, Listener{l, implicit}) }()
		near, far := net.Pipe()
		l.conns <- far
		f(t, &peer{t: t, raw: near, Conn: near, r: bufio.NewReader(near)}, r, stop, ended)
		stop()
		near.Close()
		if err := <-ended; err != nil {
			t.Error("Serve:", err)
		}
	})
}

// background runs write beside the rest. What it returns ends the connection
// and waits for it.
func (p *peer) background(write func()) (end func()) {
	var wg sync.WaitGroup
	wg.Go(write)
	return func() { p.raw.Close(); wg.Wait() }
}

// took checks how long something lasted.
func took(t *testing.T, began time.Time, least, most time.Duration) {
	t.Helper()
	if d := time.Since(began); d < least || d > most {
		t.Errorf("took %s, want %s to %s", d, least, most)
	}
}

func TestIdleClient(t *testing.T) {
	bubble(t, func(t *testing.T, p *peer, _ *fakeRelay, _ context.CancelFunc, _ <-chan error) {
		p.expect("220")
		p.say("EHLO x", "250")
		time.Sleep(299 * time.Second)
		p.say("NOOP", "250")
		began := time.Now()
		p.expect("421 4.4.2")
		p.closed()
		took(t, began, 300*time.Second, 300*time.Second)
	})
}

func TestClientThatNeverGreets(t *testing.T) {
	bubble(t, func(t *testing.T, p *peer, _ *fakeRelay, _ context.CancelFunc, _ <-chan error) {
		began := time.Now()
		p.expect("220")
		p.expect("421 4.4.2")
		p.closed()
		took(t, began, 300*time.Second, 300*time.Second)
	})
}

// TestSilentHandshake shows that TLS must begin as soon as a command must come, and
// that a stop does not wait for it.
func TestSilentHandshake(t *testing.T) {
	for name, implicit := range map[string]bool{"implicit": true, "STARTTLS": false} {
		for _, stopped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stopped %v", name, stopped), func(t *testing.T) {
				bubbleOn(t, implicit, func(t *testing.T, p *peer, _ *fakeRelay, stop context.CancelFunc, _ <-chan error) {
					if !implicit {
						p.expect("220")
						p.say("EHLO x", "250")
						p.say("STARTTLS", "220")
					}
					synctest.Wait()
					began, least := time.Now(), 300*time.Second
					if stopped {
						stop()
						least = 0
					}
					if rest, err := io.ReadAll(p.raw); len(rest) > 0 || err != nil {
						t.Errorf("%q, %v", rest, err)
					}
					took(t, began, least, least)
				})
			})
		}
	}
}

// TestCommandInDrops shows that a command, too, must keep to the least rate.
func TestCommandInDrops(t *testing.T) {
	bubble(t, func(t *testing.T, p *peer, _ *fakeRelay, _ context.CancelFunc, _ <-chan error) {
		p.expect("220")
		began := time.Now()
		defer p.background(func() {
			for {
				if _, err := io.WriteString(p.raw, "N"); err != nil {
					return
				}
				time.Sleep(60 * time.Second)
			}
		})()
		p.expect("421 4.4.2")
		p.closed()
		took(t, began, 300*time.Second, 400*time.Second)
	})
}

func TestSilenceInsideMessage(t *testing.T) {
	for name, begin := range map[string]string{"DATA": "DATA\r\n", "BDAT": "BDAT 1000 LAST\r\n"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *peer, r *fakeRelay, _ context.CancelFunc, _ <-chan error) {
				p.expect("220")
				p.say("EHLO x", "250")
				p.envelope()
				time.Sleep(250 * time.Second) // a pause between commands is not held against the message
				p.send(begin)
				if name == "DATA" {
					p.expect("354")
				}
				p.send("Subject: x\r\n\r\n")
				time.Sleep(179 * time.Second)
				p.send("Hello\r\n")
				began := time.Now()
				p.expect("421 4.4.2 timeout")
				took(t, began, 100*time.Second, 180*time.Second)
				// The rest must not become commands (S8).
				io.WriteString(p.raw, "\r\n.\r\nNOOP\r\n")
				p.closed()
				if n := len(r.all()); n != 0 {
					t.Errorf("%d messages kept", n)
				}
			})
		})
	}
}

// What came of a line or a message before the mark counts: the block that is
// missing must come as soon as any block.
func TestSilenceBehindPipelinedCommands(t *testing.T) {
	bubble(t, func(t *testing.T, p *peer, _ *fakeRelay, _ context.CancelFunc, _ <-chan error) {
		p.expect("220")
		p.say("EHLO x", "250")
		p.envelope()
		p.send("RCPT TO:<e@d.example>\r\nDATA\r\n")
		p.expect("250")
		p.expect("354")
		began := time.Now()
		p.expect("421 4.4.2")
		took(t, began, 180*time.Second, 180*time.Second)
	})
}

// TestSilenceAfterCRCRLF: one second of silence is waited for, and no more.
func TestSilenceAfterCRCRLF(t *testing.T) {
	for _, end := range []string{"x\r\r\n.\r\n", "x\r\r\r\n.\r\n"} {
		bubble(t, func(t *testing.T, p *peer, r *fakeRelay, _ context.CancelFunc, _ <-chan error) {
			p.expect("220")
			p.say("EHLO x", "250")
			p.envelope()
			p.say("DATA", "354")
			p.send(end)
			began := time.Now()
			p.reply()
			p.expect("421 4.5.0")
			took(t, began, time.Second, time.Second)
			p.closed()
		})
	}
}

func TestMessageInDrops(t *testing.T) {
	for _, tt := range []struct {
		name  string
		chunk int
		pause time.Duration
		n     int
		whole bool
	}{
		{"slow but steady", 60000, 100 * time.Second, 20, true}, // 600 bytes a second for half an hour
		{"one octet in ten seconds", 1, 10 * time.Second, 1000, false},
		{"400 octets a second", 4000, 10 * time.Second, 1000, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *peer, r *fakeRelay, _ context.CancelFunc, _ <-chan error) {
				p.expect("220")
				p.say("EHLO x", "250")
				p.envelope()
				p.say("DATA", "354")
				defer p.background(func() {
					for range tt.n {
						if _, err := io.WriteString(p.raw, strings.Repeat("x", tt.chunk-1)+"\n"); err != nil {
							return
						}
						time.Sleep(tt.pause)
					}
					io.WriteString(p.raw, "\r\n.\r\n")
				})()
				if tt.whole {
					p.expect("250 2.0.0 queued")
					return
				}
				began := time.Now()
				p.expect("421 4.4.2")
				took(t, began, 300*time.Second, 1600*time.Second)
				p.closed()
				if n := len(r.all()); n != 0 {
					t.Errorf("%d messages kept", n)
				}
			})
		})
	}
}

// TestClientThatDoesNotRead shows that a reply nobody reads does not hold us.
func TestClientThatDoesNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, p *peer, _ *fakeRelay, _ context.CancelFunc, _ <-chan error) {
		p.expect("220")
		began := time.Now()
		for {
			// Commands without end, and no look at the replies.
			if _, err := io.WriteString(p.raw, "NOOP\r\n"); err != nil {
				break
			}
		}
		took(t, began, 60*time.Second, 200*time.Second)
	})
}

func TestDrain(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		bubble(t, func(t *testing.T, p *peer, _ *fakeRelay, stop context.CancelFunc, _ <-chan error) {
			p.expect("220")
			p.say("EHLO x", "250")
			p.envelope()
			began := time.Now()
			synctest.Wait()
			stop()
			p.expect("421 4.3.2")
			p.closed()
			took(t, began, 0, 0)
		})
	})
	for name, begin := range map[string]string{"DATA": "DATA\r\n", "BDAT": "BDAT 5\r\nabcde"} {
		t.Run("message on its way, "+name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *peer, r *fakeRelay, stop context.CancelFunc, _ <-chan error) {
				p.expect("220")
				p.say("EHLO x", "250")
				p.envelope()
				p.send(begin)
				p.reply()
				synctest.Wait()
				stop()
				time.Sleep(20 * time.Second)
				if name == "DATA" {
					p.send("abcde\r\n.\r\n")
				} else {
					p.send("BDAT 2 LAST\r\n\r\n")
				}
				p.expect("250 2.0.0 queued as id1")
				p.expect("421 4.3.2")
				p.closed()
				if kept := r.all(); len(kept) != 1 || kept[0].data != "abcde\r\n" {
					t.Errorf("kept %+v", kept)
				}
			})
		})
	}
	t.Run("message that does not end", func(t *testing.T) {
		bubble(t, func(t *testing.T, p *peer, r *fakeRelay, stop context.CancelFunc, ended <-chan error) {
			p.expect("220")
			p.say("EHLO x", "250")
			p.envelope()
			p.say("DATA", "354")
			p.send("abcde\r\n")
			synctest.Wait()
			began := time.Now()
			stop()
			p.closed()
			took(t, began, 25*time.Second, 25*time.Second)
			if n := len(r.all()); n != 0 {
				t.Errorf("%d messages kept", n)
			}
		})
	})
}
