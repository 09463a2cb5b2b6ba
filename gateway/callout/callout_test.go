package callout

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// names is a resolver whose answers come in turn; the last one stays.
type names struct {
	mu   sync.Mutex
	of   map[string][][]string
	asks int
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asks++
	turns := n.of[host]
	if len(turns) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(turns) > 1 {
		n.of[host] = turns[1:]
	}
	var all []netip.Addr
	for _, a := range turns[0] {
		all = append(all, netip.MustParseAddr(a))
	}
	return all, nil
}

// wires connects public addresses to a server on loopback, and remembers every
// address that was dialled.
type wires struct {
	mu     sync.Mutex
	to     string
	dialed []string
	dead   map[string]bool
}

func (w *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialed = append(w.dialed, address)
	dead := w.dead[address]
	w.mu.Unlock()
	if dead {
		return nil, errors.New("connection refused")
	}
	return new(net.Dialer).DialContext(ctx, network, w.to)
}

const somewhere = "93.184.216.34"

// serve returns a client for which hook.example.com is a server with a handler.
func serve(t *testing.T, h http.HandlerFunc) (*Client, *names, *wires) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	n := &names{of: map[string][][]string{"example.com": {{somewhere}}}}
	w := &wires{to: server.Listener.Addr().String()}
	c := &Client{Resolver: n, Dial: w.dial, Roots: roots}
	t.Cleanup(c.Close)
	return c, n, w
}

func post(t *testing.T, c *Client, address string) (Reply, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(r)
}

func TestCall(t *testing.T) {
	c, _, w := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(202)
		io.WriteString(w, user+" "+password+" "+r.Host+" "+string(body))
	})
	reply, err := post(t, c, "https://me:secret@example.com:8443/hook")
	if err != nil || reply.Status != 202 || string(reply.Body) != "me secret example.com:8443 hello" {
		t.Fatalf("%d %q %v", reply.Status, reply.Body, err)
	}
	if len(w.dialed) != 1 || w.dialed[0] != somewhere+":8443" {
		t.Errorf("dialed %v", w.dialed)
	}
}

func TestRefusedAddresses(t *testing.T) {
	for name, address := range map[string]string{
		"http": "http://example.com/", "no host": "https:///x", "opaque": "https:example.com", "another scheme": "gopher://example.com/", "file": "file:///etc/passwd",
		"loopback": "https://127.0.0.1/", "IPv6 loopback": "https://[::1]/", "mapped": "https://[::ffff:127.0.0.1]/", "metadata": "https://169.254.169.254/latest/",
		"private name": "https://inside.example.com/", "one of two is private": "https://both.example.com/", "metadata name": "https://meta.example.com/",
		"mapped name": "https://mapped.example.com/", "NAT64 name": "https://nat64.example.com/", "zone": "https://[fe80::1%25lo]/",
	} {
		t.Run(name, func(t *testing.T) {
			c, n, w := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("was called") })
			n.of["inside.example.com"] = [][]string{{"10.0.0.5"}}
			n.of["both.example.com"] = [][]string{{somewhere, "192.168.0.1"}}
			n.of["meta.example.com"] = [][]string{{"169.254.169.254"}}
			n.of["mapped.example.com"] = [][]string{{"::ffff:10.0.0.5"}}
			n.of["nat64.example.com"] = [][]string{{"64:ff9b::a00:5"}}
			if _, err := post(t, c, address); !errors.Is(err, ErrRefused) {
				t.Errorf("error %v", err)
			}
			if len(w.dialed) != 0 {
				t.Errorf("dialed %v", w.dialed)
			}
		})
	}
}

// A name that is public when it is looked at and private afterwards is looked up
// once for each connection, and what was checked is what is dialled.
func TestRebinding(t *testing.T) {
	c, n, w := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") })
	n.of["example.com"] = [][]string{{somewhere}, {"127.0.0.1"}}
	if _, err := post(t, c, "https://example.com/"); err != nil {
		t.Fatal(err)
	}
	if n.asks != 1 {
		t.Errorf("looked up %d times for one connection", n.asks)
	}
	if _, err := post(t, c, "https://example.com/"); !errors.Is(err, ErrRefused) {
		t.Errorf("second call: %v", err)
	}
	if len(w.dialed) != 1 || w.dialed[0] != somewhere+":443" {
		t.Errorf("dialed %v", w.dialed)
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	calls := 0
	c, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "https://127.0.0.1/", http.StatusTemporaryRedirect)
	})
	reply, err := post(t, c, "https://example.com/")
	if err != nil || reply.Status != 307 || calls != 1 {
		t.Errorf("status %d, %d calls, %v", reply.Status, calls, err)
	}
}

