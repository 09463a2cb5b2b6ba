package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"offramp/gateway/consent"
	"offramp/listunsub"
	"offramp/store"
)

var optedOut = []string{"unsubscribed " + ada + " " + news + " one-click"}

func TestEveryClientsBodyOptsOut(t *testing.T) {
	for _, b := range bodies(t) {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			path := w.link(listunsub.HeaderLink)
			for n := range 2 { // a repeat is a success
				res := w.send(b.request(path))
				if got := text(t, res); res.StatusCode != 200 || got != "You are unsubscribed. No more mail from this list will be sent to you.\n" {
					t.Fatalf("request %d (%s): %s %q", n, b.reason, res.Status, got)
				}
				if ct := res.Header.Get("Content-Type"); ct != typeText {
					t.Errorf("content type %q", ct)
				}
			}
			if got := w.made(); !slices.Equal(got, optedOut) {
				t.Errorf("changes %q, want %q", got, optedOut)
			}
			program := cmp.Or(b.header.Get("User-Agent"), agent)
			if e := w.events[0]; e.IP != client || e.UserAgent != program {
				t.Errorf("evidence %q %q, want %q %q", e.IP, e.UserAgent, client, program)
			}
			if a, b := w.site.Stats.OneClick.Load(), w.site.Stats.OneClickRepeated.Load(); a != 1 || b != 1 {
				t.Errorf("counted %d recorded and %d repeated", a, b)
			}
		})
	}
}

// What a mail program posts to a link out of a body is not an opt-out.
func TestBodyLinkNeverActsAlone(t *testing.T) {
	for _, b := range bodies(t) {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			res := w.send(b.request(w.link(listunsub.BodyLink)))
			if got := text(t, res); res.StatusCode != 400 || !strings.Contains(got, "Use the buttons on this page") {
				t.Errorf("%s %q", res.Status, got)
			}
			if got := w.made(); len(got) != 0 {
				t.Errorf("changes %q", got)
			}
		})
	}
}

