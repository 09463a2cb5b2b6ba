package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"offramp/gateway/access"
	"offramp/gateway/record"
	"offramp/store"
)

func newKey(t *testing.T, a *access.Access, s access.Spec) string {
	t.Helper()
	s.Name = cmp.Or(s.Name, "test")
	_, key, err := a.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// elsewhere is a request from another machine with a key.
func elsewhere(method, target, body, key string) *http.Request {
	r := request(method, target, body)
	r.RemoteAddr, r.Host = "192.0.2.1:4711", "offramp.example.org"
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return r
}

// withoutKey are the routes of the document that anybody may call. They show
// nothing about anybody.
var withoutKey = []string{"/api/v1/openapi.json", "/api/v1/docs"}

// Every route of the document says which scope it needs, and is refused to every
// key that does not have it, before anything else is looked at.
func TestEveryRouteNeedsItsScope(t *testing.T) {
	_, all := every(t, newWorld(t))
	for _, op := range all {
		n := needOf(op)
		if n.scope == access.None {
			if !slices.Contains(withoutKey, op.Path) {
				t.Errorf("%s %s declares no scope", op.Method, op.Path)
			}
			continue
		}
		w := newWorld(t)
		a := w.withKeys(0)
		keys := map[string]struct {
			key    string
			status int
		}{
			"no key":      {"", 401},
			"wrong key":   {newKey(t, a, access.Spec{Scope: access.Admin}) + "a", 401},
			"revoked key": {newKey(t, a, access.Spec{Scope: access.Admin}), 401},
			"expired key": {newKey(t, a, access.Spec{Scope: access.Admin, Expires: start.Add(time.Second)}), 401},
		}
		if _, err := a.Revoke(t.Context(), keys["revoked key"].key); err != nil {
			t.Fatal(err)
		}
		later := func() time.Time { return start.Add(time.Second) }
		for scope := access.Read; scope < n.scope; scope++ {
			keys["scope "+scope.String()] = struct {
				key    string
				status int
			}{newKey(t, a, access.Spec{Scope: scope}), 403}
		}
		if !n.lists {
			keys["key of a list"] = struct {
				key    string
				status int
			}{newKey(t, a, access.Spec{Scope: min(n.scope, access.Write), Lists: []string{"news.example.org"}}), 403}
		}
		a.Now = later
		for name, k := range keys {
			body := ""
			if op.Method != http.MethodGet {
				body = `{}`
			}
			r := elsewhere(op.Method, pathOf(op), body, k.key)
			p := w.refused(r, k.status)
			for _, inner := range []string{"access.", "store", "sql", "panic", "context"} {
				if strings.Contains(p.Detail, inner) {
					t.Errorf("%s %s, %s: %q", op.Method, op.Path, name, p.Detail)
				}
			}
			if k.key != "" && strings.Contains(w.log.String(), k.key) {
				t.Errorf("%s %s: the key is in the log", op.Method, op.Path)
			}
		}
		if len(w.calls) > 0 {
			t.Errorf("%s %s: %q", op.Method, op.Path, w.calls)
		}
	}
}

// pathOf puts something into the path of a route.
func pathOf(op *huma.Operation) string {
	path := op.Path
	for _, p := range op.Parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", "x")
		}
	}
	return path
}

