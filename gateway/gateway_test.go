package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/gateway"
	"offramp/gateway/nexthop"
	"offramp/gateway/relay"
	"offramp/gateway/sink"
	"offramp/listunsub"
	"offramp/store"
	"offramp/store/sqlite"
)

// house is a gateway over a real store, with a next hop that keeps what it gets.
type house struct {
	t      testing.TB
	config gateway.Config
	parts  gateway.Parts
	sink   *sink.Sink
	db     *sqlite.DB
}

func newHouse(t testing.TB, o sink.Options) *house {
	t.Helper()
	s, err := sink.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: filepath.Join(t.TempDir(), "data"), PersonKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	var loopback relay.Network
	if err := loopback.UnmarshalText([]byte("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	return &house{
		t: t, sink: s, db: db,
		config: gateway.Config{
			Hostname: "offramp.example.org", PublicURL: "https://offramp.example.org",
			SMTPAddr: []string{"127.0.0.1:0"}, HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0",
			NextHop: nexthop.Config{Servers: []string{"smtp://" + s.Addr()}},
			Relay:   relay.Config{TrustedNetworks: []relay.Network{loopback}},
		},
		parts: partsOf(db, ring, filepath.Join(t.TempDir(), "imports")),
	}
}

// partsOf is what a gateway needs.
func partsOf(db *sqlite.DB, ring *listunsub.KeyRing, imports string) gateway.Parts {
	c := db.Consent()
	return gateway.Parts{
		Consent: c, Spool: db.Spool(), Counts: c, APIKeys: c, Requests: c, Leaks: c, History: db.Spool(), Scrubber: db.Scrubber(),
		Consumers: c, Ledger: c, Targets: c, Jobs: c, ImportDir: imports, Tokens: ring,
	}
}

// run starts the gateway; the function it returns stops it and returns what Run
// returned.
func (h *house) run() (g *gateway.Gateway, stop func() error) {
	h.t.Helper()
	g, err := gateway.New(h.config, h.parts)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(30 * time.Second):
			return errors.New("Run did not return")
		}
	}
	h.t.Cleanup(func() {
		if err := stop(); err != nil {
			h.t.Error(err)
		}
	})
	return g, stop
}

const letter = "From: News <news@example.org>\r\nList-Id: The letter <letter.example.org>\r\nMessage-ID: <1@example.org>\r\nSubject: x\r\n\r\nhello\r\n"

func send(t testing.TB, g *gateway.Gateway, to ...string) {
	t.Helper()
	client, err := smtp.Dial(g.Addrs().SMTP[0])
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.SendMail("news@example.org", to, strings.NewReader(letter)); err != nil {
		t.Fatal(err)
	}
}

func (h *house) arrived(n int) []sink.Message {
	h.t.Helper()
	all := h.sink.Wait(n, time.Now().Add(20*time.Second))
	if len(all) < n {
		h.t.Fatalf("%d messages arrived, want %d", len(all), n)
	}
	return all
}

// settled waits until the queue is empty.
func (h *house) settled() {
	h.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		usage, err := h.db.Spool().Usage(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		if usage.Messages == 0 {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%d messages still wait", usage.Messages)
		}
	}
}

// oneClick posts to the link of a message, at the listener of g.
func oneClick(t *testing.T, g *gateway.Gateway, raw []byte) {
	t.Helper()
	_, after, ok := strings.Cut(string(raw), "<https://offramp.example.org/u/")
	token, _, ok2 := strings.Cut(after, ">")
	if !ok || !ok2 {
		t.Fatalf("no link in %s", raw)
	}
	resp, err := http.Post("http://"+g.Addrs().HTTP+"/u/"+token, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("one-click was answered %d", resp.StatusCode)
	}
}

