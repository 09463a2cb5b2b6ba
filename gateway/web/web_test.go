package web

import (
	"bufio"
	"bytes"
	"context"
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

	"offramp/gateway/confirmation"
	"offramp/gateway/consent"
	"offramp/gateway/language"
	"offramp/gateway/ledger"
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
	choices  map[string]store.Choice  // by key and list
	sharing  map[string]store.Sharing // by key
	erased   map[string]bool
	stops    []store.Suppression
	contacts []store.Contact
	events   []store.Event
	lists    map[string]store.List
	readers  []store.Reader
	asked    []confirmation.Question
	changes  []string // every change asked for and made
	err      error    // answer of everything, when set
	errRead  error    // answer of what reads, when set
	calls    []string // of what is behind the site
	failing  int      // which of calls fails, counted from 1; 0: none
	hook     func(context.Context)
	handler  http.Handler
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	texts, err := language.Load("")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner("out.example.org", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, ring: ring, log: new(bytes.Buffer), now: start,
		choices: map[string]store.Choice{}, sharing: map[string]store.Sharing{}, erased: map[string]bool{},
		lists: map[string]store.List{news: {ID: news, Name: "Example News", Description: "What happened at Example, once a week."}},
	}
	now := func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := records{w}
	w.site = &Site{
		Config:    Config{InvalidPerMinute: 60, OperatorName: "Example Ltd", PageLanguage: "en"},
		PublicURL: "https://out.example.org",
		Tokens:    ring, Consent: &consent.Consent{Store: r, Records: r, Now: now, Log: log},
		Lists: r, Readers: r, Ledger: r, Asker: r, Contact: "people@out.example.org", Texts: texts, Receipts: signer, Retention: 26280 * time.Hour, EraseWithin: 24 * time.Hour,
		Log: log, Stats: new(Stats), Now: now,
	}
	w.build()
	return w
}

// build makes the handler again, after the site was changed.
func (w *world) build() {
	w.t.Helper()
	handler, err := w.site.Handler()
	if err != nil {
		w.t.Fatal(err)
	}
	w.handler = handler
}

// reset forgets what happened.
func (w *world) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.choices)
	clear(w.sharing)
	w.changes, w.events = nil, nil
	w.log.Reset()
}

// choose records a choice of ada as if it had been made an hour ago.
func (w *world) choose(c store.Choice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Recipient = ada
	if c.Since.IsZero() {
		c.Since = start.Add(-time.Hour)
	}
	if c.Way == "" {
		c.Way = store.Mail
	}
	w.choices[ada+" "+c.List] = c
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
	return w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start.Add(-24 * time.Hour), Purpose: p})
}

func (w *world) linkTo(c listunsub.Claims) string {
	w.t.Helper()
	token, err := w.ring.Seal(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return "/" + string(rune(c.Purpose)) + "/" + token
}

// letter is the link and the code of a mail that was sent just now.
func (w *world) letter(list string) (path, code string) {
	w.t.Helper()
	path = w.linkTo(listunsub.Claims{List: list, Recipient: ada, Issued: w.site.Now(), Purpose: listunsub.ConfirmLink})
	return path, w.ring.Digits("offramp mailed code", []byte(path[len("/c/"):]))
}

// openData types the code that opens what is stored.
func (w *world) openData() (path, page string) {
	w.t.Helper()
	path, code := w.letter(confirmation.Access)
	return path, w.press(path, actCode, fieldCode, code)
}

func request(method, path, contentType string, body io.Reader) *http.Request {
	// Not httptest.NewRequest: it parses the target, and paths that are no
	// paths are what some tests are about.
	r := httptest.NewRequest(method, "/", body)
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?")
	r.RequestURI = path
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
// an empty line, and the body to the last byte.
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
