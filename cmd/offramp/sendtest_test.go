package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/dkim"
	"offramp/gateway/sink"
	"offramp/listunsub"
)

// way is a whole set-up: a server, its next hop, a proxy with the certificate in
// front of it, and the DNS.
type way struct {
	t      *testing.T
	dns    fakeDNS
	env    map[string]string
	roots  *x509.CertPool
	hop    *sink.Sink
	front  http.Handler            // in front of the page
	page   http.Handler            // passes on to the page
	cert   []byte                  // of the front
	key    []byte                  // of the certificate
	host   string                  // of the front
	now    func() time.Time        // where send-test runs
	args   []string                // of send-test
	refuse string                  // reply of the next hop to the recipient; empty: it takes them
	alter  func(raw []byte) []byte // what a server behind the next hop does; nil: the message is not looked at
}

const wayDomain = "shop.example"

// newWay makes a set-up in which everything is right.
func newWay(t *testing.T) *way {
	t.Helper()
	dir := t.TempDir()
	w := &way{t: t, dns: fakeDNS{txt: map[string][]string{}, mx: map[string][]*net.MX{}}, roots: x509.NewCertPool(), now: time.Now,
		args: []string{"send-test", "--to", "you@dest.example"}}
	hop, err := sink.Start(sink.Options{Fault: func(stage sink.Stage, _ sink.Transaction) sink.Fault {
		if stage == sink.Rcpt {
			return sink.Fault{Reply: w.refuse}
		}
		return sink.Fault{}
	}})
	succeeds(t, err)
	t.Cleanup(func() { hop.Close() })
	w.hop = hop
	pem, err := newDKIMKey("ed25519")
	succeeds(t, err)
	path := filepath.Join(dir, "dkim.pem")
	succeeds(t, os.WriteFile(path, pem, 0o600))
	key, err := dkim.LoadKey(wayDomain, "offramp", path)
	succeeds(t, err)
	record, err := key.Record()
	succeeds(t, err)
	w.dns.txt["offramp._domainkey."+wayDomain+"."] = []string{record}
	w.dns.mx["bounce."+wayDomain+"."] = []*net.MX{{Host: "out." + wayDomain + ".", Pref: 10}}
	w.host = freeAddr(t)
	w.certify([]string{"127.0.0.1"}, time.Now(), 24*time.Hour, true)
	w.env = map[string]string{
		"OFFRAMP_HOSTNAME": "out." + wayDomain, "OFFRAMP_SMTP_ADDR": freeAddr(t), "OFFRAMP_HTTP_ADDR": freeAddr(t), "OFFRAMP_ADMIN_ADDR": freeAddr(t),
		"OFFRAMP_PUBLIC_URL": "https://" + w.host, "OFFRAMP_NEXT_HOP": "smtp://" + hop.Addr(), "OFFRAMP_FEEDBACK_DOMAIN": "bounce." + wayDomain,
		"OFFRAMP_DATA_DIR": filepath.Join(dir, "data"), "OFFRAMP_DKIM_KEYS": wayDomain + ":offramp:" + path, "OFFRAMP_LOG_LEVEL": "error",
	}
	w.page = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: w.env["OFFRAMP_HTTP_ADDR"]})
	w.front = w.page
	return w
}

// certify makes the certificate of the front.
func (w *way) certify(names []string, begin time.Time, validity time.Duration, trusted bool) {
	w.t.Helper()
	cert, key, err := selfSign(names, begin, validity)
	succeeds(w.t, err)
	w.cert, w.key = cert, key
	if trusted {
		w.roots.AppendCertsFromPEM(cert)
	}
}

func (w *way) app(out *bytes.Buffer, now func() time.Time) *app {
	return &app{env: w.env, stdin: strings.NewReader(""), stdout: out, stderr: out, now: now, resolver: w.dns, roots: w.roots}
}

// serve serves until stop is called.
func (w *way) serve(server *app) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	s, err := server.servingSettings()
	succeeds(w.t, err)
	succeeds(w.t, server.firstData(ctx, s))
	ended := make(chan error, 1)
	go func() { ended <- server.serve(ctx, s) }()
	succeeds(w.t, awaitReady(ctx, w.env["OFFRAMP_ADMIN_ADDR"]))
	return func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("serve: %v", err)
		}
	}
}

// run serves, and returns what send-test says.
func (w *way) run() (text string, code int) {
	w.t.Helper()
	defer w.serve(w.app(new(bytes.Buffer), time.Now))()
	if w.front != nil {
		defer w.serveFront().Close()
	}
	var out bytes.Buffer
	code = w.app(&out, w.now).run(w.args)
	if w.alter == nil {
		return out.String(), code
	}
	w.hop.Wait(1, time.Now().Add(10*time.Second))
	path := filepath.Join(w.t.TempDir(), "arrived.eml")
	succeeds(w.t, os.WriteFile(path, w.alter(w.hop.Messages()[0].Data), 0o600))
	out.Reset()
	code = w.app(&out, w.now).run([]string{"send-test", "--received", path})
	return out.String(), code
}

