package smtpd

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/gateway/relay"
	"offramp/store"
)

// fakeRelay takes mail. What it says depends on the local part of the sender.
type fakeRelay struct {
	trusted bool
	started chan struct{} // gets a value for each Accept, when not nil
	release chan struct{} // Accept waits for it, when not nil

	mu   sync.Mutex
	kept []taken
}

type taken struct {
	client     relay.Client
	envelope   envelope.Envelope
	data       string
	postmaster bool
	feedback   bool
}

// answers says what the fake says to senders of that name.
var answers = map[string]error{
	"loop":      relay.ErrLoop,
	"large":     fmt.Errorf("x: %w", relay.ErrTooLarge),
	"header":    relay.ErrHeaderTooLarge,
	"bare":      relay.ErrBareNewline,
	"nul":       relay.ErrNUL,
	"gone":      relay.ErrAllSuppressed,
	"full":      fmt.Errorf("write /var/lib/secret.db: %w", store.ErrFull),
	"locked":    errors.New("database is locked: /var/lib/secret.db"),
	"down":      fmt.Errorf("secret: %w", store.ErrUnavailable),
	"wrapped":   fmt.Errorf("secret: %w", &smtp.SMTPError{Code: 554, Message: "secret"}),
	"joined":    errors.Join(errors.New("secret"), smtp.ErrAuthFailed),
	"cancelled": context.Canceled,
	"eof":       io.ErrUnexpectedEOF,
}

func (f *fakeRelay) MayRelay(c relay.Client) bool { return f.trusted || c.Login != "" }

func (f *fakeRelay) Accept(_ context.Context, c relay.Client, e envelope.Envelope, data io.Reader) (relay.Receipt, error) {
	return f.take(taken{client: c, envelope: e}, data)
}

func (f *fakeRelay) AcceptPostmaster(_ context.Context, c relay.Client, e envelope.Envelope, data io.Reader) (relay.Receipt, error) {
	return f.take(taken{client: c, envelope: e, postmaster: true}, data)
}

func (f *fakeRelay) take(m taken, data io.Reader) (relay.Receipt, error) {
	who := m.envelope.ReversePath.Local()
	if who == "panic" {
		panic("made to")
	}
	if f.started != nil {
		f.started <- struct{}{}
	}
	if err, early := answers[strings.TrimPrefix(who, "early-")]; early && strings.HasPrefix(who, "early-") {
		return relay.Receipt{}, err
	}
	b, err := io.ReadAll(data)
	if err != nil {
		return relay.Receipt{}, fmt.Errorf("read body: %w", err)
	}
	if f.release != nil {
		<-f.release
	}
	if err := answers[who]; err != nil {
		return relay.Receipt{}, err
	}
	m.data = string(b)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = append(f.kept, m)
	return relay.Receipt{QueueID: fmt.Sprintf("id%d", len(f.kept)), Accepted: 1}, nil
}

func (f *fakeRelay) all() []taken {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]taken(nil), f.kept...)
}

// fakeFeedback owns back.example; u+good@ is an address of ours.
type fakeFeedback struct{ r *fakeRelay }

func (f fakeFeedback) Owns(a envelope.Address) bool { return a.Domain() == "back.example" }

func (f fakeFeedback) Check(_ context.Context, a envelope.Address) error {
	switch a.Local() {
	case "u+good", "b+good":
		return nil
	case "u+down":
		return fmt.Errorf("secret: %w", store.ErrUnavailable)
	}
	return feedback.ErrUnknown
}

func (f fakeFeedback) Receive(_ context.Context, in feedback.Inbound) error {
	_, err := f.r.take(taken{envelope: in.Envelope, feedback: true}, in.Data)
	return err
}

// harness is a running server.
type harness struct {
	t      testing.TB
	s      *Server
	relay  *fakeRelay
	plain  net.Addr
	secure net.Addr
	stop   context.CancelFunc
	ended  chan error
}

// start serves on loopback, one listener in clear and one with implicit TLS.
func start(t testing.TB, set func(*Server)) *harness {
	t.Helper()
	return startOn(t, set, func(l net.Listener) net.Listener { return l })
}

