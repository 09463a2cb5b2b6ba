package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// acts counts what a request did.
type acts struct {
	mu     sync.Mutex
	n      int
	status int
	size   int
	before func()
}

func (a *acts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.n++
	n := a.n
	a.mu.Unlock()
	if a.before != nil {
		a.before()
	}
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/x")
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	fmt.Fprintf(w, "%d %s%s", n, body, strings.Repeat("x", a.size))
}

func (w *world) ask(c Grant, name, body string, next http.Handler) (*httptest.ResponseRecorder, error) {
	r := httptest.NewRequest("POST", "/api/v1/suppressions?list=a", strings.NewReader(body))
	if name != "" {
		r.Header.Set(Field, name)
	}
	rec := httptest.NewRecorder()
	rec.Header().Set("RateLimit", "5")
	err := w.Once(rec, r.WithContext(With(r.Context(), c)), Rule{MaxBody: 1000}, next)
	return rec, err
}

var shop = Grant{ID: "shop", secret: [32]byte{1}}

func TestOnce(t *testing.T) {
	w := newWorld(t)
	did := &acts{}
	for i, c := range []struct {
		name, body string
		caller     Grant
		want       string
		err        error
	}{
		{"k1", "ada@x.example", shop, "1 ada@x.example", nil},
		{"k1", "ada@x.example", shop, "1 ada@x.example", nil},
		{"k1", "bob@x.example", shop, "", ErrOther},
		{"k2", "ada@x.example", shop, "2 ada@x.example", nil},
		{"k1", "ada@x.example", Grant{ID: "crm", secret: [32]byte{2}}, "3 ada@x.example", nil},
		{"", "ada@x.example", shop, "4 ada@x.example", nil},
		{"", "ada@x.example", shop, "5 ada@x.example", nil},
		{"ü", "ada@x.example", shop, "", ErrName},
		{strings.Repeat("k", 256), "ada@x.example", shop, "", ErrName},
	} {
		rec, err := w.ask(c.caller, c.name, c.body, did)
		if !errors.Is(err, c.err) || rec.Body.String() != c.want {
			t.Errorf("%d: %q, %v", i, rec.Body, err)
		}
		if c.err == nil && rec.Header().Get("Content-Type") != "text/x" {
			t.Errorf("%d: %v", i, rec.Header())
		}
	}
	// After a restart, and until a day is over.
	w.clock = start.Add(24 * time.Hour)
	w.open(t)
	if rec, err := w.ask(shop, "k1", "ada@x.example", did); err != nil || rec.Body.String() != "1 ada@x.example" || rec.Header().Get("Idempotency-Replayed") == "" {
		t.Errorf("a day later: %q, %v", rec.Body, err)
	}
	w.clock = w.clock.Add(time.Second)
	if rec, err := w.ask(shop, "k1", "ada@x.example", did); err != nil || rec.Body.String() != "6 ada@x.example" {
		t.Errorf("after a day: %q, %v", rec.Body, err)
	}
}

// While the first runs the second is refused.
func TestOnceAtOnce(t *testing.T) {
	w := newWorld(t)
	running, end := make(chan struct{}), make(chan struct{})
	did := &acts{before: func() { close(running); <-end }}
	var first *httptest.ResponseRecorder
	var all sync.WaitGroup
	all.Go(func() { first, _ = w.ask(shop, "k", "b", did) })
	<-running
	if _, err := w.ask(shop, "k", "b", did); !errors.Is(err, ErrRuns) {
		t.Errorf("while it runs: %v", err)
	}
	close(end)
	all.Wait()
	if rec, err := w.ask(shop, "k", "b", did); err != nil || rec.Body.String() != first.Body.String() || did.n != 1 {
		t.Errorf("afterwards: %q, %v, done %d times", rec.Body, err, did.n)
	}
}

// What failed may be sent again; what was refused is refused again.
func TestOnceAfterFailures(t *testing.T) {
	for status, again := range map[int]int{200: 1, 201: 1, 400: 1, 404: 1, 409: 2, 429: 2, 500: 2, 503: 2} {
		w := newWorld(t)
		did := &acts{status: status}
		for range 2 {
			if rec, err := w.ask(shop, "k", "b", did); err != nil || rec.Code != status {
				t.Errorf("%d: %d, %v", status, rec.Code, err)
			}
		}
		if did.n != again {
			t.Errorf("%d: done %d times", status, did.n)
		}
	}
}

