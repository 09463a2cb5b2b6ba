package queue

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/dkim"
	"offramp/gateway/nexthop"
	"offramp/gateway/render"
	"offramp/gateway/sink"
	"offramp/listunsub"
	"offramp/store"
)

// fixture is a queue with all it works with.
type fixture struct {
	t      *testing.T
	spool  *spool
	people *people
	log    *record
	queue  *Queue
	stats  *Stats
	conns  *nexthop.Stats
}

// setup are the settings of a queue and of its next hops.
type setup struct {
	Config
	hops nexthop.Config
}

// parts are what a test may change of both.
type parts struct {
	Parts
	hops nexthop.Parts
}

// record is a log to be looked at.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *record) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *record) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

const ringKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func newRenderer(t testing.TB) *render.Renderer {
	t.Helper()
	ring, err := listunsub.ParseKeyRing(ringKey)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := dkim.NewKeys(dkim.Key{Domain: "example.com", Selector: "s1", Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
	if err != nil {
		t.Fatal(err)
	}
	return &render.Renderer{Tokens: ring, Keys: keys, PublicURL: "https://out.example.com", FeedbackDomain: "out.example.com"}
}

func newFixture(t *testing.T, c setup, change func(*parts)) *fixture {
	t.Helper()
	h := &fixture{t: t, spool: newSpool(), people: &people{}, log: &record{}, stats: &Stats{}, conns: &nexthop.Stats{}}
	p := parts{
		Parts: Parts{
			Spool: h.spool, Lists: h.people, Codes: h.people, Events: h.people, Verdicts: h.people,
			Renderer: newRenderer(t), Hostname: "out.example.com", Stats: h.stats,
			Log: slog.New(slog.NewTextHandler(h.log, nil)),
		},
		hops: nexthop.Parts{Hostname: "out.example.com", Memory: c.Pause(), Stats: h.conns, Log: slog.New(slog.NewTextHandler(h.log, nil))},
	}
	if change != nil {
		change(&p)
	}
	var err error
	if p.Hops, err = nexthop.New(c.hops, p.hops); err != nil {
		t.Fatal(err)
	}
	if h.queue, err = New(c.Config, p.Parts); err != nil {
		t.Fatal(err)
	}
	return h
}

// run starts the queue; the test's end, or the function it returns, stops it.
func (h *fixture) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := h.queue.Run(ctx); err != nil {
			h.t.Errorf("run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			h.t.Error("the queue does not end")
		}
		h.spool.mu.Lock()
		defer h.spool.mu.Unlock()
		for _, e := range h.spool.queue {
			if e.leased {
				h.t.Errorf("recipient %s is still leased", e.r.Address)
			}
		}
		h.people.mu.Lock()
		defer h.people.mu.Unlock()
		if h.people.open != 0 {
			h.t.Errorf("%d gates are still held", h.people.open)
		}
		if n := h.conns.Open.Load(); n != 0 {
			h.t.Errorf("%d sessions are still open", n)
		}
	})
	h.t.Cleanup(stop)
	return stop
}

func startSink(t *testing.T, o sink.Options) *sink.Sink {
	t.Helper()
	s, err := sink.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func hopTo(s *sink.Sink) setup {
	return setup{hops: nexthop.Config{Servers: []string{"smtp://" + s.Addr()}}, Config: Config{RetryMin: 50 * time.Millisecond}}
}

const newsHeader = "From: News <news@example.com>\r\nTo: all@example.com\r\nSubject: Hello\r\nX-Offramp-List: News <news>\r\n\r\n"

func news(id string) store.Message {
	return store.Message{ID: id, Received: time.Now().UTC(), ReversePath: "news@example.com", MessageID: "<" + id + "@example.com>",
		List: "news", Header: []byte(newsHeader), Trace: []byte("Received: from app by out.example.com; Mon, 1 Jan 2024 00:00:00 +0000\r\n")}
}

func to(addresses ...string) []store.Recipient {
	var all []store.Recipient
	for _, a := range addresses {
		all = append(all, store.Recipient{Address: a})
	}
	return all
}

func TestEachRecipientGetsItsOwnCopy(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), nil)
	var all []string
	for i := range 40 {
		all = append(all, fmt.Sprintf("r%d@a%d.example", i, i%3))
	}
	h.spool.put(news("q1"), "Hi\r\n.dot\r\n", to(all...)...)
	h.run()
	got := s.Wait(40, time.Now().Add(10*time.Second))
	within(t, 5*time.Second, "the queue is empty", func() bool { return len(h.spool.left()) == 0 })
	links := make(map[string]bool)
	seen := make(map[string]bool)
	for _, m := range got {
		if len(m.Recipients) != 1 || seen[m.Recipients[0]] {
			t.Errorf("recipients %v", m.Recipients)
		}
		seen[m.Recipients[0]] = true
		data := string(m.Data)
		_, link, _ := strings.Cut(data, "List-Unsubscribe: <")
		link, _, _ = strings.Cut(link, ">")
		links[link] = true
		if strings.Contains(data, "X-Offramp") || !strings.HasSuffix(data, "\r\n\r\nHi\r\n.dot\r\n") || !strings.HasPrefix(data, "DKIM-Signature:") {
			t.Fatalf("message:\n%s", data)
		}
	}
	if len(got) != 40 || len(links) != 40 {
		t.Errorf("%d messages with %d links, want 40", len(got), len(links))
	}
	if n := h.conns.Connections.Load(); n > 20 {
		t.Errorf("%d connections, want at most 20", n)
	}
	if n := h.stats.Delivered.Load(); n != 40 {
		t.Errorf("%d counted as delivered", n)
	}
	if log := h.log.String(); !strings.Contains(log, "msg=delivered queue_id=q1") || strings.Contains(log, "r1@a1.example") {
		t.Errorf("log:\n%s", log)
	}
}
