package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/throttle"
	"offramp/listunsub"
)

// arrivals is a listener whose connections a test makes, with any address.
type arrivals struct {
	conns chan net.Conn
	done  chan struct{}
}

func newArrivals() *arrivals {
	return &arrivals{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (a *arrivals) Accept() (net.Conn, error) {
	select {
	case c := <-a.conns:
		return c, nil
	case <-a.done:
		return nil, net.ErrClosed
	}
}

func (a *arrivals) Close() error   { close(a.done); return nil }
func (a *arrivals) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects from an address, or from a socket without one.
func (a *arrivals) dial(from string) net.Conn {
	client, server := net.Pipe()
	var remote net.Addr = &net.UnixAddr{Net: "unix"}
	if from != "" {
		remote = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 1234))
	}
	a.conns <- remoteConn{server, remote}
	return client
}

type remoteConn struct {
	net.Conn
	remote net.Addr
}

func (c remoteConn) RemoteAddr() net.Addr { return c.remote }

// closed says that a connection was ended by the other side.
func closed(c net.Conn) bool {
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &Site{
			Config: Config{TrustedProxies: []string{"10.0.0.0/8"}, MaxConnections: 9, ConnectionsPerIP: 2},
			Log:    slog.New(slog.NewTextHandler(&log, nil)), Stats: new(Stats),
		}
		a := newArrivals()
		l := s.Limit(a).(*throttle.Listener)
		var open []net.Conn
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				open = append(open, c)
			}
		}()
		defer l.Close()
		var refused int64
		try := func(from string, taken bool) {
			t.Helper()
			c := a.dial(from)
			synctest.Wait()
			if closed(c) == taken {
				t.Errorf("%q: taken %v, want %v", from, !taken, taken)
			}
			if !taken {
				refused++
			}
			if got := s.Stats.Refused.Load(); got != refused {
				t.Errorf("%q: %d refused, want %d", from, got, refused)
			}
		}
		try("192.0.2.1", true)
		try("::ffff:192.0.2.1", true) // the same address on a listener for both
		try("192.0.2.1", false)
		try("2001:db8::1", true)
		try("2001:db8::ffff:1", true)
		try("2001:db8::2", false) // third of its /64
		for range 3 {
			try("10.0.0.1", true) // a proxy: many people
		}
		try("", true) // a proxy on this machine
		try("", true)
		try("10.0.0.1", false) // tenth of all
		try("198.51.100.1", false)
		if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "ip=192.0.2.1") {
			t.Errorf("log:\n%s", &log)
		}
		time.Sleep(refusalLogged)
		try("198.51.100.1", false)
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("log after a minute:\n%s", &log)
		}
		// net/http closes a connection more than once.
		open[0].Close()
		open[0].Close()
		try("192.0.2.1", true)
		try("192.0.2.1", false)
		for _, c := range open {
			c.Close()
		}
		if n := l.Places.Held(); n != 0 {
			t.Errorf("%d places are not given back", n)
		}
	})
}

// Connections that do nothing end by time, and their places are free again:
// without a request, in the middle of a header or body, and kept alive.
func TestIdleConnectionsEnd(t *testing.T) {
	for what, c := range map[string]struct {
		send string
		in   time.Duration
	}{
		"no request":     {"", readHeaderTimeout},
		"partial header": {"GET / HTTP/1.1\r\nHo", readHeaderTimeout},
		"partial body":   {"POST LINK HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList", readTimeout},
		"kept alive":     {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", idleTimeout},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.site.ConnectionsPerIP = 1
				server, err := w.site.Server()
				if err != nil {
					t.Fatal(err)
				}
				a := newArrivals()
				l := w.site.Limit(a).(*throttle.Listener)
				go server.Serve(l)
				defer server.Close()
				client := a.dial("192.0.2.1")
				go io.Copy(io.Discard, client)
				io.WriteString(client, strings.ReplaceAll(c.send, "LINK", w.link(listunsub.HeaderLink)))
				synctest.Wait()
				time.Sleep(c.in - time.Second)
				if l.Places.Held() != 1 {
					t.Error("ended too early")
				}
				if !closed(a.dial("192.0.2.1")) {
					t.Error("a second one while the first is open")
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if l.Places.Held() != 0 {
					t.Errorf("still open after %v", c.in)
				}
			})
		})
	}
}

// Whoever ends a connection, its place is given back: the client, a handler that
// gives up, one that took the connection over.
func TestPlacesAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals()
		l := new(Site).Limit(a).(*throttle.Listener)
		taken := make(chan net.Conn, 1)
		server := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/abort":
				panic(http.ErrAbortHandler)
			case "/hijack":
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
				}
				taken <- c
			}
		})}
		go server.Serve(l)
		defer server.Close()
		ask := func(path string) net.Conn {
			c := a.dial("192.0.2.1")
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			return c
		}
		held := func(what string, want int64) {
			t.Helper()
			synctest.Wait()
			if n := l.Places.Held(); n != want {
				t.Errorf("%s: %d places taken, want %d", what, n, want)
			}
		}
		c := ask("/")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		held("answered", 1)
		c.Close()
		held("ended by the client", 0)
		ask("/abort")
		held("aborted", 0)
		ask("/hijack")
		hijacked := <-taken
		held("hijacked", 1)
		hijacked.Close()
		held("ended by who took it over", 0)
	})
}

// A client that still sends when it is refused gets the answer: net/http ends its
// own half first.
func TestHalfClose(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := new(Site).Limit(inner)
	defer l.Close()
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	half, ok := server.(interface{ CloseWrite() error })
	if !ok {
		t.Fatal("net/http does not see that the connection can end its half")
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read: %v", err)
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := server.Read(make([]byte, 1)); n != 1 {
		t.Errorf("the other half is closed too: %v", err)
	}
}

func TestConnectionSettings(t *testing.T) {
	for _, tt := range []struct {
		c    Config
		want string
	}{
		{Config{}, ""},
		{Config{MaxConnections: 10, ConnectionsPerIP: 10}, ""},
		{Config{MaxConnections: 10}, "OFFRAMP_HTTP_CONNECTIONS_PER_IP (256) is over OFFRAMP_HTTP_MAX_CONNECTIONS (10)"},
		{Config{MaxConnections: -1}, "OFFRAMP_HTTP_MAX_CONNECTIONS is -1"},
		{Config{ConnectionsPerIP: mostConnections + 1}, "OFFRAMP_HTTP_CONNECTIONS_PER_IP is 100001"},
	} {
		err := tt.c.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.c, err, tt.want)
		}
	}
}
