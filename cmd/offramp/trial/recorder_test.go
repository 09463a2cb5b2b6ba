package trial

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
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
	go func() {
		io.Copy(client, upstream)
		client.Close() // the server has said its last word
	}()
	io.Copy(io.MultiWriter(upstream, &session{keep: r.keep}), client)
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

// session finds the messages in what a client sends (RFC 5321 section 4.1.1.4).
type session struct {
	keep   func([]byte)
	rest   []byte
	inData bool
}

func (s *session) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		if s.inData {
			message, after, whole := bytes.Cut(append([]byte("\r\n"), s.rest...), []byte("\r\n.\r\n"))
			if !whole {
				return len(p), nil
			}
			message = bytes.ReplaceAll(append(message, "\r\n"...), []byte("\r\n."), []byte("\r\n"))
			s.keep(message[2:])
			s.rest, s.inData = after, false
			continue
		}
		line, after, whole := bytes.Cut(s.rest, []byte("\r\n"))
		if !whole {
			return len(p), nil
		}
		s.inData = strings.EqualFold(strings.TrimSpace(string(line)), "DATA")
		s.rest = after
	}
}