// A request of which nothing is heard any more is not refused for ever.
func TestOnceAfterACrash(t *testing.T) {
	w := newWorld(t)
	did := &acts{before: func() { panic("crash") }}
	func() {
		defer func() { _ = recover() }()
		_, _ = w.ask(shop, "k", "b", did)
	}()
	did.before = nil
	if rec, err := w.ask(shop, "k", "b", did); err != nil || rec.Code != 200 {
		t.Errorf("after a panic: %v", err)
	}
	// As after kill -9: it runs and nobody ends it.
	ask := Ask{Caller: shop, Name: "k2", Method: "POST", Target: "/api/v1/suppressions?list=a"}
	if _, _, err := w.Begin(context.Background(), ask); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	if _, _, err := w.Begin(context.Background(), ask); !errors.Is(err, ErrRuns) {
		t.Errorf("right after: %v", err)
	}
	w.clock = start.Add(MaxRun + time.Second)
	if a, before, err := w.Begin(context.Background(), ask); err != nil || before != nil || a == nil {
		t.Errorf("when it has certainly ended: %v", err)
	}
}

func TestOnceWithALongAnswer(t *testing.T) {
	w := newWorld(t)
	did := &acts{size: maxAnswer}
	if rec, err := w.ask(shop, "k", "b", did); err != nil || rec.Body.Len() != maxAnswer+3 {
		t.Errorf("%d bytes, %v", rec.Body.Len(), err)
	}
	if _, err := w.ask(shop, "k", "b", did); !errors.Is(err, ErrTooLong) || did.n != 1 {
		t.Errorf("again: %v, done %d times", err, did.n)
	}
	secret := &acts{}
	for i, want := range []error{nil, ErrTooLong} {
		r := httptest.NewRequest("POST", "/api/v1/apikeys", nil)
		r.Header.Set(Field, "s")
		err := w.Once(httptest.NewRecorder(), r.WithContext(With(r.Context(), shop)), Rule{MaxBody: 10, Secret: true}, secret)
		if !errors.Is(err, want) || secret.n != 1 {
			t.Errorf("secret answer, time %d: %v, done %d times", i+1, err, secret.n)
		}
	}
	var tooLarge *http.MaxBytesError
	if _, err := w.ask(shop, "k2", strings.Repeat("b", 1001), did); !errors.As(err, &tooLarge) {
		t.Errorf("a body that is too large: %v", err)
	}
}

// A file is read once, while it is taken, and one that is sent again is compared
// without being kept.
func TestOnceWithAFile(t *testing.T) {
	w := newWorld(t)
	did := &acts{}
	send := func(name, body string, next http.Handler) (string, error) {
		r := httptest.NewRequest("POST", "/api/v1/imports", strings.NewReader(body))
		r.Header.Set(Field, name)
		rec := httptest.NewRecorder()
		err := w.Once(rec, r.WithContext(With(r.Context(), shop)), Rule{MaxBody: 1 << 20, Stream: true}, next)
		return rec.Body.String(), err
	}
	file := strings.Repeat("ada@x.example\n", 1000)
	for range 2 {
		if text, err := send("k", file, did); err != nil || text != "1 "+file {
			t.Errorf("%d bytes, %v", len(text), err)
		}
	}
	if _, err := send("k", file+"bob@x.example", did); !errors.Is(err, ErrOther) || did.n != 1 {
		t.Errorf("another file: %v, done %d times", err, did.n)
	}
	var tooLarge *http.MaxBytesError
	if _, err := send("k", strings.Repeat("x", 2<<20), did); !errors.As(err, &tooLarge) {
		t.Errorf("a file that is too large: %v", err)
	}
	// What is refused half way is not known, so it may be sent again.
	refused := 0
	half := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refused++
		_, _ = io.ReadFull(r.Body, make([]byte, 10))
		w.WriteHeader(http.StatusBadRequest)
	})
	for range 2 {
		if _, err := send("k2", file, half); err != nil {
			t.Error(err)
		}
	}
	if refused != 2 {
		t.Errorf("refused %d times", refused)
	}
}

// Nothing of a request can be read in the data: neither who it is about, nor its
// name.
func TestRequestsAreSealed(t *testing.T) {
	w := newWorld(t)
	if _, err := w.ask(shop, "order-ada", "ada@x.example", &acts{}); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(w.dir, "*.db*"))
	if len(files) < 2 {
		t.Fatalf("files %q", files)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"ada@x", "order-ada", "/api/v1/suppressions"} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s has %q", filepath.Base(file), secret)
			}
		}
	}
}