// A key for some lists sees and changes nothing of others, nor what is for all.
func TestKeysOfAList(t *testing.T) {
	const own, other = "news.example.org", "offers.example.org"
	for _, c := range []struct {
		method, target, body string
		status               int
	}{
		{"GET", "/api/v1/lists/" + own, "", 200},
		{"GET", "/api/v1/lists/" + other, "", 403},
		{"GET", "/api/v1/lists/unknown.example.org", "", 403},
		{"PATCH", "/api/v1/lists/" + own, `{"name":"x"}`, 200},
		{"PATCH", "/api/v1/lists/" + other, `{"name":"x"}`, 403},
		{"GET", "/api/v1/suppressions", "", 403},
		{"GET", "/api/v1/suppressions?list=", "", 403},
		{"GET", "/api/v1/suppressions?list=" + own, "", 200},
		{"GET", "/api/v1/suppressions?list=" + other, "", 403},
		{"POST", "/api/v1/suppressions", `{"recipient":"ada@example.com"}`, 403},
		{"POST", "/api/v1/suppressions", `{"recipient":"ada@example.com","list":"` + own + `"}`, 200},
		{"POST", "/api/v1/suppressions", `{"recipient":"ada@example.com","list":"` + other + `"}`, 403},
		{"DELETE", "/api/v1/suppressions?recipient=ada@example.com", "", 403},
		{"DELETE", "/api/v1/suppressions?recipient=ada@example.com&list=" + own, "", 200},
		{"DELETE", "/api/v1/suppressions?recipient=ada@example.com&list=" + other, "", 403},
		{"POST", "/api/v1/recipients/ada@example.com/choices", `{"refuse_sharing":true}`, 403},
		{"POST", "/api/v1/recipients/ada@example.com/choices", `{"choices":[{"list":"` + own + `","state":"unsubscribed"}]}`, 200},
		{"POST", "/api/v1/recipients/ada@example.com/choices", `{"choices":[{"list":"` + other + `","state":"unsubscribed"}]}`, 403},
		{"POST", "/api/v1/recipients/ada@example.com/choices", `{"choices":[{"list":"` + own + `","state":"unsubscribed"},{"list":"","state":"unsubscribed"}]}`, 403},
		{"GET", "/api/v1/recipients/ada@example.com/receipts", "", 403},
		{"GET", "/api/v1/recipients/ada@example.com/receipts?list=" + other, "", 403},
		{"GET", "/api/v1/events", "", 403},
		{"GET", "/api/v1/events?list=" + other, "", 403},
		{"GET", "/api/v1/events?list=" + own, "", 200},
	} {
		t.Run(c.method+" "+c.target+" "+c.body, func(t *testing.T) {
			w := newWorld(t)
			w.known[other] = store.List{ID: other, Name: "Offers"}
			k := newKey(t, w.withKeys(0), access.Spec{Scope: access.Write, Lists: []string{own}})
			r := elsewhere(c.method, c.target, c.body, k)
			if c.status == 200 {
				if res, text := w.send(r); res.StatusCode != 200 || strings.Contains(text, other) {
					t.Errorf("%s %s", res.Status, text)
				}
				return
			}
			w.refused(r, c.status)
			if len(w.calls) > 0 {
				t.Errorf("changes %q", w.calls)
			}
		})
	}
}

// What only shows lists shows those of the key.
func TestListsOfAKey(t *testing.T) {
	w := newWorld(t)
	w.known["offers.example.org"] = store.List{ID: "offers.example.org"}
	k := newKey(t, w.withKeys(0), access.Spec{Scope: access.Read, Lists: []string{"offers.example.org"}})
	_, text := w.send(elsewhere("GET", "/api/v1/lists", "", k))
	if strings.Contains(text, "news.example.org") || !strings.Contains(text, "offers.example.org") {
		t.Errorf("lists %s", text)
	}
}

func TestKeyRoutes(t *testing.T) {
	w := newWorld(t)
	w.withKeys(0)
	send := func(method, target, body string) *http.Request { return elsewhere(method, target, body, key) }
	created := decode[record.CreatedAPIKey](w, send("POST", "/api/v1/apikeys", `{"name":" shop ","scope":"write","lists":["News.Example.org"]}`))
	if created.Name != "shop" || created.Scope != "write" || !slices.Equal(created.Lists, []string{"news.example.org"}) || created.State != "active" {
		t.Errorf("created %+v", created)
	}
	if !strings.HasPrefix(created.Key, "offramp_"+created.ID+"_") {
		t.Errorf("key %q", created.Key)
	}
	if page := decode[record.APIKeyPage](w, send("GET", "/api/v1/apikeys", "")); len(page.Items) != 1 || page.Items[0].ID != created.ID {
		t.Errorf("keys %+v", page)
	}
	if _, text := w.send(send("GET", "/api/v1/apikeys", "")); strings.Contains(text, created.Key) || strings.Contains(text, "hash") {
		t.Errorf("the page has secrets: %s", text)
	}
	if res, text := w.send(elsewhere("GET", "/api/v1/lists/news.example.org", "", created.Key)); res.StatusCode != 200 {
		t.Errorf("with the key: %s %s", res.Status, text)
	}
	for i := range 2 {
		if changed := decode[record.Changed](w, send("DELETE", "/api/v1/apikeys/"+created.ID, "")); changed.Changed != 1-i {
			t.Errorf("revoked, time %d: %+v", i+1, changed)
		}
	}
	if p := w.refused(elsewhere("GET", "/api/v1/lists/news.example.org", "", created.Key), 401); !strings.Contains(p.Detail, "revoked") {
		t.Errorf("afterwards: %q", p.Detail)
	}
	w.refused(send("DELETE", "/api/v1/apikeys/nobody", ""), 404)
	for body, want := range map[string]string{
		`{"name":"x","scope":"root"}`:                                              "scope",
		`{"name":"","scope":"read"}`:                                               "name",
		`{"name":"x","scope":"admin","lists":["a"]}`:                               "read or write",
		`{"name":"x","scope":"read","expires":"2020-01-01T00:00:00Z"}`:             "future",
		`{"name":"x","scope":"read","lists":["a","A"]}`:                            "once",
		`{"name":"x","scope":"read","lists":["` + strings.Repeat("a", 300) + `"]}`: "255",
	} {
		if p := w.refused(send("POST", "/api/v1/apikeys", body), 400); !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %q", body, p.Detail)
		}
	}
}

