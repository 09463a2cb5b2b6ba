package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
	"offramp/store/sqlite"
)

// world is the APIs over a real store.
type world struct {
	t       testing.TB
	db      *sqlite.DB
	people  *consent.Consent
	access  *access.Access
	compat  *Compat
	handler http.Handler
	log     bytes.Buffer
	key     string // scope write
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir(), PersonKey: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s := db.Consent()
	w := &world{t: t, db: db}
	w.people = &consent.Consent{Store: s, Records: s, Turns: s, Lists: s, Mail: db.Spool()}
	w.access = &access.Access{Config: access.Config{Token: "correct horse battery staple"}, Keys: s, Requests: s}
	w.compat = &Compat{
		Access: w.access, Choices: w.people, Suppressions: w.people, Records: s, Lists: s,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	w.handler = w.compat.In(http.NotFoundHandler())
	w.key = w.newKey(access.Spec{Name: "mailer", Scope: access.Write})
	return w
}

func (w *world) newKey(s access.Spec) string {
	w.t.Helper()
	_, key, err := w.access.Create(context.Background(), s)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

// own records that a person left a list by the page.
func (w *world) own(address, list string) {
	w.t.Helper()
	a, _ := envelope.Parse(address)
	if list != "" {
		if _, err := w.db.Consent().EnsureList(w.t.Context(), store.List{ID: list, Key: listunsub.ListKey(list), Created: time.Now()}); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, err := w.people.OptOut(w.t.Context(), consent.Subject{Recipient: a, List: list}, store.Page, consent.Evidence{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop(address, list string, reason store.Reason, note string) {
	w.t.Helper()
	a, _ := envelope.Parse(address)
	if _, err := w.people.Suppress(w.t.Context(), consent.Stop{Subject: consent.Subject{Recipient: a, List: list}, Reason: reason, Note: note}, consent.Evidence{}); err != nil {
		w.t.Fatal(err)
	}
}

// stands is what stops mail to a person, as list:reason.
func (w *world) stands(address string) string {
	w.t.Helper()
	p, err := w.db.Consent().Person(context.Background(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, c := range p.Choices {
		if c.State == store.Unsubscribed {
			all = append(all, c.List+":unsubscribed")
		}
	}
	for _, s := range p.Suppressions {
		all = append(all, s.List+":"+string(s.Reason))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// send sends a request as each vendor's clients authenticate.
func (w *world) send(method, target, key, body string) (int, string, http.Header) {
	r := httptest.NewRequest(method, "http://offramp.example.org"+target, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.1:4711"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	switch {
	case key == "":
	case strings.HasPrefix(target, "/compat/postmark"):
		r.Header.Set("X-Postmark-Server-Token", key)
	case strings.HasPrefix(target, "/compat/mailgun"):
		r.SetBasicAuth("api", key)
	default:
		r.Header.Set("Authorization", "Bearer "+key)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String(), rec.Header()
}

// ok sends a request that must succeed.
func (w *world) ok(status int, method, target, body string) string {
	w.t.Helper()
	got, text, _ := w.send(method, target, w.key, body)
	if got != status {
		w.t.Fatalf("%s %s: %d %s, want %d", method, target, got, text, status)
	}
	return text
}

// everyRoute are calls of all routes, each of which succeeds with the right key;
// GROUP is the number of news.example.org. bound says what a key for that list
// alone is answered.
var everyRoute = []struct {
	target, body         string // method and target
	status, bound, other int
}{
	{"GET /compat/sendgrid/v3/suppression/bounces", "", 200, 403, 403},
	{"DELETE /compat/sendgrid/v3/suppression/bounces", `{"delete_all":true}`, 204, 403, 403},
	{"GET /compat/sendgrid/v3/suppression/bounces/ada@example.com", "", 200, 403, 403},
	{"DELETE /compat/sendgrid/v3/suppression/bounces/ada@example.com", "", 204, 403, 403},
	{"POST /compat/sendgrid/v3/asm/suppressions/global", `{"recipient_emails":["ada@example.com"]}`, 201, 403, 403},
	{"GET /compat/sendgrid/v3/asm/suppressions/global/ada@example.com", "", 200, 403, 403},
	{"DELETE /compat/sendgrid/v3/asm/suppressions/global/ada@example.com", "", 204, 403, 403},
	{"GET /compat/sendgrid/v3/asm/groups", "", 200, 200, 200},
	{"POST /compat/sendgrid/v3/asm/groups", `{"name":"x.example.org"}`, 201, 403, 403},
	{"GET /compat/sendgrid/v3/asm/groups/GROUP", "", 200, 200, 403},
	{"PATCH /compat/sendgrid/v3/asm/groups/GROUP", `{"name":"x"}`, 200, 200, 403},
	{"DELETE /compat/sendgrid/v3/asm/groups/GROUP", "", 405, 405, 403},
	{"GET /compat/sendgrid/v3/asm/groups/GROUP/suppressions", "", 200, 200, 403},
	{"POST /compat/sendgrid/v3/asm/groups/GROUP/suppressions", `{"recipient_emails":["ada@example.com"]}`, 201, 201, 403},
	{"POST /compat/sendgrid/v3/asm/groups/GROUP/suppressions/search", `{"recipient_emails":["ada@example.com"]}`, 200, 200, 403},
	{"DELETE /compat/sendgrid/v3/asm/groups/GROUP/suppressions/ada@example.com", "", 204, 204, 403},
	{"GET /compat/sendgrid/v3/asm/suppressions", "", 200, 200, 200},
	{"GET /compat/sendgrid/v3/asm/suppressions/ada@example.com", "", 200, 200, 200},
	{"GET /compat/mailgun/v3/mg/bounces", "", 200, 403, 403},
	{"POST /compat/mailgun/v3/mg/bounces", `[{"address":"ada@example.com"}]`, 200, 403, 403},
	{"DELETE /compat/mailgun/v3/mg/bounces", "", 200, 403, 403},
	{"GET /compat/mailgun/v3/mg/complaints/ada@example.com", "", 404, 403, 403},
	{"DELETE /compat/mailgun/v3/mg/bounces/ada@example.com", "", 200, 403, 403},
	{"POST /compat/mailgun/v3/mg/bounces/import", "", 501, 501, 501},
	{"GET /compat/mailgun/v3/mg/unsubscribes", "", 200, 200, 200},
	{"GET /compat/mailgun/v3/mg/unsubscribes/ada@example.com", "", 200, 200, 404},
	{"POST /compat/mailgun/v3/mg/unsubscribes", `[{"address":"ada@example.com","tags":["news.example.org"]}]`, 200, 200, 403},
	{"DELETE /compat/mailgun/v3/mg/unsubscribes", "", 200, 403, 403},
	{"DELETE /compat/mailgun/v3/mg/unsubscribes/ada@example.com?tag=news.example.org", "", 200, 200, 403},
	{"GET /compat/postmark/message-streams/news.example.org/suppressions/dump", "", 200, 200, 403},
	{"POST /compat/postmark/message-streams/news.example.org/suppressions", `{"Suppressions":[{"EmailAddress":"ada@example.com"}]}`, 200, 200, 403},
	{"POST /compat/postmark/message-streams/news.example.org/suppressions/delete", `{"Suppressions":[{"EmailAddress":"ada@example.com"}]}`, 200, 200, 403},
	{"GET /compat/postmark/message-streams/outbound/suppressions/dump", "", 200, 403, 403},
}

func TestEveryRouteWithEveryKey(t *testing.T) {
	w := newWorld(t)
	read := w.newKey(access.Spec{Name: "reader", Scope: access.Read})
	bound := w.newKey(access.Spec{Name: "news", Scope: access.Write, Lists: []string{"news.example.org"}})
	other := w.newKey(access.Spec{Name: "offers", Scope: access.Write, Lists: []string{"offers.example.org"}})
	revoked := w.newKey(access.Spec{Name: "gone", Scope: access.Write})
	if _, err := w.access.Revoke(t.Context(), revoked); err != nil {
		t.Fatal(err)
	}
	patterns := map[string]bool{}
	for _, route := range everyRoute {
		target := strings.ReplaceAll(route.target, "GROUP", fmt.Sprint(groupID("news.example.org")))
		method, target, _ := strings.Cut(target, " ")
		reads := method == "GET" || strings.HasSuffix(target, "/search") || strings.HasSuffix(target, "/import")
		for _, k := range []struct {
			name, key string
			want      int
		}{
			{"no key", "", 401}, {"wrong key", w.key + "a", 401}, {"revoked key", revoked, 401},
			{"scope read", read, map[bool]int{true: route.status, false: 403}[reads]},
			{"key of the list", bound, route.bound}, {"key of another list", other, route.other}, {"right key", w.key, route.status},
		} {
			if strings.HasSuffix(target, "/import") && k.name == "scope read" {
				k.want = 403
			}
			w.own("ada@example.com", "news.example.org")
			w.stop("ada@example.com", "", store.ReasonBounced, "550 5.1.1 no such user")
			before := w.stands("ada@example.com")
			got, text, h := w.send(method, target, k.key, route.body)
			if got != k.want {
				t.Errorf("%s %s, %s: %d %s, want %d", method, target, k.name, got, text, k.want)
			}
			if k.want >= 400 && !json.Valid([]byte(text)) {
				t.Errorf("%s %s, %s: not JSON: %s", method, target, k.name, text)
			}
			if after := w.stands("ada@example.com"); (k.want == 401 || k.want == 403) && after != before {
				t.Errorf("%s %s, %s changed %q to %q", method, target, k.name, before, after)
			}
			if h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s may be cached", method, target)
			}
		}
		for _, v := range []vendor{sendgrid, mailgun, postmark} {
			mux := http.NewServeMux()
			for _, r := range v.routes {
				m, path, _ := strings.Cut(r.pattern, " ")
				mux.Handle(m+" "+Prefix+v.name+path, http.NotFoundHandler())
			}
			_, pattern := mux.Handler(httptest.NewRequest(method, target, nil))
			patterns[pattern] = true
		}
	}
	for _, v := range []vendor{sendgrid, mailgun, postmark} {
		for _, r := range v.routes {
			m, path, _ := strings.Cut(r.pattern, " ")
			if !patterns[m+" "+Prefix+v.name+path] {
				t.Errorf("%s %s is not tried", v.name, r.pattern)
			}
			if r.scope == access.None {
				t.Errorf("%s %s has no scope", v.name, r.pattern)
			}
		}
	}
}

// A person's own choice is taken back only where a call names the person and the
// vendor's API means that; never with many at once.
func TestAPersonsOwnChoice(t *testing.T) {
	const both = ":unsubscribed news.example.org:unsubscribed"
	for _, c := range []struct {
		target, body string
		status       int
		after        string
	}{
		{"DELETE /compat/sendgrid/v3/suppression/unsubscribes", `{"delete_all":true}`, 405, both},
		{"DELETE /compat/sendgrid/v3/suppression/unsubscribes", `{"emails":["ada@example.com"]}`, 405, both},
		{"DELETE /compat/sendgrid/v3/suppression/unsubscribes/ada@example.com", "", 405, both},
		{"DELETE /compat/sendgrid/v3/suppression/bounces", `{"delete_all":true}`, 204, both},
		{"DELETE /compat/sendgrid/v3/suppression/spam_reports", `{"delete_all":true}`, 204, both},
		{"DELETE /compat/mailgun/v3/mg/unsubscribes", "", 200, both},
		{"DELETE /compat/mailgun/v3/mg/bounces", "", 200, both},
		{"DELETE /compat/mailgun/v3/mg/complaints", "", 200, both},
		{"POST /compat/postmark/message-streams/outbound/suppressions/delete", `{"Suppressions":[{"EmailAddress":"ada@example.com"}]}`, 200, both},
		{"POST /compat/postmark/message-streams/news.example.org/suppressions/delete", `{"Suppressions":[{"EmailAddress":"ada@example.com"}]}`, 200, both},
		// These name the person and the list.
		{"DELETE /compat/sendgrid/v3/asm/suppressions/global/ada@example.com", "", 204, "news.example.org:unsubscribed"},
		{"DELETE /compat/sendgrid/v3/asm/groups/GROUP/suppressions/ada@example.com", "", 204, ":unsubscribed"},
		{"DELETE /compat/mailgun/v3/mg/unsubscribes/ada@example.com?tag=news.example.org", "", 200, ":unsubscribed"},
		{"DELETE /compat/mailgun/v3/mg/unsubscribes/ada@example.com?tag=*", "", 200, "news.example.org:unsubscribed"},
		{"DELETE /compat/mailgun/v3/mg/unsubscribes/ada@example.com", "", 200, ""},
	} {
		w := newWorld(t)
		w.own("ada@example.com", "")
		w.own("ada@example.com", "news.example.org")
		method, target, _ := strings.Cut(strings.ReplaceAll(c.target, "GROUP", fmt.Sprint(groupID("news.example.org"))), " ")
		text := w.ok(c.status, method, target, c.body)
		if got := w.stands("ada@example.com"); got != c.after {
			t.Errorf("%s: %s; stands %q, want %q", c.target, text, got, c.after)
		}
	}
}

// What an operator set goes with all at once, what the person chose stays, and
// the answer says so.
func TestDeleteAll(t *testing.T) {
	w := newWorld(t)
	w.own("ada@example.com", "")
	w.ok(200, "POST", "/compat/mailgun/v3/mg/unsubscribes", `[{"address":"bob@example.com"},{"address":"cyd@example.com","tags":["news.example.org"]}]`)
	w.stop("dan@example.com", "", store.ReasonManual, "asked by phone")
	if text := w.ok(200, "DELETE", "/compat/mailgun/v3/mg/unsubscribes", ""); !strings.Contains(text, "1 stay") {
		t.Errorf("answer %s", text)
	}
	for _, address := range []string{"bob@example.com", "cyd@example.com", "dan@example.com"} {
		if got := w.stands(address); got != "" {
			t.Errorf("%s: %q", address, got)
		}
	}
	if got := w.stands("ada@example.com"); got != ":unsubscribed" {
		t.Errorf("a person's own choice: %q", got)
	}
}

// People are read in parts, and nobody is lost or read twice where parts end.
func TestManyPeople(t *testing.T) {
	w := newWorld(t)
	const n = 2500
	var rows []map[string]any
	for i := range n {
		rows = append(rows, map[string]any{"address": fmt.Sprintf("p%04d@example.com", i), "code": 550, "created_at": "Tue, 07 Jan 2025 19:25:45 UTC"})
	}
	for part := range slices.Chunk(rows, mgMost) {
		body, _ := json.Marshal(part)
		w.ok(200, "POST", "/compat/mailgun/v3/mg/bounces", string(body))
	}
	// One person with more records than are read at once, between the others.
	var tags []string
	for i := range 1200 {
		tags = append(tags, fmt.Sprintf("l%d", i))
	}
	body, _ := json.Marshal([]map[string]any{{"address": "p0999@example.com", "tags": tags}})
	w.ok(200, "POST", "/compat/mailgun/v3/mg/unsubscribes", string(body))
	for _, c := range []struct {
		want want
		n    int
	}{{forAll(store.ReasonBounced), n}, {unsubscribed(nil), 1}, {pmWant(""), n}} {
		last, found := "", 0
		for p, err := range w.compat.people(t.Context(), c.want, "") {
			if err != nil {
				t.Fatal(err)
			}
			if p.address <= last {
				t.Fatalf("%s after %s", p.address, last)
			}
			last = p.address
			found++
		}
		if found != c.n {
			t.Errorf("%d people, want %d", found, c.n)
		}
	}
	var page []sgRecord
	if err := json.Unmarshal([]byte(w.ok(200, "GET", "/compat/sendgrid/v3/suppression/bounces?offset=2400", "")), &page); err != nil || len(page) != 100 || page[0].Email != "p2400@example.com" || page[0].Created != 1736277945 {
		t.Errorf("page %+v, %v", page, err)
	}
	w.ok(204, "DELETE", "/compat/sendgrid/v3/suppression/bounces", `{"delete_all":true}`)
	for range w.compat.people(t.Context(), forAll(store.ReasonBounced), "") {
		t.Fatal("somebody is left")
	}
}

// Who was erased, and patterns of domains, are in no list.
func TestWhoHasNoAddress(t *testing.T) {
	w := newWorld(t)
	w.own("ada@example.com", "")
	w.stop("ada@example.com", "", store.ReasonBounced, "550")
	p, _ := envelope.ParsePattern("@example.net")
	if _, err := w.people.Suppress(t.Context(), consent.Stop{Pattern: p, Reason: store.ReasonBounced}, consent.Evidence{}); err != nil {
		t.Fatal(err)
	}
	a, _ := envelope.Parse("ada@example.com")
	if err := w.people.Erase(t.Context(), a, store.Operator, consent.Evidence{}); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/compat/sendgrid/v3/suppression/bounces", "/compat/sendgrid/v3/suppression/bounces/ada@example.com", "/compat/sendgrid/v3/suppression/unsubscribes"} {
		if text := w.ok(200, "GET", target, ""); text != "[]\n" {
			t.Errorf("%s: %s", target, text)
		}
	}
	w.ok(404, "GET", "/compat/mailgun/v3/mg/unsubscribes/ada@example.com", "")
	w.ok(204, "DELETE", "/compat/sendgrid/v3/asm/suppressions/global/ada@example.com", "")
	if st, err := w.db.Consent().Standing(t.Context(), "ada@example.com", ""); err != nil || !st.Erased || st.Choices[0].State != store.Unsubscribed {
		t.Errorf("who was erased stands at %+v, %v", st, err)
	}
}

func TestBadInput(t *testing.T) {
	w := newWorld(t)
	w.own("ada@example.com", "news.example.org")
	long := strings.Repeat("a", maxBody)
	var many []string
	for i := range 1001 {
		many = append(many, fmt.Sprintf(`"p%d@x.example"`, i))
	}
	list := strings.Join(many, ",")
	for _, c := range []struct {
		target, body string
		status       int
	}{
		{"GET /compat/sendgrid/v3/suppression/moods", "", 404},
		{"GET /compat/sendgrid/v3/suppression/bounces?limit=x", "", 400},
		{"GET /compat/sendgrid/v3/suppression/bounces?offset=-1", "", 400},
		{"GET /compat/sendgrid/v3/suppression/bounces?start_time=yesterday", "", 400},
		{"GET /compat/sendgrid/v3/suppression/bounces/nobody", "", 400},
		{"DELETE /compat/sendgrid/v3/suppression/bounces", `{}`, 400},
		{"DELETE /compat/sendgrid/v3/suppression/bounces", `{"delete_all":true,"emails":["a@x.example"]}`, 400},
		{"DELETE /compat/sendgrid/v3/suppression/bounces", `[`, 400},
		{"DELETE /compat/sendgrid/v3/suppression/bounces", `{"emails":[` + list + `]}`, 400},
		{"POST /compat/sendgrid/v3/asm/suppressions/global", `{"recipient_emails":[]}`, 400},
		{"POST /compat/sendgrid/v3/asm/suppressions/global", `{"recipient_emails":["a@x.example","nobody"]}`, 400},
		{"POST /compat/sendgrid/v3/asm/suppressions/global", `{"recipient_emails":["` + long + `"]}`, 413},
		{"GET /compat/sendgrid/v3/asm/groups/one", "", 400},
		{"GET /compat/sendgrid/v3/asm/groups/1", "", 404},
		{"POST /compat/sendgrid/v3/asm/groups", `{"name":"a\nb"}`, 400},
		{"POST /compat/sendgrid/v3/asm/groups", `{}`, 400},
		{"GET /compat/sendgrid/v3/mail/send", "", 404},
		{"PUT /compat/sendgrid/v3/asm/groups", "", 404},
		{"GET /compat/mailgun/v3/mg/moods", "", 404},
		{"GET /compat/mailgun/v3/mg/bounces?limit=0", "", 400},
		{"GET /compat/mailgun/v3/mg/bounces?limit=1001", "", 400},
		{"POST /compat/mailgun/v3/mg/bounces", `[]`, 400},
		{"POST /compat/mailgun/v3/mg/bounces", `"x"`, 400},
		{"POST /compat/mailgun/v3/mg/bounces", `[{"address":"nobody"}]`, 400},
		{"POST /compat/mailgun/v3/mg/bounces", `[{"address":"a@x.example","created_at":"soon"}]`, 400},
		{"POST /compat/mailgun/v3/mg/bounces", `[{"address":"` + long + `"}]`, 413},
		{"GET /compat/postmark/message-streams/outbound/suppressions/dump?fromdate=soon", "", 422},
		{"GET /compat/postmark/message-streams/outbound/suppressions/dump?emailaddress=nobody", "", 422},
		{"POST /compat/postmark/message-streams/outbound/suppressions", `{"Suppressions":[]}`, 422},
		{"POST /compat/postmark/message-streams/outbound/suppressions", `{`, 422},
		{"GET /compat/other/v3", "", 404},
	} {
		method, target, _ := strings.Cut(c.target, " ")
		got, text, _ := w.send(method, target, w.key, c.body)
		if got != c.status {
			t.Errorf("%s: %d %s, want %d", c.target, got, text, c.status)
		}
	}
	if got := w.stands("a@x.example"); got != "" {
		t.Errorf("a call that was refused did %q", got)
	}
}

// What goes wrong inside is in the log, and nowhere else.
func TestInnerErrors(t *testing.T) {
	w := newWorld(t)
	w.own("ada@example.com", "news.example.org")
	w.access.Keys = fixed{k: mustKey(t, w)}
	w.access.Requests = nil
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"GET /compat/sendgrid/v3/suppression/bounces", "GET /compat/mailgun/v3/mg/bounces",
		"GET /compat/postmark/message-streams/outbound/suppressions/dump", "GET /compat/sendgrid/v3/asm/groups",
	} {
		method, target, _ := strings.Cut(target, " ")
		status, text, h := w.send(method, target, w.key, "")
		if status != 503 || strings.Contains(text, "closed") || strings.Contains(text, "store") || h.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", target, status, text)
		}
	}
	if !strings.Contains(w.log.String(), "closed") || strings.Contains(w.log.String(), w.key) {
		t.Errorf("log %s", &w.log)
	}
}

// fixed knows one key, whatever became of the store.
type fixed struct {
	stored
	k store.Key
}

// stored is embedded under another name than its method.
type stored = store.Keys

func (f fixed) Key(context.Context, string) (store.Key, error) { return f.k, nil }

func mustKey(t *testing.T, w *world) store.Key {
	t.Helper()
	all, err := w.access.All(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	return all[0]
}

// A request with an Idempotency-Key acts once here too.
func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	send := func(body string) (int, string) {
		r := httptest.NewRequest("POST", "/compat/mailgun/v3/mg/bounces", strings.NewReader(body))
		r.Header.Set("Idempotency-Key", "k")
		r.SetBasicAuth("api", w.key)
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		return rec.Code, rec.Body.String()
	}
	const one = `[{"address":"ada@example.com"}]`
	status, first := send(one)
	if status != 200 {
		t.Fatal(status, first)
	}
	w.ok(200, "DELETE", "/compat/mailgun/v3/mg/bounces/ada@example.com", "")
	if status, text := send(one); status != 200 || text != first || w.stands("ada@example.com") != "" {
		t.Errorf("again: %d %s, stands %q", status, text, w.stands("ada@example.com"))
	}
	if status, text := send(`[{"address":"bob@example.com"}]`); status != 422 || !strings.Contains(text, `"message"`) {
		t.Errorf("another body: %d %s", status, text)
	}
}

func FuzzBodies(f *testing.F) {
	w := newWorld(f)
	for _, route := range everyRoute {
		if route.body != "" {
			f.Add(route.target, route.body)
		}
	}
	f.Fuzz(func(t *testing.T, target, body string) {
		method, target, ok := strings.Cut(target, " ")
		if !ok || !strings.HasPrefix(target, "/compat/") || strings.ContainsFunc(method+target, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return
		}
		if _, err := http.NewRequest(method, "http://x"+target, nil); err != nil {
			return
		}
		if status, text, _ := w.send(method, target, w.key, body); status >= 500 && status != 501 {
			t.Errorf("%s %s %q: %d %s", method, target, body, status, text)
		}
	})
}

// panics is a room whose changes panic.
type panics struct{ Choices }

func (panics) OptOut(context.Context, consent.Subject, store.Way, consent.Evidence) (bool, error) {
	panic("a bug")
}

// A panic in one of many changes is answered and in the log: the server goes on.
func TestPanicOfAChange(t *testing.T) {
	w := newWorld(t)
	w.compat.Choices = panics{w.people}
	status, text, _ := w.send("POST", "/compat/sendgrid/v3/asm/suppressions/global", w.key, `{"recipient_emails":["a@x.example","b@x.example"]}`)
	if status != 500 || strings.Contains(text, "bug") || !strings.Contains(w.log.String(), "a bug") {
		t.Errorf("%d %s, log %s", status, text, &w.log)
	}
}
