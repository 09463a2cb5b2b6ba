package web

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/listunsub"

	"github.com/google/go-cmp/cmp"
)

// serve runs the site's own server on loopback.
func (w *world) serve() (addr string) {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	srv, err := w.site.Server()
	if err != nil {
		w.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	w.t.Cleanup(func() { srv.Close(); <-done })
	return l.Addr().String()
}

// exchange sends bytes as they are and returns the answer's first line and
// header. Go's client would mend what this is about.
func exchange(t *testing.T, addr, octets string) (*http.Response, error) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(octets)); err != nil {
		t.Fatal(err)
	}
	return http.ReadResponse(bufio.NewReader(c), nil)
}

func TestNothingRedirects(t *testing.T) {
	w := newWorld(t)
	w.site.InvalidPerMinute = 0
	addr := w.serve()
	u := w.link(listunsub.HeaderLink)
	targets := []string{
		u, u + "/", "/" + u, "/u//" + u[3:], "/u/./" + u[3:], "/p/.." + u, "/x/.." + u, "//evil.example" + u, "/u", "/u/", "/p", "/p/",
		"", "/", "//", "/./", "/../", "/u/%2e%2e/", "/%75/" + u[3:], u + "?a=b", u + "%20", "http://evil.example" + u, "http://evil.example/",
		"/index.html", "/u/index.html", "/robots.txt/", "/favicon.ico", "/.well-known/security.txt/", "/.well-known/acme-challenge/x", "/U/" + u[3:],
	}
	for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "DELETE"} {
		for _, target := range targets {
			if target == "" {
				continue
			}
			res, err := exchange(t, addr, method+" "+target+" HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			if err != nil {
				t.Errorf("%s %s: %v", method, target, err)
				continue
			}
			if res.StatusCode/100 == 3 || res.Header.Get("Location") != "" || res.StatusCode >= 500 {
				t.Errorf("%s %s: %s, Location %q", method, target, res.Status, res.Header.Get("Location"))
			}
			if res.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s %s: sets a cookie", method, target)
			}
		}
	}
}

// Every kind of answer carries the same protecting fields; the golden file
// shows all of them.
func TestHeaders(t *testing.T) {
	w := newWorld(t)
	w.site.InvalidPerMinute = 1
	w.site.TrustedProxies = []string{client}
	w.site.SecurityContact = "mailto:security@example.org"
	w.build()
	u := w.link(listunsub.HeaderLink)
	var b bytes.Buffer
	for _, c := range []struct{ name, method, path, accept, proto string }{
		{"page", "GET", u, "", ""},
		{"page by https through a proxy", "GET", u, "", "https"},
		{"head", "HEAD", u, "", ""},
		{"one-click", "POST", u, "", ""},
		{"body link posted to", "POST", w.link(listunsub.BodyLink), "", ""},
		{"options", "OPTIONS", u, "", ""},
		{"method", "PUT", u, "", ""},
		{"invalid link", "POST", "/u/x", "", ""},
		{"too many wrong links", "GET", "/u/x", "", ""},
		{"nothing here", "GET", "/", "", ""},
		{"robots", "GET", "/robots.txt", "", ""},
		{"security", "GET", "/.well-known/security.txt", "", ""},
	} {
		r := request(c.method, c.path, "", nil)
		r.Header.Set("Accept", c.accept)
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
			r.Header.Set("X-Forwarded-For", "203.0.113.9")
		}
		res := w.send(r)
		fmt.Fprintf(&b, "== %s: %d\n", c.name, res.StatusCode)
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			res.Header.Set("Content-Length", "(changes with the text)")
		}
		if err := res.Header.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	// The style's own test says whether its hash is right.
	got := regexp.MustCompile(`sha256-[A-Za-z0-9+/=]+`).ReplaceAll(b.Bytes(), []byte("sha256-..."))
	golden(t, "testdata/headers.golden", got)
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got = bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n"))
	if d := cmp.Diff(strings.Split(string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("%s (write it anew with -update):\n%s", path, d)
	}
}

func TestHSTSOnlyByTLS(t *testing.T) {
	w := newWorld(t)
	r := request("GET", "/", "", nil)
	r.Header.Set("X-Forwarded-Proto", "https") // from nobody we trust
	if got := w.send(r).Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("over plain HTTP: %q", got)
	}
	r.TLS = new(tls.ConnectionState)
	if got := w.send(r).Header.Get("Strict-Transport-Security"); got != hsts {
		t.Errorf("over TLS: %q", got)
	}
}

func TestFiles(t *testing.T) {
	w := newWorld(t)
	if res, _ := w.get("/.well-known/security.txt"); res.StatusCode != 404 {
		t.Errorf("security.txt without a contact: %s", res.Status)
	}
	w.site.SecurityContact = "mailto:security@example.org"
	w.build()
	want := "Contact: mailto:security@example.org\nExpires: 2027-05-22T00:00:00Z\nPreferred-Languages: en\nCanonical: https://out.example.org/.well-known/security.txt\n"
	if _, got := w.get("/.well-known/security.txt"); got != want {
		t.Errorf("security.txt %q, want %q", got, want)
	}
	if _, got := w.get("/robots.txt"); got != "User-agent: *\nDisallow: /\n" {
		t.Errorf("robots.txt %q", got)
	}
	if res := w.send(request("POST", "/robots.txt", "", nil)); res.StatusCode != 405 {
		t.Errorf("POST: %s", res.Status)
	}
}

