package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/gateway/callout"
	"offramp/gateway/outbox"
	"offramp/gateway/record"
	"offramp/store"
	"offramp/store/sqlite"
)

var update = flag.Bool("update", false, "write the golden files")

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// request is what a receiver got.
type request struct {
	method, path, query, user, password string
	header                              http.Header
	body                                []byte
}

// site is a receiver.
type site struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r request) // nil: 200

	mu  sync.Mutex
	got []request
}

func newSite(t *testing.T) *site {
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r := request{method: q.Method, path: q.URL.Path, query: q.URL.RawQuery, header: q.Header, body: body}
		r.user, r.password, _ = q.BasicAuth()
		s.mu.Lock()
		s.got = append(s.got, r)
		s.mu.Unlock()
		if s.answer != nil {
			s.answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) last(t *testing.T) request {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) == 0 {
		t.Fatal("nothing was sent")
	}
	return s.got[len(s.got)-1]
}

// sender may call the site, and nothing else that is private.
func (s *site) sender(t *testing.T, now func() time.Time) *Sender {
	t.Helper()
	targets, err := callout.ParseTargets([]string{s.URL})
	must(t, err)
	return &Sender{Client: func() *callout.Client { return &callout.Client{Targets: targets} }, Agent: "offramp", Now: now}
}

func (s *site) receiver(t *testing.T, set Settings, now func() time.Time) *receiver {
	t.Helper()
	if set.URL == "" {
		set.URL = s.URL + "/hook"
	}
	r, err := s.sender(t, now).open(set.Text())
	must(t, err)
	return r
}

var noon = time.Date(2026, 11, 29, 12, 0, 0, 123456000, time.UTC)

func atNoon() time.Time { return noon }

func event(id int64, kind store.EventKind, change func(*store.Event)) store.Event {
	e := store.Event{
		ID: id, Time: noon.Add(-time.Minute), Kind: kind, Recipient: "ada@example.net", List: "news.example.org", Way: store.OneClick,
		MessageID: "<m1@example.org>", IP: "192.0.2.1", UserAgent: "Gmail",
	}
	if change != nil {
		change(&e)
	}
	return e
}

// events are one of each kind that a format may know.
func events() []store.Event {
	all := func(e *store.Event) { e.List = store.AllLists }
	reason := func(r store.Reason, detail string) func(*store.Event) {
		return func(e *store.Event) { e.Reason, e.Detail, e.Way = r, detail, store.Delivery }
	}
	return []store.Event{
		event(1, store.EventUnsubscribed, nil), event(2, store.EventUnsubscribed, all), event(3, store.EventResubscribed, nil), event(4, store.EventResubscribed, all),
		event(5, store.EventPaused, func(e *store.Event) { e.Detail = "2026-12-24" }), event(6, store.EventSuppressed, reason(store.ReasonBounced, "550 5.1.1 no such user")),
		event(7, store.EventSuppressed, reason(store.ReasonComplained, "abuse")), event(8, store.EventSuppressed, reason(store.ReasonManual, "")),
		event(9, store.EventUnsuppressed, reason(store.ReasonManual, "")), event(10, store.EventBounced, reason("", "452 4.2.2 over quota")),
		event(11, store.EventComplained, reason("", "abuse")), event(12, store.EventDropped, reason(store.ReasonUnsubscribed, "")),
		event(13, store.EventFailed, reason("", "550 no")), event(14, store.EventSharingRefused, all), event(15, store.EventErased, func(e *store.Event) { e.Recipient = "~hash" }),
		event(16, store.EventUnsubscribed, func(e *store.Event) { e.Recipient = "~hash" }), event(17, store.EventSuppressed, func(e *store.Event) { e.Recipient, e.Reason = "@example.com", store.ReasonManual }),
	}
}

// What each format is sent is in testdata, one line for each call.
func TestFormats(t *testing.T) {
	for _, f := range Formats() {
		t.Run(string(f), func(t *testing.T) {
			s := newSite(t)
			secret, _, err := f.newSecret(counting{})
			must(t, err)
			r := s.receiver(t, Settings{Format: f, Secrets: []Secret{{Value: secret}}}, atNoon)
			r.Random = counting{}
			done, err := r.Send(t.Context(), events())
			if err != nil || done != len(events()) {
				t.Fatalf("%d done, %v", done, err)
			}
			var lines bytes.Buffer
			for _, got := range s.got {
				if got.header.Get("Content-Type") != "application/json" || got.header.Get("User-Agent") != "offramp" || got.method != "POST" {
					t.Errorf("%s %v", got.method, got.header)
				}
				if bytes.Contains(got.body, []byte("192.0.2.1")) || bytes.Contains(got.body, []byte("Gmail")) {
					t.Error("evidence left")
				}
				fmt.Fprintf(&lines, "%s %s\n", got.path, got.body)
			}
			golden(t, filepath.Join("testdata", string(f)+".txt"), lines.Bytes())
		})
	}
}

