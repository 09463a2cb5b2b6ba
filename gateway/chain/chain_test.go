package chain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/callout"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/gateway/outbox"
	"offramp/store"
	"offramp/store/sqlite"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call is what an application got.
type call struct {
	Method, Path, Type, Body string
	Odd                      []string // fields it should not have got
}

// application is a sender's own system.
type application struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(w http.ResponseWriter, r *http.Request) // nil: 200
}

func newApplication(t *testing.T) *application {
	a := new(application)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		one := call{Method: r.Method, Path: r.URL.RequestURI(), Type: r.Header.Get("Content-Type"), Body: string(body)}
		for _, name := range []string{"Cookie", "Authorization", "Referer"} {
			if r.Header.Get(name) != "" {
				one.Odd = append(one.Odd, name)
			}
		}
		a.mu.Lock()
		a.calls = append(a.calls, one)
		answer := a.answer
		a.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *application) taken() []call {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.calls
	a.calls = nil
	return all
}

func (a *application) answers(code int, header ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// house is a chain with the rooms around it and a real store.
type house struct {
	*Chain
	t      *testing.T
	memory *Memory
	people *consent.Consent
	db     *sqlite.DB
	now    time.Time
	after  int64 // the last event that was sent
}

func newHouse(t *testing.T, allowed ...string) *house {
	t.Helper()
	h := &house{t: t, now: time.Now()}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: filepath.Join(t.TempDir(), "data"), PersonKey: make([]byte, 32)})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	targets, err := callout.ParseTargets(allowed)
	must(t, err)
	sender, err := envelope.Parse("privacy@sender.example")
	must(t, err)
	h.db = db
	c := db.Consent()
	h.people = &consent.Consent{Store: c, Records: c, Turns: c, Lists: c, Now: func() time.Time { return h.now }}
	own := Own{Host: "out.example.org", Domain: "out.example.org"}
	h.memory = &Memory{Targets: c, Own: own, Stats: new(Stats)}
	h.Chain = &Chain{
		Targets: c, Records: c, Events: c, Caller: &callout.Client{Targets: targets}, Own: own, Spool: db.Spool(),
		Writer: Writer{Sender: sender}, Now: func() time.Time { return h.now }, Stats: h.memory.Stats,
	}
	return h
}

func parse(t testing.TB, s string) envelope.Address {
	t.Helper()
	a, err := envelope.Parse(s)
	must(t, err)
	return a
}

// mail has a message of a list to some people accepted.
func (h *house) mail(list, header string, to ...string) {
	h.t.Helper()
	var all []envelope.Recipient
	for _, one := range to {
		all = append(all, envelope.Recipient{Address: parse(h.t, one)})
	}
	fields := mime.ParseHeader([]byte(header + "\r\n\r\n")).Fields()
	must(h.t, h.memory.Remember(h.t.Context(), &store.Message{List: list, Received: h.now}, fields, all))
}

func oneClick(uri string) string {
	return "List-Unsubscribe: <" + uri + ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click"
}

func (h *house) optOut(who, list string, way store.Way) {
	h.t.Helper()
	_, err := h.people.OptOut(h.t.Context(), consent.Subject{Recipient: parse(h.t, who), List: list}, way, consent.Evidence{})
	must(h.t, err)
}

