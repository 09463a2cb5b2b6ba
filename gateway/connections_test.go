package gateway_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// keepAlive opens HTTP connections that stay open after one answer, and returns
// how many of them were answered.
func keepAlive(t *testing.T, addr string, n int) (answered int) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if err == nil {
			_, err = http.ReadResponse(bufio.NewReader(c), nil)
		}
		switch {
		case err == nil:
			answered++
		case !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE):
			t.Fatal(err)
		}
	}
	return answered
}

// One stranger with many HTTP connections stops nobody: mail is taken and
// delivered, and the server is ready.
func TestManyConnectionsOfOne(t *testing.T) {
	h := newHouse(t, sink.Options{})
	g, _ := h.run()
	if n := keepAlive(t, g.Addrs().HTTP, 300); n != 256 {
		t.Errorf("%d connections of one address are served, want 256", n)
	}
	send(t, g, "ada@example.net")
	h.arrived(1)
	for path, want := range map[string]string{"/readyz": "", "/metrics": "offramp_http_refused_connections_total 44\n"} {
		answer, err := http.Get("http://" + g.Addrs().Admin + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d, without %q", path, answer.StatusCode, want)
		}
	}
}

// Behind a trusted proxy everybody comes from one address.
func TestManyConnectionsOfAProxy(t *testing.T) {
	h := newHouse(t, sink.Options{})
	h.config.Web.TrustedProxies = []string{"127.0.0.1"}
	g, _ := h.run()
	if n := keepAlive(t, g.Addrs().HTTP, 300); n != 300 {
		t.Errorf("%d connections of a proxy are served, want 300", n)
	}
}

// Whoever reaches the admin listener cannot take all files there.
func TestManyConnectionsToTheAPI(t *testing.T) {
	h := newHouse(t, sink.Options{})
	g, _ := h.run()
	if n := keepAlive(t, g.Addrs().Admin, 100); n != 64 {
		t.Errorf("%d connections to the admin listener are served, want 64", n)
	}
	send(t, g, "ada@example.net")
	h.arrived(1)
}