func TestPublicURLWithPath(t *testing.T) {
	w := newWorld(t)
	w.site.PublicURL = "https://example.org/out/"
	w.build()
	for _, prefix := range []string{"/out", ""} {
		if res, _ := w.get(prefix + w.link(listunsub.HeaderLink)); res.StatusCode != 200 {
			t.Errorf("%q: %s", prefix, res.Status)
		}
	}
}

func TestClientIP(t *testing.T) {
	ps, err := parseProxies([]string{"10.0.0.0/8", " 2001:db8::5 ", ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "192.0.2.1:5", nil, "192.0.2.1"},
		{"claims of a stranger", "192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"},
		{"proxy", "10.1.1.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"IPv6 proxy", "[2001:db8::5]:5", []string{"2001:db8:1::9"}, "2001:db8:1::9"},
		{"client claims more", "10.1.1.1:5", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.1.1.1:5", []string{"1.1.1.1, 203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"two fields", "10.1.1.1:5", []string{"203.0.113.9", "10.2.2.2"}, "203.0.113.9"},
		{"only proxies", "10.1.1.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"garbage", "10.1.1.1:5", []string{"203.0.113.9, unknown"}, "10.1.1.1"},
		{"none", "10.1.1.1:5", nil, "10.1.1.1"},
		{"with ports", "10.1.1.1:5", []string{"[2001:db8:1::9]:443, 10.2.2.2:80"}, "2001:db8:1::9"},
		{"mapped", "[::ffff:10.1.1.1]:5", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"zone", "[fe80::1%eth0]:5", nil, "fe80::1"},
		{"unix socket", "@", []string{"203.0.113.9"}, ""},
	} {
		r := request("GET", "/", "", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := ps.peer(r).ip(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	good := Config{TrustedProxies: []string{"10.0.0.1", "fd00::/8"}, SecurityContact: "https://example.org/security", InvalidPerMinute: 60}
	if err := good.Validate(); err != nil {
		t.Errorf("good settings: %v", err)
	}
	bad := Config{TrustedProxies: []string{"proxy.example", "10.0.0.1/33", "fe80::1%eth0"}, SecurityContact: "security@example.org", InvalidPerMinute: -1}
	err := bad.Validate()
	if err == nil {
		t.Fatal("bad settings taken")
	}
	lines := strings.Split(err.Error(), "\n")
	names := make([]string, len(lines))
	for i, l := range lines {
		names[i], _, _ = strings.Cut(l, ":")
	}
	want := []string{"OFFRAMP_TRUSTED_PROXIES", "OFFRAMP_TRUSTED_PROXIES", "OFFRAMP_TRUSTED_PROXIES", "OFFRAMP_SECURITY_CONTACT", "OFFRAMP_INVALID_TOKENS_PER_MINUTE"}
	if !slices.Equal(names, want) {
		t.Errorf("faults %q", lines)
	}
}

func TestComplaintURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"": true, "https://example.org/complaints": true, "mailto:privacy@example.org": true, "http://example.org/": false, "https:": false,
		"example.org": false, "mailto:": false, "mailto:nobody": false, "javascript:alert(1)": false, "https://%zz": false,
	} {
		if err := (Config{ComplaintURL: url}).Validate(); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "OFFRAMP_COMPLAINT_URL") {
			t.Errorf("%q: %v", url, err)
		}
	}
	w := newWorld(t)
	if _, page := w.get(w.link(listunsub.BodyLink)); strings.Contains(page, "Make a complaint") {
		t.Error("a link to nowhere")
	}
	w.site.ComplaintURL = "mailto:privacy@example.org"
	w.build()
	_, page := w.get(w.link(listunsub.BodyLink))
	lacks(t, page, `<a href="mailto:privacy@example.org" rel="noreferrer">Make a complaint</a>`)
}

// The real server: what a client sends for too long or too large ends there.
func TestServerLimits(t *testing.T) {
	w := newWorld(t)
	srv, err := w.site.Server()
	if err != nil {
		t.Fatal(err)
	}
	if srv.ReadHeaderTimeout <= 0 || srv.ReadTimeout <= 0 || srv.WriteTimeout <= changeTimeout || srv.IdleTimeout <= 0 {
		t.Errorf("timeouts %v %v %v %v", srv.ReadHeaderTimeout, srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout)
	}
	addr := w.serve()
	res, err := exchange(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 40<<10)+"\r\n\r\n")
	if err != nil || res.StatusCode != 431 {
		t.Errorf("header of 40 KiB: %v %v", res, err)
	}
	// Body and header that contradict each other are a smuggling attempt.
	res, err = exchange(t, addr, "POST "+w.link(listunsub.HeaderLink)+" HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")
	if err != nil || res.StatusCode != 400 {
		t.Errorf("two lengths: %v %v", res, err)
	}
	if got := w.made(); len(got) != 0 {
		t.Errorf("changes %q", got)
	}
	// A body that the client cuts off: the link is what counts.
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-Unsub", w.link(listunsub.HeaderLink))
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	// net/http may close without an answer once its client is gone, so the
	// record is what is looked at.
	_, _ = http.ReadResponse(bufio.NewReader(c), nil)
	if got := w.made(); !slices.Equal(got, optedOut) {
		t.Errorf("changes after a cut body %q", got)
	}
}