func (w *way) serveFront() *httptest.Server {
	w.t.Helper()
	pair, err := tls.X509KeyPair(w.cert, w.key)
	succeeds(w.t, err)
	l, err := net.Listen("tcp", w.host)
	succeeds(w.t, err)
	front := &httptest.Server{Listener: l, TLS: &tls.Config{Certificates: []tls.Certificate{pair}}, Config: &http.Server{Handler: w.front, ErrorLog: log.New(io.Discard, "", 0)}}
	front.StartTLS()
	return front
}

// answering changes the answers to a method.
func (w *way) answering(method string, change func(http.ResponseWriter, *http.Request) (done bool)) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == method && change(rw, r) {
			return
		}
		w.page.ServeHTTP(rw, r)
	})
}

// A set-up that is right passes, and of one that is broken send-test names what is.
func TestSendTest(t *testing.T) {
	without := func(name string) func([]byte) []byte {
		return func(raw []byte) []byte {
			lines := strings.SplitAfter(string(raw), "\r\n")
			var kept []string
			skip := false
			for _, line := range lines {
				if skip && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) {
					continue
				}
				if skip = strings.HasPrefix(line, name+":"); !skip {
					kept = append(kept, line)
				}
			}
			return []byte(strings.Join(kept, ""))
		}
	}
	for name, c := range map[string]struct {
		sabotage func(*way)
		want     string // empty: it passes
	}{
		"nothing":                {func(*way) {}, ""},
		"nothing in the mailbox": {func(w *way) { w.alter = func(raw []byte) []byte { return raw } }, ""},
		"no key in the DNS":      {func(w *way) { clear(w.dns.txt) }, "there is no key in the DNS at offramp._domainkey.shop.example"},
		"another key in the DNS": {func(w *way) { w.dns.txt["offramp._domainkey.shop.example."] = []string{otherRecord(w.t)} }, "is another than the one that signed"},
		"a key that was revoked": {func(w *way) { w.dns.txt["offramp._domainkey.shop.example."] = []string{"v=DKIM1; k=ed25519; p="} }, "is revoked"},
		"the wrong selector": {func(w *way) {
			w.env["OFFRAMP_DKIM_KEYS"] = strings.Replace(w.env["OFFRAMP_DKIM_KEYS"], ":offramp:", ":news:", 1)
		}, "at news._domainkey.shop.example, but one at the selector offramp: OFFRAMP_DKIM_KEYS names the wrong selector"},
		"no key for the sender":    {func(w *way) { w.args = append(w.args, "--from", "news@other.example") }, "no signature of other.example is in the message"},
		"an expired certificate":   {func(w *way) { w.certify([]string{"127.0.0.1"}, time.Now().Add(-48*time.Hour), 24*time.Hour, true) }, "is not valid now"},
		"a certificate of another": {func(w *way) { w.certify([]string{"other.example"}, time.Now(), time.Hour, true) }, "is for another name: other.example"},
		"an authority of nobody":   {func(w *way) { w.certify([]string{"127.0.0.1"}, time.Now(), time.Hour, false) }, "not from an authority that mail clients trust"},
		"a redirect on POST": {func(w *way) {
			w.front = w.answering(http.MethodPost, func(rw http.ResponseWriter, r *http.Request) bool {
				http.Redirect(rw, r, "/", http.StatusFound)
				return true
			})
		}, "is answered with a redirect (302), which mail clients do not follow"},
		"a cookie on POST": {func(w *way) {
			w.front = w.answering(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request) bool { rw.Header().Set("Set-Cookie", "a=b"); return false })
		}, "adds a cookie"},
		"a header that the hop drops": {func(w *way) { w.alter = without("List-Unsubscribe-Post") }, "List-Unsubscribe-Post is missing in the message that arrived: the next hop or a server behind it removes it"},
		"a body that is changed":      {func(w *way) { w.alter = func(raw []byte) []byte { return append(raw, "An advertisement.\r\n"...) } }, "it was changed after it was signed"},
		"a header that is there twice": {func(w *way) {
			w.alter = func(raw []byte) []byte { return append([]byte("List-Unsubscribe: <https://x.example>\r\n"), raw...) }
		}, "List-Unsubscribe is there 2 times"},
		"an http link": {func(w *way) {
			w.alter = func(raw []byte) []byte { return bytes.Replace(raw, []byte("<https://"), []byte("<http://"), 1) }
		}, "the link begins with http:"},
		"a feedback domain without MX": {func(w *way) { clear(w.dns.mx) }, "the feedback domain bounce.shop.example has no MX"},
		"a closed SMTP port":           {func(w *way) { w.args = append(w.args, "--via", freeAddr(w.t)) }, "nothing listens on"},
		"a closed HTTPS port":          {func(w *way) { w.front = nil }, "the port is closed from here"},
		"a clock that is behind":       {func(w *way) { w.now = func() time.Time { return time.Now().Add(time.Hour) } }, "the server's clock is 1h behind"},
		"a clock that is ahead":        {func(w *way) { w.now = func() time.Time { return time.Now().Add(-time.Hour) } }, "the server's clock is 1h ahead"},
		"another web server": {func(w *way) {
			w.front = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Write([]byte("<form>It works!</form>")) })
		}, "another server answers there"},
		"another Offramp": {func(w *way) { w.front = pageOfNobody(w.t, listunsub.NewKey()) }, "does not know the link: it is another one, or has other token keys"},
		"a server that says yes to everything": {func(w *way) {
			w.front = w.answering(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(http.StatusOK); return true })
		}, "is not in this server's data"},
		"a next hop that is down": {func(w *way) { w.env["OFFRAMP_NEXT_HOP"] = "smtp://" + freeAddr(w.t) }, "the newsletter waits in the queue: connect: dial tcp"},
		"a next hop that refuses": {func(w *way) { w.refuse = "554 5.7.1 not from here" }, "not from here"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWay(t)
			c.sabotage(w)
			text, code := w.run()
			if c.want == "" {
				if code != exitOK || strings.Contains(text, "fail ") {
					t.Errorf("exit code %d\n%s", code, text)
				}
				return
			}
			if code != exitFailed || !strings.Contains(text, c.want) {
				t.Errorf("exit code %d, want %q in\n%s", code, c.want, text)
			}
		})
	}
}