// counting is no source of random bytes.
type counting struct{}

func (counting) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i)
	}
	return len(b), nil
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		must(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// Signatures are those of Standard Webhooks, by its own library.
func TestStandardSignature(t *testing.T) {
	s := newSite(t)
	now := time.Now()
	clock := func() time.Time { return now }
	secret, shown, err := Standard.newSecret(counting{})
	must(t, err)
	old := "whsec_" + "b2xkIHNlY3JldCBvZiAyNCBieXRlcyEhIQ=="
	r := s.receiver(t, Settings{Secrets: []Secret{{Value: secret}, {Value: old, Ends: now.Add(time.Hour)}}}, clock)
	verify := func(secret string) error {
		wh, err := standardwebhooks.NewWebhook(secret)
		must(t, err)
		got := s.last(t)
		return wh.Verify(got.body, got.header)
	}
	send := func() {
		_, err := r.Send(t.Context(), []store.Event{event(1, store.EventUnsubscribed, nil)})
		must(t, err)
	}
	send()
	for _, one := range []string{shown, old} {
		if err := verify(one); err != nil {
			t.Errorf("during the overlap: %v", err)
		}
	}
	if err := verify("whsec_" + "bm90IHRoZSBzZWNyZXQgYXQgYWxsISEhISEh"); err == nil {
		t.Error("verified with another secret")
	}
	s.got[0].body[20] ^= 1
	if err := verify(shown); err == nil {
		t.Error("verified after it was changed")
	}
	now = now.Add(61 * time.Minute)
	send()
	if err := verify(old); err == nil {
		t.Error("signed with a secret whose time has ended")
	}
}

// The id is that of the event, for each attempt and each receiver, and another one for
// another event with its number.
func TestIDs(t *testing.T) {
	s := newSite(t)
	secret, _, err := Standard.newSecret(counting{})
	must(t, err)
	now := noon
	r := s.receiver(t, Settings{Secrets: []Secret{{Value: secret}}}, func() time.Time { return now })
	e := event(1, store.EventUnsubscribed, nil)
	seen := map[string]bool{}
	for range 3 {
		now = now.Add(time.Hour)
		_, err := r.Send(t.Context(), []store.Event{e})
		must(t, err)
		seen[s.last(t).header.Get("webhook-id")] = true
	}
	if len(seen) != 1 {
		t.Errorf("ids %v", seen)
	}
	e.Time = e.Time.Add(time.Microsecond)
	if seen[idOf(e)] {
		t.Error("another event has its id")
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status  int
		header  map[string]string
		ok      bool
		refused bool
		after   time.Duration
	}{
		{status: 200, ok: true}, {status: 204, ok: true}, {status: 301}, {status: 307}, {status: 400, refused: true}, {status: 401}, {status: 403}, {status: 404}, {status: 408},
		{status: 410}, {status: 413, refused: true}, {status: 422, refused: true}, {status: 429, header: map[string]string{"Retry-After": "120"}, after: 2 * time.Minute},
		{status: 500}, {status: 503, header: map[string]string{"Retry-After": "-5"}}, {status: 503, header: map[string]string{"Retry-After": "99999999999999999999"}},
		{status: 503, header: map[string]string{"Retry-After": "Sun, 29 Nov 2026 12:05:00 GMT", "Date": "Sun, 29 Nov 2026 12:00:00 GMT"}, after: 5 * time.Minute},
	} {
		s := newSite(t)
		s.answer = func(w http.ResponseWriter, _ request) {
			for name, value := range c.header {
				w.Header().Set(name, value)
			}
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(c.status)
			if c.status != 204 && c.status/100 != 1 {
				io.WriteString(w, "no mailbox ada@example.net")
			}
		}
		r := s.receiver(t, Settings{Format: Postmark}, atNoon)
		done, err := r.Send(t.Context(), []store.Event{event(1, store.EventUnsubscribed, nil), event(2, store.EventUnsubscribed, nil)})
		if (err == nil) != c.ok || (done == 2) != c.ok {
			t.Errorf("%d: %d done, %v", c.status, done, err)
		}
		if c.ok {
			continue
		}
		var f *outbox.Failure
		if !errors.As(err, &f) || f.Refused != c.refused || f.After != c.after || strings.Contains(f.Text, "ada") {
			t.Errorf("%d: %+v", c.status, f)
		}
		if len(s.got) != 1 {
			t.Errorf("%d: %d calls", c.status, len(s.got))
		}
	}
}

func TestListmonkBlocklist(t *testing.T) {
	s := newSite(t)
	s.answer = func(w http.ResponseWriter, r request) {
		if r.method == "GET" {
			io.WriteString(w, `{"data":{"results":[{"id":7,"email":"O'Hara@example.net"},{"id":8,"email":"other@example.net"}],"total":2}}`)
		}
	}
	r := s.receiver(t, Settings{URL: strings.Replace(s.URL, "://", "://api:token@", 1) + "/lm/", Format: Listmonk, Act: Blocklist}, atNoon)
	_, err := r.Send(t.Context(), []store.Event{event(1, store.EventUnsubscribed, func(e *store.Event) { e.Recipient = "o'hara@example.net" })})
	must(t, err)
	if len(s.got) != 2 || s.got[0].path != "/lm/api/subscribers" || s.got[0].query != "per_page=10&query=subscribers.email+%3D+%27o%27%27hara%40example.net%27" {
		t.Fatalf("%+v", s.got)
	}
	put := s.got[1]
	if put.method != "PUT" || put.path != "/lm/api/subscribers/blocklist" || string(put.body) != `{"ids":[7]}` || put.user != "api" || put.password != "token" {
		t.Errorf("%+v", put)
	}
	_, err = r.Send(t.Context(), []store.Event{event(2, store.EventUnsubscribed, func(e *store.Event) { e.Recipient = "nobody@example.net" })})
	if err != nil || len(s.got) != 3 {
		t.Errorf("a subscriber that is not there: %d calls, %v", len(s.got), err)
	}
	s.answer = func(w http.ResponseWriter, _ request) { io.WriteString(w, "<html>log in</html>") }
	if _, err = r.Send(t.Context(), []store.Event{event(3, store.EventUnsubscribed, nil)}); err == nil {
		t.Error("a page was taken for the API")
	}
}

// operator is a set of webhooks over a store of its own, which nothing runs.
func operator(t *testing.T, s *site, now func() time.Time) *Webhooks {
	t.Helper()
	db, err := sqlite.Open(context.Background(), sqlite.Options{Dir: t.TempDir(), PersonKey: bytes.Repeat([]byte("k"), 32)})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	sender := s.sender(t, now)
	c := db.Consent()
	return &Webhooks{Sender: sender, Outbox: &outbox.Outbox{Consumers: c, Ledger: c, Kinds: map[string]outbox.Kind{Kind: sender.Kind()}}}
}

func TestSecretsAreShownOnce(t *testing.T) {
	s := newSite(t)
	w := operator(t, s, nil)
	ctx := t.Context()
	for _, f := range Formats() {
		made, err := w.Add(ctx, record.NewWebhook{Name: string(f), URL: strings.Replace(s.URL, "://", "://user:passw0rd@", 1) + "/x?key=t0ken", Format: string(f)})
		must(t, err)
		if (made.Secret != "") != f.signed() {
			t.Errorf("%s: secret %q", f, made.Secret)
		}
		all, err := w.All(ctx)
		must(t, err)
		text, err := json.Marshal(all)
		must(t, err)
		for _, hidden := range []string{"passw0rd", "t0ken", "user", "whsec_"} {
			if strings.Contains(string(text), hidden) {
				t.Errorf("%s: %s shows %q", f, text, hidden)
			}
		}
		if f != SendGrid && f.signed() && strings.Contains(string(text), made.Secret) {
			t.Errorf("%s shows the secret again: %s", f, text)
		}
		if f == SendGrid && (len(all) == 0 || !strings.Contains(string(text), made.Secret)) {
			t.Errorf("the public key is not shown: %s", text)
		}
	}
}

func TestRotation(t *testing.T) {
	now := noon
	s := newSite(t)
	w := operator(t, s, func() time.Time { return now })
	ctx := t.Context()
	first, err := w.Add(ctx, record.NewWebhook{Name: "crm", URL: s.URL})
	must(t, err)
	second, err := w.Rotate(ctx, "crm", record.WebhookRotation{Overlap: new(int64(86400))})
	must(t, err)
	settings := func() Settings {
		c, err := w.Outbox.One(ctx, "crm")
		must(t, err)
		set, err := Parse(c.Settings)
		must(t, err)
		return set
	}
	if got := settings().valid(now); !slices.Equal(got, []string{second.Secret, first.Secret}) {
		t.Errorf("valid now: %q", got)
	}
	if settings().oldest(now) != first.Secret || settings().oldest(now.Add(25*time.Hour)) != second.Secret {
		t.Error("a single signature is not that of the oldest secret that is valid")
	}
	now = now.Add(23 * time.Hour)
	third, err := w.Rotate(ctx, "crm", record.WebhookRotation{Overlap: new(int64(0)), Secret: "whsec_" + "b2xkIHNlY3JldCBvZiAyNCBieXRlcyEhIQ=="})
	must(t, err)
	if got := settings().valid(now); !slices.Equal(got, []string{third.Secret}) {
		t.Errorf("valid without an overlap: %q", got)
	}
	for what, q := range map[string]record.WebhookRotation{
		"long overlap": {Overlap: new(int64(1e9))}, "negative overlap": {Overlap: new(int64(-1))}, "no overlap": {}, "short secret": {Overlap: new(int64(0)), Secret: "whsec_YQ=="},
	} {
		if _, err := w.Rotate(ctx, "crm", q); !errors.Is(err, outbox.ErrSettings) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRefusedSettings(t *testing.T) {
	s := newSite(t)
	w := operator(t, s, nil)
	for what, n := range map[string]record.NewWebhook{
		"no URL": {}, "no host": {URL: "https:///x"}, "plain": {URL: "http://example.com/"}, "private": {URL: "https://10.0.0.5/"}, "metadata": {URL: "https://169.254.169.254/"},
		"loopback": {URL: "http://127.0.0.1:1/"}, "scheme": {URL: "ftp://example.com/"}, "long": {URL: "https://example.com/" + strings.Repeat("x", 2000)},
		"format": {URL: s.URL, Format: "xml"}, "act": {URL: s.URL, Act: "blocklist"}, "listmonk's act": {URL: s.URL, Format: "listmonk", Act: "delete"},
		"kind": {URL: s.URL, Kinds: []string{"opened"}}, "secret": {URL: s.URL, Secret: "short"}, "secret of postmark": {URL: s.URL, Format: "postmark", Secret: strings.Repeat("x", 30)},
		"both starts": {URL: s.URL, After: new(int64(0)), Since: noon},
	} {
		n.Name = "crm"
		if _, err := w.Add(t.Context(), n); !errors.Is(err, outbox.ErrSettings) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.Replay(t.Context(), "crm", record.WebhookReplay{}); !errors.Is(err, outbox.ErrSettings) {
		t.Errorf("replay from nowhere: %v", err)
	}
}

func TestTestEvent(t *testing.T) {
	s := newSite(t)
	w := operator(t, s, nil)
	ctx := t.Context()
	for _, f := range Formats() {
		_, err := w.Add(ctx, record.NewWebhook{Name: string(f), URL: s.URL, Format: string(f)})
		must(t, err)
		s.answer = func(w http.ResponseWriter, _ request) {
			w.WriteHeader(418)
			io.WriteString(w, strings.Repeat("teapot ", 1000))
		}
		got, err := w.Test(ctx, string(f))
		if err != nil || got.OK || f != Listmonk && (got.Status != 418 || len(got.Body) != maxShown) || got.Error != "answered 418" {
			t.Errorf("%s: %+v, %v", f, got, err)
		}
		s.answer = nil
		if got, err := w.Test(ctx, string(f)); err != nil || !got.OK || got.Status != 200 {
			t.Errorf("%s: %+v, %v", f, got, err)
		}
		if body := string(s.last(t).body); !strings.Contains(body, "offramp-test@recipient.invalid") {
			t.Errorf("%s: sent %s", f, body)
		}
	}
	if _, err := w.Test(ctx, "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"url":"https://u:p@example.com/x?y","format":"standard","secrets":[{"value":"whsec_"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw)
		if err != nil {
			return
		}
		if u, err := s.check(); err == nil && u.User != nil {
			if password, _ := u.User.Password(); len(password) > 8 && strings.Contains(s.MaskedURL(), password) && !strings.Contains(u.Host+u.EscapedPath(), password) {
				t.Errorf("%s shows the password", s.MaskedURL())
			}
		}
	})
}

// A batch ends before its time does: a call that was cut off would be made again, and
// have the receiver taken for one that does not answer.
func TestBatchEndsInTime(t *testing.T) {
	s := newSite(t)
	r := s.receiver(t, Settings{Format: Mailgun, Secrets: []Secret{{Value: "0123456789abcdef"}}}, atNoon)
	var batch []store.Event
	for i := range int64(5) {
		batch = append(batch, event(i+1, store.EventUnsubscribed, nil))
	}
	ctx, cancel := context.WithTimeout(t.Context(), callout.Timeout-time.Second)
	defer cancel()
	if done, err := r.Send(ctx, batch); done != 1 || err != nil || len(s.got) != 1 {
		t.Errorf("%d of %d calls, %v", done, len(s.got), err)
	}
	if done, err := r.Send(t.Context(), batch); done != 5 || err != nil {
		t.Errorf("without a bound: %d, %v", done, err)
	}
}