// startOn is start with listeners that are changed.
func startOn(t testing.TB, set func(*Server), change func(net.Listener) net.Listener) *harness {
	t.Helper()
	r := &fakeRelay{}
	s := &Server{
		Hostname: "gate.example", Relay: r, Feedback: fakeFeedback{r}, TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}},
		MaxMessageSize: 64 << 10, MaxRecipients: 100, Stats: &Stats{},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if set != nil {
		set(s)
	}
	if f, ok := s.Relay.(*fakeRelay); ok {
		r = f
		if _, ok := s.Feedback.(fakeFeedback); ok {
			s.Feedback = fakeFeedback{r}
		}
	}
	var listeners []Listener
	for _, implicit := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if implicit && s.TLS == nil {
			l.Close()
			continue
		}
		listeners = append(listeners, Listener{change(l), implicit})
	}
	ctx, stop := context.WithCancel(t.Context())
	h := &harness{t: t, s: s, relay: r, plain: listeners[0].Addr(), stop: stop, ended: make(chan error, 1)}
	if s.TLS != nil {
		h.secure = listeners[1].Addr()
	}
	go func() { h.ended <- s.Serve(ctx, listeners...) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-h.ended:
			if err != nil {
				t.Error("Serve:", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Serve did not return")
		}
		if open := s.Stats.Open.Load(); open != 0 {
			t.Errorf("%d connections still counted as open", open)
		}
	})
	return h
}

var testCertificate = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gate.example"}, DNSNames: []string{"gate.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	c, err := testCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// peer is a client that says exactly what it is told.
type peer struct {
	t   testing.TB
	raw net.Conn
	net.Conn
	r        *bufio.Reader
	bytewise bool // each byte is a write of its own, and a TLS record
}

func (h *harness) dial(implicit bool) *peer {
	h.t.Helper()
	addr := h.plain
	if implicit {
		addr = h.secure
	}
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(15 * time.Second))
	p := &peer{t: h.t, raw: c, Conn: c, r: bufio.NewReader(c)}
	if implicit {
		p.startTLS(0)
	}
	return p
}

func (p *peer) startTLS(version uint16) {
	p.t.Helper()
	c := tls.Client(p.raw, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	if err := c.Handshake(); err != nil {
		p.t.Fatal("handshake:", err)
	}
	p.Conn, p.r = c, bufio.NewReader(c)
}

func (p *peer) send(s string) {
	p.t.Helper()
	size := max(len(s), 1)
	if p.bytewise {
		size = 1
	}
	for piece := range slices.Chunk([]byte(s), size) {
		if _, err := p.Conn.Write(piece); err != nil {
			p.t.Fatalf("send %q: %v", s, err)
		}
	}
}

// reply reads one reply, all its lines.
func (p *peer) reply() (string, error) {
	var b strings.Builder
	for {
		line, err := p.r.ReadString('\n')
		b.WriteString(line)
		if err != nil || len(line) < 4 || line[3] != '-' {
			return b.String(), err
		}
	}
}

func (p *peer) expect(prefix string) string {
	p.t.Helper()
	got, err := p.reply()
	if err != nil && got == "" {
		p.t.Fatalf("want %q, got %v", prefix, err)
	}
	lines := strings.Split(strings.TrimSuffix(got, "\r\n"), "\r\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, prefix) {
		p.t.Fatalf("want %q, got %q", prefix, got)
	}
	return got
}

// say sends a line and expects a reply.
func (p *peer) say(line, prefix string) string {
	p.t.Helper()
	p.send(line + "\r\n")
	return p.expect(prefix)
}

// closed expects the end of the connection.
func (p *peer) closed() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); err == nil {
		rest, _ := p.r.ReadString('\n')
		p.t.Fatalf("connection goes on with %q", string(b)+rest)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		p.t.Fatal("connection stays open")
	}
}

// envelope opens a transaction.
func (p *peer) envelope() {
	p.t.Helper()
	p.say("MAIL FROM:<a@b.example>", "250")
	p.say("RCPT TO:<c@d.example>", "250")
}

func trusted(s *Server) { s.Relay, s.FixLineEnds = &fakeRelay{trusted: true}, true }