func otherRecord(t *testing.T) string {
	t.Helper()
	pem, err := newDKIMKey("ed25519")
	succeeds(t, err)
	path := filepath.Join(t.TempDir(), "other.pem")
	succeeds(t, os.WriteFile(path, pem, 0o600))
	key, err := dkim.LoadKey(wayDomain, "offramp", path)
	succeeds(t, err)
	record, err := key.Record()
	succeeds(t, err)
	return record
}

func succeeds(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Against the demo, with the line that the demo prints, everything passes.
func TestSendTestAgainstTheDemo(t *testing.T) {
	var shown shared
	in, keyboard := io.Pipe()
	d := &app{env: map[string]string{}, stdin: in, stdout: &shown, stderr: &shown, now: time.Now, resolver: fakeDNS{}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.runDemo(ctx, t.TempDir(), false) }()
	defer func() {
		stop()
		keyboard.Close()
		<-ended
	}()
	line := shown.await(t, "send-test --to ")
	words := strings.Fields(strings.ReplaceAll(line, `\`, " "))[1:]
	var out bytes.Buffer
	a := &app{env: map[string]string{}, stdin: strings.NewReader(""), stdout: &out, stderr: &out, now: time.Now, resolver: fakeDNS{}}
	if code := a.run(words); code != exitOK || strings.Contains(out.String(), "fail ") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	for _, what := range []string{"submission", "headers", "DKIM", "clock", "page", "one-click", "next hop", "feedback", "delivery"} {
		if !strings.Contains(out.String(), "ok   "+what) {
			t.Errorf("%s is not checked:\n%s", what, out.String())
		}
	}
}

// shared is what is shown, as several goroutines write and read it.
type shared struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// await returns the command that has a text, with the line after it.
func (s *shared) await(t *testing.T, text string) string {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		shown := s.text.String()
		s.mu.Unlock()
		lines := strings.Split(shown, "\n")
		for i, line := range lines[:len(lines)-1] {
			if strings.Contains(line, text) && i+1 < len(lines)-1 {
				return line + " " + lines[i+1]
			}
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("never shown: %s\n%s", text, shown)
		case <-time.After(30 * time.Second):
			t.Fatalf("not shown in time: %s\n%s", text, shown)
		}
	}
}

// remote is a connection to some address.
type remote struct {
	net.Conn
	addr string
}

func (r remote) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(r.addr))
}

// A password leaves this machine under TLS only.
func TestPasswordsInClear(t *testing.T) {
	for addr, want := range map[string]bool{"127.0.0.1:25": true, "[::1]:25": true, "192.0.2.1:587": false, "[2001:db8::1]:587": false} {
		clear := remote{addr: addr}
		if err := mayLogIn(clear); (err == nil) != want {
			t.Errorf("%s: %v", addr, err)
		}
		if err := mayLogIn(tls.Client(clear, &tls.Config{})); err != nil {
			t.Errorf("%s under TLS: %v", addr, err)
		}
	}
}