// decode sends r and reads the answer, which is expected to be a success.
func decode[T any](w *world, r *http.Request) (v T) {
	w.t.Helper()
	res, text := w.send(r)
	if err := json.Unmarshal([]byte(text), &v); err != nil || res.StatusCode != 200 {
		w.t.Fatalf("%s %s: %s %s", r.Method, r.URL, res.Status, text)
	}
	return v
}

// A request with an Idempotency-Key acts once on every route, and the answer with
// a new key in it is not kept.
func TestIdempotencyKeys(t *testing.T) {
	w := newWorld(t)
	w.withKeys(0)
	send := func(target, body, name string) *http.Request {
		r := elsewhere("POST", target, body, key)
		r.Header.Set("Idempotency-Key", name)
		return r
	}
	const body = `{"recipient":"ada@example.com"}`
	for range 3 {
		if res, text := w.send(send("/api/v1/suppressions", body, "k1")); res.StatusCode != 200 || !strings.Contains(text, `"changed":1`) {
			t.Errorf("%s %s", res.Status, text)
		}
	}
	if len(w.calls) != 1 {
		t.Errorf("calls %q", w.calls)
	}
	w.refused(send("/api/v1/suppressions", `{"recipient":"bob@example.com"}`, "k1"), 422)
	w.refused(send("/api/v1/suppressions", body, ""), 400)
	w.refused(send("/api/v1/suppressions", `{"recipient":"`+strings.Repeat("a", 3<<20)+`"}`, "k2"), 413)
	if res, text := w.send(send("/api/v1/apikeys", `{"name":"x","scope":"read"}`, "k3")); res.StatusCode != 200 {
		t.Errorf("%s %s", res.Status, text)
	}
	if p := w.refused(send("/api/v1/apikeys", `{"name":"x","scope":"read"}`, "k3"), 409); strings.Contains(p.Detail, "offramp_") {
		t.Errorf("%q", p.Detail)
	}
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t)
	k := newKey(t, w.withKeys(2), access.Spec{Scope: access.Read})
	for i := range 2 {
		res, _ := w.send(elsewhere("GET", "/api/v1/lists", "", k))
		if got, want := res.Header.Get("RateLimit"), fmt.Sprintf(`"default";r=%d;t=30`, 1-i); res.StatusCode != 200 || got != want {
			t.Errorf("%s, RateLimit %s, want %s", res.Status, got, want)
		}
	}
	w.refused(elsewhere("GET", "/api/v1/lists", "", k), 429)
	res, _ := w.send(elsewhere("GET", "/api/v1/lists", "", k))
	if res.Header.Get("Retry-After") != "30" || res.Header.Get("RateLimit-Policy") != `"default";q=2;w=60` {
		t.Errorf("%v", res.Header)
	}
	for range 10 { // commands on this machine have no limit
		r := elsewhere("GET", "/api/v1/lists", "", key)
		r.RemoteAddr = "127.0.0.1:4711"
		if res, text := w.send(r); res.StatusCode != 200 || res.Header.Get("RateLimit") != "" {
			t.Errorf("%s %s", res.Status, text)
		}
	}
}
