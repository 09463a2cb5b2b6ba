package trial

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder passes SMTP on and keeps each message as its sender wrote it, so that
// what comes out can be compared.
type recorder struct {
	addr     string
	mu       sync.Mutex
	messages [][]byte
}

// record listens in front of a server until the test ends.
func record(t *testing.T, server string) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", freeAddr(t))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	r := &recorder{addr: l.Addr().String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go r.pass(client, server)
		}
	}()
	return r
}

// port is the port alone, as senders are set up with it.
func (r *recorder) port() string { return r.addr[strings.LastIndex(r.addr, ":")+1:] }

func (r *recorder) pass(client net.Conn, server string) {
	defer client.Close()
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	s := &session{keep: r.keep}
	go func() {
		io.Copy(io.MultiWriter(writer(s.reply), client), upstream)
		client.Close() // the server has said its last word
	}()
	// The session first: it waits for the reply before the server can send it.
	io.Copy(io.MultiWriter(writer(s.send), upstream), client)
}

func (r *recorder) keep(message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, message)
}

// recorded are the messages so far.
func (r *recorder) recorded() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.messages[:len(r.messages):len(r.messages)]
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

// session finds the messages in what a client sends (RFC 5321 section 4.1.1.4),
// and keeps those that the server takes.
type session struct {
	keep    func([]byte)
	mu      sync.Mutex
	sent    []byte
	inData  bool
	waiting []byte // the message whose reply has not come
	replies []byte
}

// send takes what the client sends.
func (s *session) send(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, p...)
	for {
		if s.inData {
			message, after, whole := bytes.Cut(append([]byte("\r\n"), s.sent...), []byte("\r\n.\r\n"))
			if !whole {
				return
			}
			message = bytes.ReplaceAll(append(message, "\r\n"...), []byte("\r\n."), []byte("\r\n"))
			s.waiting = message[2:]
			s.sent, s.inData = after, false
			continue
		}
		line, after, whole := bytes.Cut(s.sent, []byte("\r\n"))
		if !whole {
			return
		}
		s.inData = strings.EqualFold(strings.TrimSpace(string(line)), "DATA")
		s.sent = after
	}
}

// reply takes what the server sends. DATA ends a group of commands (RFC 2920
// section 3.1), so the first reply after a message is the reply to it.
func (s *session) reply(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = append(s.replies, p...)
	for {
		line, after, whole := bytes.Cut(s.replies, []byte("\n"))
		if !whole {
			return
		}
		if s.replies = after; s.waiting == nil {
			continue
		}
		if bytes.HasPrefix(line, []byte("250 ")) {
			s.keep(s.waiting)
		}
		s.waiting = nil
	}
}

// A message counts from its 250 on: before, the server may not have it yet.
func TestRecorderWaitsForTheReply(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	r := record(t, l.Addr().String())
	client, err := net.Dial("tcp", r.addr)
	must(t, err)
	defer client.Close()
	server, err := l.Accept()
	must(t, err)
	defer server.Close()
	pass := func(from, to net.Conn, text string) {
		t.Helper()
		_, err := io.WriteString(from, text)
		must(t, err)
		must(t, to.SetReadDeadline(time.Now().Add(20*time.Second)))
		_, err = io.ReadFull(to, make([]byte, len(text)))
		must(t, err)
	}
	for _, try := range []struct {
		reply string
		want  int
	}{{"250 2.0.0 taken\r\n", 1}, {"451 4.3.0 later\r\n", 1}, {"250 2.0.0 taken\r\n", 2}} {
		before := len(r.recorded())
		pass(client, server, "DATA\r\n")
		pass(server, client, "354 go on\r\n")
		pass(client, server, "Subject: x\r\n\r\n.\r\n")
		if n := len(r.recorded()); n != before {
			t.Errorf("before the reply %q: %d messages, want %d", try.reply, n, before)
		}
		pass(server, client, try.reply)
		if n := len(r.recorded()); n != try.want {
			t.Errorf("after the reply %q: %d messages, want %d", try.reply, n, try.want)
		}
	}
}