// One message goes in for two people, each gets a token, and the one who opts
// out gets no more.
func TestMailInWayOut(t *testing.T) {
	h := newHouse(t, sink.Options{})
	g, stop := h.run()
	send(t, g, "ada@example.net", "ben@example.net")
	for _, m := range h.arrived(2) {
		if slices.Contains(m.Recipients, "ada@example.net") {
			oneClick(t, g, m.Data)
		}
	}
	send(t, g, "ada@example.net", "ben@example.net")
	last := h.arrived(3)[2]
	if !slices.Equal(last.Recipients, []string{"ben@example.net"}) {
		t.Errorf("the second issue went to %v", last.Recipients)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(h.sink.Messages()); n != 3 {
		t.Errorf("%d messages arrived, want 3", n)
	}
}

// Mail that waits in the queue is dropped as well once the person opted out.
func TestOptOutReachesTheQueue(t *testing.T) {
	refuse := make(chan struct{})
	h := newHouse(t, sink.Options{Fault: func(stage sink.Stage, tx sink.Transaction) sink.Fault {
		select {
		case <-refuse:
			return sink.Fault{}
		default:
		}
		if stage == sink.Mail {
			return sink.Fault{Reply: "451 4.3.0 later"}
		}
		return sink.Fault{}
	}})
	h.config.Queue.RetryMin, h.config.Queue.RetryMax = 50*time.Millisecond, 50*time.Millisecond
	g, _ := h.run()
	send(t, g, "ada@example.net", "ben@example.net")

	token, err := h.parts.Tokens.Seal(listunsub.Claims{List: "letter.example.org", Recipient: "ada@example.net", Issued: time.Now(), Purpose: listunsub.HeaderLink})
	if err != nil {
		t.Fatal(err)
	}
	oneClick(t, g, []byte("<https://offramp.example.org/u/"+token+">"))
	close(refuse)
	if m := h.arrived(1)[0]; !slices.Equal(m.Recipients, []string{"ben@example.net"}) {
		t.Errorf("after the opt-out mail went to %v", m.Recipients)
	}
	h.settled()
	events, err := h.db.Consent().Events(t.Context(), store.EventFilter{Kinds: []store.EventKind{store.EventDropped}})
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 || events[0].Recipient != "ada@example.net" {
		t.Errorf("dropped on record: %v", events)
	}
}

// What a stop leaves in the queue goes out after the next start.
func TestStopKeepsMail(t *testing.T) {
	var open atomic.Bool
	h := newHouse(t, sink.Options{Fault: func(stage sink.Stage, tx sink.Transaction) sink.Fault {
		if !open.Load() && stage == sink.Mail {
			return sink.Fault{Reply: "451 4.3.0 later"}
		}
		return sink.Fault{}
	}})
	h.config.Queue.RetryMin, h.config.Queue.RetryMax = 50*time.Millisecond, 50*time.Millisecond
	g, stop := h.run()
	send(t, g, "ada@example.net")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", g.Addrs().SMTP[0]); err == nil {
		t.Error("SMTP still listens after the stop")
	}
	if n := len(h.sink.Messages()); n != 0 {
		t.Fatalf("%d messages arrived too early", n)
	}
	open.Store(true)
	h.run()
	h.arrived(1)
}

// The admin listener is the last to go, so a stop can be watched; it says that
// the server is ready while it is.
func TestReady(t *testing.T) {
	h := newHouse(t, sink.Options{})
	g, stop := h.run()
	for path, want := range map[string]string{"/readyz": `"ok"`, "/metrics": "offramp_smtp_messages_total"} {
		resp, err := http.Get("http://" + g.Addrs().Admin + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d, %v, without %q: %s", path, resp.StatusCode, err, want, body)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// A room that fails stops all the others, and its error comes out.
func TestRoomFails(t *testing.T) {
	h := newHouse(t, sink.Options{})
	broken := fmt.Errorf("pulled: %w", net.ErrClosed)
	first := true
	h.parts.Listen = func(network, addr string) (net.Listener, error) {
		l, err := net.Listen(network, addr)
		if first && err == nil { // SMTP is opened first
			first = false
			return failing{l, broken}, nil
		}
		return l, err
	}
	g, err := gateway.New(h.config, h.parts)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(context.Background()) }()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "pulled") {
			t.Errorf("Run = %v, want the listener's error", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Run goes on without SMTP")
	}
}

// failing is a listener that is broken.
type failing struct {
	net.Listener
	err error
}

func (f failing) Accept() (net.Conn, error) { return nil, f.err }

// Every port that is taken is named, and none stays open.
func TestPortsTaken(t *testing.T) {
	h := newHouse(t, sink.Options{})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	h.config.HTTPAddr, h.config.AdminAddr = taken.Addr().String(), taken.Addr().String()
	_, err = gateway.New(h.config, h.parts)
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("New = %v, want address in use", err)
	}
	for _, name := range []string{"OFFRAMP_HTTP_ADDR", "OFFRAMP_ADMIN_ADDR"} {
		if !strings.Contains(err.Error(), name+": another program listens on "+taken.Addr().String()) {
			t.Errorf("New = %v: does not say that %s is taken", err, name)
		}
	}
}