// send sends the events that are not done, as the outbox does.
func (h *house) send() error {
	h.t.Helper()
	events, err := h.Events.Events(h.t.Context(), store.EventFilter{After: h.after})
	must(h.t, err)
	var faults []error
	for _, e := range events {
		n, err := h.Chain.Send(h.t.Context(), []store.Event{e})
		if (err == nil) != (n == 1) {
			h.t.Fatalf("%d done, %v", n, err)
		}
		if err == nil && faults == nil {
			h.after = e.ID
		}
		var f *outbox.Failure
		if err != nil && (!errors.As(err, &f) || !f.Apart) {
			h.t.Errorf("holds up others: %v", err)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// told are the events that say what became of calls.
func (h *house) told() (all []string) {
	h.t.Helper()
	events, err := h.Events.Events(h.t.Context(), store.EventFilter{Kinds: []store.EventKind{store.EventNotified, store.EventNotNotified}})
	must(h.t, err)
	for _, e := range events {
		if e.Ref == 0 || e.Recipient == "" {
			h.t.Errorf("event without what it is about: %+v", e)
		}
		all = append(all, fmt.Sprintf("%s %s: %s", e.Kind, e.List, e.Detail))
	}
	return all
}

func (h *house) want(what string, got, want any) {
	h.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// A one-click URL is called as RFC 8058 section 3.2 says, once, and the ledger
// says by whom it was taken and nothing of the URL but its host.
func TestOneClick(t *testing.T) {
	a := newApplication(t)
	h := newHouse(t, a.URL)
	h.mail("news", oneClick(a.URL+"/u/1?x=secret"), "ada@b.example")
	h.mail("news", oneClick(a.URL+"/u/2?x=secret"), "ada@b.example")
	h.mail("offers", oneClick(a.URL+"/u/3"), "ada@b.example")
	h.mail("news", oneClick(a.URL+"/u/4"), "bob@b.example")
	must(t, h.send())
	if got := a.taken(); len(got) != 0 {
		t.Fatalf("called without an opt-out: %+v", got)
	}
	h.optOut("Ada@b.example", "news", store.OneClick)
	must(t, h.send())
	post := func(path string) call {
		return call{Method: "POST", Path: path, Type: "application/x-www-form-urlencoded", Body: "List-Unsubscribe=One-Click"}
	}
	h.want("calls", a.taken(), []call{post("/u/2?x=secret")}) // the newest one
	h.want("events", h.told(), []string{"notified news: " + a.URL + ": POST answered 200 OK"})
	h.after = 0 // all of it comes again
	must(t, h.send())
	h.want("calls", a.taken(), []call(nil))

	h.optOut("ada@b.example", store.AllLists, store.Page)
	must(t, h.send())
	h.want("calls", a.taken(), []call{post("/u/2?x=secret"), post("/u/3")})
	if n := h.Stats.Posted.Load(); n != 3 {
		t.Errorf("%d counted", n)
	}
}

// What the sender's own system reported is not told to it, and a complaint is.
func TestWhatIsPassedOn(t *testing.T) {
	a := newApplication(t)
	h := newHouse(t, a.URL)
	for _, who := range []string{"ada", "bob", "eve", "fay"} {
		h.mail("news", oneClick(a.URL+"/"+who), who+"@b.example")
	}
	h.optOut("ada@b.example", "news", store.Operator)
	_, err := h.people.Complained(t.Context(), consent.Complaint{
		Subject: consent.Subject{Recipient: parse(t, "bob@b.example"), List: "news"}, Kind: "abuse", Stops: true, Way: store.Mail}, consent.Evidence{})
	must(t, err)
	_, err = h.people.Suppress(t.Context(), consent.Stop{Subject: consent.Subject{Recipient: parse(t, "eve@b.example")}, Reason: store.ReasonManual}, consent.Evidence{})
	must(t, err)
	// Taken back before it was passed on.
	h.optOut("fay@b.example", "news", store.Page)
	_, err = h.people.Resubscribe(t.Context(), consent.Subject{Recipient: parse(t, "fay@b.example"), List: "news"}, store.Confirmed, consent.Evidence{})
	must(t, err)
	must(t, h.send())
	var paths []string
	for _, one := range a.taken() {
		paths = append(paths, one.Path)
	}
	h.want("calls", paths, []string{"/bob"})
}

// A target that fails is called again, one that is gone is not, and neither holds
// up what is told to others.
func TestFailures(t *testing.T) {
	a, sick, gone, moved, vanished := newApplication(t), newApplication(t), newApplication(t), newApplication(t), newApplication(t)
	sick.answers(503)
	gone.answers(410)
	moved.answers(302, "Location", a.URL+"/redirected")
	address := vanished.URL
	vanished.Close()
	h := newHouse(t, a.URL, sick.URL, gone.URL, moved.URL, address)
	for who, url := range map[string]string{"b": sick.URL, "c": gone.URL, "d": moved.URL, "e": address, "f": a.URL, "g": "http://127.0.0.1:1", "h": "https://169.254.169.254"} {
		h.mail("news", oneClick(url+"/"+who), who+"@b.example")
	}
	for _, who := range []string{"b", "c", "d", "e", "f", "g", "h"} {
		h.optOut(who+"@b.example", "news", store.OneClick)
	}
	h.mail("news", oneClick(sick.URL+"/i"), "i@b.example")
	h.optOut("i@b.example", "news", store.OneClick)
	if err := h.send(); err == nil {
		t.Fatal("the one that fails is not called again")
	}
	if n := len(sick.taken()); n != 1 {
		t.Errorf("%d calls of one that fails, want 1 in each round", n)
	}
	h.want("calls", a.taken(), []call{{Method: "POST", Path: "/f", Type: "application/x-www-form-urlencoded", Body: "List-Unsubscribe=One-Click"}})
	want := []string{
		"not-notified news: " + gone.URL + ": POST answered 410 Gone",
		"not-notified news: " + moved.URL + ": POST answered 302 Found",
		"notified news: " + a.URL + ": POST answered 200 OK",
		"not-notified news: http://127.0.0.1:1: may not be called: the URL must begin with https, or its origin be in OFFRAMP_CALLOUT_TARGETS",
		"not-notified news: https://169.254.169.254: may not be called: 169.254.169.254 is no public address",
	}
	got := h.told()
	for i := range got {
		if strings.Contains(got[i], "169.254") {
			got[i] = want[4] // what exactly is wrong with the address is for package callout to say
		}
	}
	h.want("events", got, want)

	sick.answers(200)
	h.now = h.now.Add(restFor)
	if err := h.send(); err == nil {
		t.Fatal("the one that vanished is not called again")
	}
	if n := len(sick.taken()); n != 2 {
		t.Errorf("%d calls of the one that is back, want 2", n)
	}
	h.want("calls", a.taken(), []call(nil))

	known := h.now
	h.now = h.now.Add(GiveUp)
	h.Sure = func() time.Time { return known }
	if err := h.send(); err == nil {
		t.Fatal("given up by a clock that is wrong")
	}
	h.now, h.Sure = h.now.Add(restFor), nil
	must(t, h.send())
	last := h.told()
	if text := last[len(last)-1]; !strings.HasPrefix(text, "not-notified news: "+address+": no success within 24h0m0s: ") {
		t.Errorf("given up: %s", text)
	}
	if n := h.Stats.NotNotified.Load(); n < 5 {
		t.Errorf("%d counted", n)
	}
}

// What is remembered, and what is not.
func TestRemember(t *testing.T) {
	h := newHouse(t)
	remembered := func(who string) string {
		t.Helper()
		all, err := h.Targets.TargetsOf(t.Context(), who, "news")
		must(t, err)
		if len(all) == 0 {
			return ""
		}
		return all[0].URI
	}
	for i, c := range []struct {
		header string
		to     []string
		want   string
	}{
		{oneClick("https://a.example/u"), []string{"%s"}, "https://a.example/u"},
		{oneClick("https://a.example/u"), []string{"%s", "other@b.example"}, ""},
		{"List-Unsubscribe: <https://a.example/page>", []string{"%s"}, ""},
		{"List-Unsubscribe: <mailto:leave@a.example?subject=x>", []string{"%s"}, "mailto:leave@a.example?subject=x"},
		{"list-unsubscribe: (or)\r\n <https://a.example/\r\n u>\r\nLIST-UNSUBSCRIBE-POST: List-Unsubscribe=One-Click", []string{"%s"}, "https://a.example/u"},
		{oneClick("https://OUT.example.org/u/token"), []string{"%s"}, ""},
		{oneClick("https://out.example.org.:443/u/token"), []string{"%s"}, ""},
		{"List-Unsubscribe: <mailto:u%2Btoken@OUT.example.org>", []string{"%s"}, ""},
		{oneClick("https://a.example/" + strings.Repeat("x", 2000)), []string{"%s"}, ""},
		{"Subject: x", []string{"%s"}, ""},
	} {
		who := fmt.Sprintf("p%d@b.example", i)
		for n := range c.to {
			c.to[n] = strings.ReplaceAll(c.to[n], "%s", who)
		}
		h.mail("news", c.header, c.to...)
		if got := remembered(who); got != c.want {
			t.Errorf("%q to %v: %q, want %q", c.header, c.to, got, c.want)
		}
	}
	if got := remembered("other@b.example"); got != "" {
		t.Errorf("%q is remembered of a message to several", got)
	}
	s := h.memory.Stats
	h.want("counts", []int64{s.Remembered.Load(), s.Shared.Load(), s.Unfit.Load(), s.Circles.Load()}, []int64{3, 1, 2, 3})
}

// An erasure takes targets along, and nothing is called for it.
func TestErased(t *testing.T) {
	a := newApplication(t)
	h := newHouse(t, a.URL)
	h.mail("news", oneClick(a.URL+"/u"), "ada@b.example")
	h.optOut("ada@b.example", "news", store.Page)
	must(t, h.people.Erase(t.Context(), parse(t, "ada@b.example"), store.Page, consent.Evidence{}))
	must(t, h.send())
	h.want("calls", a.taken(), []call(nil))
	h.mail("news", oneClick(a.URL+"/u"), "ada@b.example")
	all, err := h.Targets.TargetsOf(t.Context(), "ada@b.example", store.AllLists)
	must(t, err)
	if len(all) != 0 {
		t.Errorf("kept %+v", all)
	}
}

// failing is a store that fails.
type failing struct{ Targets }

func (failing) KeepTargets(context.Context, ...store.Target) error {
	return store.ErrUnavailable
}

// Mail is not accepted while its target cannot be kept.
func TestNotKept(t *testing.T) {
	h := newHouse(t)
	h.memory.Targets = failing{}
	fields := mime.ParseHeader([]byte(oneClick("https://a.example/") + "\r\n\r\n")).Fields()
	err := h.memory.Remember(t.Context(), &store.Message{List: "news", Received: h.now}, fields, []envelope.Recipient{{Address: parse(t, "a@b.example")}})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
