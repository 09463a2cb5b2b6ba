package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/listunsub"
	"offramp/store"
)

var update = flag.Bool("update", false, "write golden files")

const (
	ada    = "ada@example.com"
	news   = "news.example.org"
	agent  = "test agent/1"
	client = "192.0.2.7"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// world is a site with everything behind it in memory.
type world struct {
	t    testing.TB
	site *Site
	ring *listunsub.KeyRing
	log  *bytes.Buffer

	mu       sync.Mutex
	now      time.Time
	choices  map[string]store.Choice // key and list
	stops    []store.Suppression
	lists    map[string]store.List
	changes  []string           // every change asked for and made
	evidence []consent.Evidence // of those
	err      error              // answer of everything, when set
	errRead  error              // answer of what reads, when set
	hook     func(context.Context)
	handler  http.Handler
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, ring: ring, log: new(bytes.Buffer), now: start,
		choices: map[string]store.Choice{},
		lists:   map[string]store.List{news: {ID: news, Name: "Example News", Description: "What happened at Example, once a week."}},
	}
	w.site = &Site{
		Config:    Config{InvalidPerMinute: 60},
		PublicURL: "https://out.example.org",
		Tokens:    ring, Consent: w, Lists: w,
		Log:   slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Stats: new(Stats),
		Now:   func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now },
	}
	w.handler = w.site.Handler()
	return w
}

// reset forgets what happened.
func (w *world) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.choices)
	w.changes, w.evidence = nil, nil
	w.log.Reset()
}

func (w *world) set(s consent.Subject, state store.State, way store.Way, ev consent.Evidence) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return false, w.err
	}
	key := s.Recipient.Key() + " " + s.List
	if w.choices[key].State == state {
		return false, nil
	}
	w.choices[key] = store.Choice{Recipient: s.Recipient.Key(), List: s.List, State: state, Since: w.now, Way: way}
	w.changes = append(w.changes, string(state)+" "+key+" "+string(way))
	w.evidence = append(w.evidence, ev)
	return true, nil
}

func (w *world) OptOut(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (bool, error) {
	if w.hook != nil {
		w.hook(ctx)
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return w.set(s, store.Unsubscribed, way, ev)
}

func (w *world) Resubscribe(_ context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (bool, error) {
	return w.set(s, store.Subscribed, way, ev)
}

func (w *world) Standing(_ context.Context, s consent.Subject) (store.Standing, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := errors.Join(w.err, w.errRead); err != nil {
		return store.Standing{}, err
	}
	var st store.Standing
	for _, list := range []string{s.List, store.AllLists} {
		if c, ok := w.choices[s.Recipient.Key()+" "+list]; ok {
			st.Choices = append(st.Choices, c)
		}
	}
	st.Suppressions = w.stops
	return st, nil
}

func (w *world) List(_ context.Context, id string) (store.List, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, ok := w.lists[id]
	if !ok {
		return l, store.ErrNotFound
	}
	return l, nil
}

func (w *world) made() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.changes...)
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// link returns the path of a link of the purpose.
func (w *world) link(p listunsub.Purpose) string {
	w.t.Helper()
	token, err := w.ring.Seal(listunsub.Claims{List: news, Recipient: ada, Issued: start.Add(-24 * time.Hour), Purpose: p})
	if err != nil {
		w.t.Fatal(err)
	}
	return "/" + string(rune(p)) + "/" + token
}

func request(method, path, contentType string, body io.Reader) *http.Request {
	// Not httptest.NewRequest: it parses the target, and paths that are no
	// paths are what some tests are about.
	r := httptest.NewRequest(method, "/", body)
	r.URL.Path, r.RequestURI = path, path
	r.RemoteAddr = client + ":4711"
	r.Header.Set("User-Agent", agent)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func (w *world) send(r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec.Result()
}

func (w *world) get(path string) (*http.Response, string) {
	w.t.Helper()
	res := w.send(request(http.MethodGet, path, "", nil))
	return res, text(w.t, res)
}

func text(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// body is one file of testdata/bodies: a line with the reason, header fields,
// an empty line, and the body to the last octet.
type body struct {
	name, reason string
	header       http.Header
	octets       []byte
}

func bodies(t testing.TB) []body {
	t.Helper()
	paths, err := filepath.Glob("testdata/bodies/*.txt")
	if err != nil || len(paths) < 15 {
		t.Fatalf("testdata/bodies: %d files, %v", len(paths), err)
	}
	var all []body
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		reason, rest, _ := strings.Cut(string(raw), "\n")
		head, octets, _ := strings.Cut("\n"+rest, "\n\n")
		fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimPrefix(head+"\n\n", "\n")))).ReadMIMEHeader()
		if err != nil || !strings.HasPrefix(reason, "# ") {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, body{filepath.Base(path), reason[2:], http.Header(fields), []byte(octets)})
	}
	return all
}

func (b body) request(path string) *http.Request {
	r := request(http.MethodPost, path, "", bytes.NewReader(b.octets))
	for name, values := range b.header {
		r.Header[name] = values
	}
	return r
}