func TestReplyIsBounded(t *testing.T) {
	const whole = 64 << 20
	written := make(chan int, 1)
	c, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		for ; n < whole; n += 64 << 10 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				break
			}
		}
		written <- n
	})
	reply, err := post(t, c, "https://example.com/")
	if err != nil || len(reply.Body) != MaxReply || !reply.Cut {
		t.Errorf("%d octets, cut %v, %v", len(reply.Body), reply.Cut, err)
	}
	if <-written == whole {
		t.Error("all of it was read")
	}
	header, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", 1<<20)) })
	if _, err := post(t, header, "https://example.com/"); err == nil {
		t.Error("a header of 1 MiB was read")
	}
}

func TestProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://203.0.113.9:3128")
	t.Setenv("HTTP_PROXY", "http://203.0.113.9:3128")
	c, _, w := serve(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := post(t, c, "https://example.com/"); err != nil {
		t.Fatal(err)
	}
	if len(w.dialed) != 1 || w.dialed[0] != somewhere+":443" {
		t.Errorf("dialed %v", w.dialed)
	}
	c.once.Do(c.open)
	if c.transport.Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

func TestCertificateIsChecked(t *testing.T) {
	c, n, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	n.of["other.example.org"] = [][]string{{somewhere}}
	if _, err := post(t, c, "https://other.example.org/"); err == nil {
		t.Error("a certificate of another name was taken")
	}
	c.Roots = x509.NewCertPool()
	strange := &Client{Resolver: n, Dial: c.Dial, Roots: c.Roots}
	if _, err := post(t, strange, "https://example.com/"); err == nil {
		t.Error("a certificate of nobody was taken")
	}
	late := &Client{Resolver: n, Dial: c.Dial, Roots: c.Roots, Now: func() time.Time { return time.Now().AddDate(200, 0, 0) }}
	if _, err := post(t, late, "https://example.com/"); err == nil {
		t.Error("an expired certificate was taken")
	}
}

func TestNextAddressWhenOneIsDead(t *testing.T) {
	c, n, w := serve(t, func(http.ResponseWriter, *http.Request) {})
	n.of["example.com"] = [][]string{{"2606:2800:220:1::1", somewhere}}
	w.dead = map[string]bool{"[2606:2800:220:1::1]:443": true}
	if _, err := post(t, c, "https://example.com/"); err != nil {
		t.Error(err)
	}
}

func TestTargetsMayBePrivateAndPlain(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	defer server.Close()
	targets, err := ParseTargets([]string{server.URL, "https://meta.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{Targets: targets, Resolver: &names{of: map[string][][]string{"meta.example.com": {{"169.254.169.254"}}}}}
	defer c.Close()
	if _, err := post(t, c, server.URL+"/hook"); err != nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	if _, err := post(t, c, "https://meta.example.com/"); !errors.Is(err, ErrRefused) {
		t.Errorf("metadata of a cloud behind a target: %v", err)
	}
}

// A receiver that says nothing, and one that never ends, cost Timeout and no more.
func TestTimeout(t *testing.T) {
	for name, say := range map[string]string{"silent": "", "endless": "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				targets, _ := ParseTargets([]string{"http://10.0.0.5"})
				c := &Client{Targets: targets, Dial: func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go func() {
						buffer := make([]byte, 4096)
						far.Read(buffer)
						io.WriteString(far, say)
						io.Copy(io.Discard, far)
					}()
					return near, nil
				}}
				start := time.Now()
				_, err := post(t, c, "http://10.0.0.5/")
				if took := time.Since(start); err == nil || took != Timeout {
					t.Errorf("took %s, %v", took, err)
				}
				c.Close()
			})
		})
	}
}

func TestConnectionsToOneTargetAreBounded(t *testing.T) {
	var open, most atomic.Int32
	hold := make(chan struct{})
	var once sync.Once
	c, _, _ := serve(t, func(http.ResponseWriter, *http.Request) {
		now := open.Add(1)
		for {
			m := most.Load()
			if now <= m || most.CompareAndSwap(m, now) {
				break
			}
		}
		if now == 2 {
			once.Do(func() { close(hold) })
		}
		<-hold
		open.Add(-1)
	})
	c.PerTarget = 2
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if _, err := post(t, c, "https://example.com/"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if most.Load() != 2 {
		t.Errorf("%d connections at once, want 2", most.Load())
	}
}

func TestErrorsDoNotHoldTheURL(t *testing.T) {
	c, _, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, host := range []string{"gone.example.com", "127.0.0.1"} {
		_, err := post(t, c, "https://user:"+"password@"+host+"/hook/sekret?key=sekret")
		if err == nil || bytes.Contains([]byte(err.Error()), []byte("sekret")) || strings.Contains(err.Error(), "password") {
			t.Errorf("error %v", err)
		}
	}
}

func TestCheck(t *testing.T) {
	c := new(Client)
	for address, want := range map[string]bool{"https://example.com/x": true, "http://example.com/": false, "https://10.0.0.5/": false, "https://": false} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Check(u) == nil; got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