func TestBodyThatBreaksOffStillOptsOut(t *testing.T) {
	w := newWorld(t)
	r := request("POST", w.link(listunsub.HeaderLink), "application/x-www-form-urlencoded",
		io.MultiReader(strings.NewReader("List-Unsub"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if res := w.send(r); res.StatusCode != 200 {
		t.Errorf("%s", res.Status)
	}
	if got := w.made(); !slices.Equal(got, optedOut) {
		t.Errorf("changes %q", got)
	}
}

// Nothing but a POST changes anything, whatever it carries.
func TestOtherMethodsChangeNothing(t *testing.T) {
	want := map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "PUT": 405, "PATCH": 405, "DELETE": 405, "TRACE": 405, "CONNECT": 405, "post": 405, "BREW": 405}
	for method, status := range want {
		for _, p := range []listunsub.Purpose{listunsub.HeaderLink, listunsub.BodyLink} {
			t.Run(fmt.Sprintf("%s %c", method, p), func(t *testing.T) {
				w := newWorld(t)
				r := request(method, w.link(p), "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
				r.URL.RawQuery = "List-Unsubscribe=One-Click"
				res := w.send(r)
				body := text(t, res)
				if res.StatusCode != status {
					t.Errorf("status %s, want %d", res.Status, status)
				}
				if method == "HEAD" && (body != "" || res.Header.Get("Content-Length") == "0") {
					t.Errorf("HEAD: %d octets, Content-Length %q", len(body), res.Header.Get("Content-Length"))
				}
				if allow := res.Header.Get("Allow"); (status == 204 || status == 405) != (allow == linkMethods) {
					t.Errorf("Allow %q with %d", allow, status)
				}
				if got := w.made(); len(got) != 0 {
					t.Errorf("changes %q", got)
				}
			})
		}
	}
}

// A wrong link gets one answer, whatever is wrong with it and whatever is
// stored about the person.
func TestWrongTokens(t *testing.T) {
	w := newWorld(t)
	w.site.InvalidPerMinute = 0
	w.build()
	good := strings.TrimPrefix(w.link(listunsub.HeaderLink), "/u/")
	other, err := listunsub.ParseKeyRing(listunsub.NewKey() + "")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Seal(listunsub.Claims{List: news, Recipient: "eve@example.com", Issued: start, Purpose: listunsub.HeaderLink})
	if err != nil {
		t.Fatal(err)
	}
	tokens := []string{
		"", "x", "/", "..", "../u/" + good, strings.Repeat("A", 4000), good[:len(good)-1], good[1:], good + "A", "A" + good,
		"x/" + good, "%" + good, "\x00", "ä", "ä" + good, good[:20] + "/" + good[20:], good[:20] + "." + good[20:],
		strings.TrimPrefix(w.link(listunsub.BodyLink), "/p/"), // another purpose
	}
	if other.Verify(w.ring.MAC("x"), "x") {
		t.Log("rings share a key: the foreign token is not tried")
	} else {
		tokens = append(tokens, foreign)
	}
	for i := range good {
		for bit := range 8 {
			b := []byte(good)
			b[i] ^= 1 << bit
			tokens = append(tokens, string(b))
		}
	}
	var first string
	for _, token := range tokens {
		for _, method := range []string{"POST", "GET"} {
			res := w.send(request(method, "/u/"+token, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click")))
			got := text(t, res)
			if method == "POST" {
				if first == "" {
					first = got
				}
				if got != first {
					t.Fatalf("%q: answer %q differs from %q", token, got, first)
				}
			}
			if res.StatusCode != 404 {
				t.Fatalf("%s %q: %s", method, token, res.Status)
			}
		}
	}
	if got := w.made(); len(got) != 0 {
		t.Errorf("changes %q", got)
	}
	if !strings.Contains(first, "Unsubscribe button of your mail app") {
		t.Errorf("the answer does not help: %q", first)
	}
}

// A token that names nobody or nothing is not an opt-out, and least of all one
// from everything.
func TestTokenWithoutSubject(t *testing.T) {
	for name, c := range map[string]listunsub.Claims{
		"no list":      {Recipient: ada},
		"no recipient": {List: news},
		"no address":   {List: news, Recipient: "ada"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.site.Tokens = opened{w.ring, c}
			w.build()
			if res := w.send(request("POST", "/u/x", "", nil)); res.StatusCode != 404 || len(w.made()) > 0 {
				t.Errorf("%s, changes %q", res.Status, w.made())
			}
		})
	}
}

// opened is a key ring for which every token says the same.
type opened struct {
	*listunsub.KeyRing
	claims listunsub.Claims
}

func (o opened) Open(string, listunsub.Purpose) (listunsub.Claims, error) { return o.claims, nil }

func TestFloodOfWrongTokensIsThrottled(t *testing.T) {
	w := newWorld(t)
	count := map[int]int{}
	send := func(addr, path string) int {
		r := request("POST", path, "", nil)
		r.RemoteAddr = addr
		res := w.send(r)
		if res.StatusCode == 429 && res.Header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		return res.StatusCode
	}
	for range 100 {
		count[send("[2001:db8::1]:1", "/u/wrong")]++
	}
	if count[404] != 60 || count[429] != 40 {
		t.Errorf("answers %v, want 60 of 404 and 40 of 429", count)
	}
	if got := send("[2001:db8::ffff:2]:1", "/u/wrong"); got != 429 {
		t.Errorf("same /64: %d", got)
	}
	if got := send("[2001:db8:0:1::1]:1", "/u/wrong"); got != 404 {
		t.Errorf("another network: %d", got)
	}
	for range 200 {
		if got := send("[2001:db8::1]:1", w.link(listunsub.HeaderLink)); got != 200 {
			t.Fatalf("valid link throttled: %d", got)
		}
	}
	w.pass(61e9)
	if got := send("[2001:db8::1]:1", "/u/wrong"); got != 404 {
		t.Errorf("a minute later: %d", got)
	}
}

// Whatever goes wrong inside, the client is told to come again, and learns
// nothing about it.
func TestStoreTrouble(t *testing.T) {
	secret := "disk I/O error at /var/lib/offramp"
	for name, err := range map[string]error{
		"unavailable": fmt.Errorf("%w: %s", store.ErrUnavailable, secret),
		"full":        fmt.Errorf("%w: %s", store.ErrFull, secret),
		"unknown":     errors.New(secret),
		"deadline":    fmt.Errorf("%s: %w", secret, context.DeadlineExceeded),
	} {
		for _, c := range []struct{ method, path, accept string }{
			{"POST", "u", ""}, {"POST", "u", "text/html"}, {"GET", "u", ""}, {"GET", "p", ""}, {"POST", "p", ""},
		} {
			t.Run(name+" "+c.method+" "+c.path+" "+c.accept, func(t *testing.T) {
				w := newWorld(t)
				w.err = err
				r := request(c.method, w.link(listunsub.Purpose(c.path[0])), "", nil)
				r.Header.Set("Accept", c.accept)
				res := w.send(r)
				got := text(t, res)
				if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || strings.Contains(got, "disk") {
					t.Errorf("%s, Retry-After %q, %q", res.Status, res.Header.Get("Retry-After"), got)
				}
				if !strings.Contains(w.log.String(), secret) {
					t.Error("the cause is not in the log")
				}
			})
		}
	}
}

// A client that stops waiting still wants to be off the list.
func TestOptOutSurvivesItsClient(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.hook = func(c context.Context) {
		cancel()
		if _, ok := c.Deadline(); !ok {
			t.Error("the change has no deadline")
		}
	}
	if res := w.send(request("POST", w.link(listunsub.HeaderLink), "", nil).WithContext(ctx)); res.StatusCode != 200 {
		t.Errorf("%s", res.Status)
	}
	if got := w.made(); !slices.Equal(got, optedOut) {
		t.Errorf("changes %q", got)
	}
}

// An opt-out that is on disk while mail is still being started is not a success
// yet, but it is recorded.
func TestOptOutThatDidNotSettle(t *testing.T) {
	w := newWorld(t)
	w.site.Consent = unsettled{w.site.Consent}
	w.build()
	if res := w.send(request("POST", w.link(listunsub.HeaderLink), "", nil)); res.StatusCode != 503 {
		t.Errorf("%s", res.Status)
	}
	if n := w.site.Stats.OneClick.Load(); n != 1 {
		t.Errorf("%d opt-outs counted", n)
	}
	if !strings.Contains(w.log.String(), "msg=opt-out") {
		t.Error("the opt-out is not in the log")
	}
}

type unsettled struct{ Consent }

func (u unsettled) OptOut(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (bool, error) {
	changed, err := u.Consent.OptOut(ctx, s, way, ev)
	return changed, errors.Join(err, context.DeadlineExceeded)
}

func TestPanicIsAnswered(t *testing.T) {
	w := newWorld(t)
	w.hook = func(context.Context) { panic("secret state") }
	res := w.send(request("POST", w.link(listunsub.HeaderLink), "", nil))
	if got := text(t, res); res.StatusCode != http.StatusServiceUnavailable || strings.Contains(got, "secret") {
		t.Errorf("%s %q", res.Status, got)
	}
	if !strings.Contains(w.log.String(), "secret state") {
		t.Error("the panic is not in the log")
	}
}

func TestLogHoldsNoTokenAndNoAddress(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	w.send(request("POST", path, "", nil))
	w.send(request("POST", path+"x", "", nil))
	got := w.log.String()
	if n := strings.Count(got, "level=INFO"); n != 1 {
		t.Errorf("%d lines for one opt-out:\n%s", n, got)
	}
	if strings.Contains(got, path[3:23]) || strings.Contains(got, ada) {
		t.Errorf("log names token or address:\n%s", got)
	}
}
