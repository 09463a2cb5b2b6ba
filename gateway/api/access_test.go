package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"offramp/store"
)

// routes are all that need access, each with a request that succeeds.
var routes = []struct{ method, target, body string }{
	{"GET", "/metrics", ""},
	{"GET", "/api/v1/queue", ""},
	{"POST", "/api/v1/queue", `{"action":"retry","all":true}`},
	{"GET", "/api/v1/suppressions", ""},
	{"POST", "/api/v1/suppressions", `{"recipient":"ada@example.com"}`},
	{"DELETE", "/api/v1/suppressions?recipient=ada@example.com", ""},
	{"GET", "/api/v1/lists", ""},
	{"GET", "/api/v1/lists/news.example.org", ""},
	{"PATCH", "/api/v1/lists/news.example.org", `{"name":"x"}`},
	{"GET", "/api/v1/events", ""},
	{"POST", "/api/v1/lists", `{"id":"new.example.org"}`},
	{"GET", "/api/v1/ledger", ""},
	{"GET", "/api/v1/ledger/head", ""},
	{"GET", "/api/v1/readers", ""},
	{"PUT", "/api/v1/readers/crm", `{"through":5}`},
	{"DELETE", "/api/v1/readers/crm", ""},
	{"GET", "/api/v1/recipients/ada@example.com", ""},
	{"DELETE", "/api/v1/recipients/ada@example.com", ""},
	{"POST", "/api/v1/recipients/ada@example.com/choices", `{"refuse_sharing":true}`},
	{"GET", "/api/v1/recipients/ada@example.com/receipts", ""},
	{"GET", "/api/v1/report", ""},
	{"GET", "/api/v1/report/leaks", ""},
	{"GET", "/api/v1/stats", ""},
	{"GET", "/api/v1/streams", ""},
	{"POST", "/api/v1/clock", ""},
	{"GET", "/api/v1/clock", ""},        // last: these two ask
	{"GET", "/api/v1/receipts/key", ""}, // nothing that can fail
}

// What is sent as a key, and is none. Keys that are, and every route, are in
// TestEveryRouteNeedsItsScope; the metrics are no part of the document.
func TestFormsOfAKey(t *testing.T) {
	for _, route := range []struct{ method, target, body string }{
		{"GET", "/metrics", ""}, {"POST", "/api/v1/queue", `{"action":"retry","all":true}`},
	} {
		for _, k := range []struct {
			name, header string
			want         int
		}{
			{"no key", "", 401},
			{"wrong key", "Bearer " + key + "x", 401},
			{"empty key", "Bearer ", 401},
			{"part of the key", "Bearer " + key[:10], 401},
			{"another scheme", "Basic " + key, 401},
			{"right key", "Bearer " + key, 200},
			{"right key, scheme in lower case", "bearer " + key, 200},
		} {
			t.Run(route.method+" "+route.target+" "+k.name, func(t *testing.T) {
				w := newWorld(t)
				w.access.Token = key
				r := request(route.method, route.target, route.body)
				r.RemoteAddr, r.Host = "192.0.2.1:4711", "offramp.example.org"
				if k.header != "" {
					r.Header.Set("Authorization", k.header)
				}
				if k.want != 200 {
					w.refused(r, k.want)
					if res, _ := w.send(r); !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer") {
						t.Errorf("WWW-Authenticate %q", res.Header.Get("WWW-Authenticate"))
					}
					if len(w.calls) > 0 {
						t.Errorf("changes %q", w.calls)
					}
				} else if res, text := w.send(r); res.StatusCode != 200 {
					t.Errorf("%s %s", res.Status, text)
				}
				if strings.Contains(w.log.String(), key) {
					t.Error("the key is in the log")
				}
			})
		}
	}
}

// Without a key only this machine is answered, and only under its own names.
func TestWithoutToken(t *testing.T) {
	for _, c := range []struct {
		name, remote, host, origin string
		want                       int
	}{
		{"loopback", "127.0.0.1:1", "127.0.0.1:8081", "", 200},
		{"loopback IPv6", "[::1]:1", "[::1]:8081", "", 200},
		{"mapped", "[::ffff:127.0.0.1]:1", "localhost:8081", "", 200},
		{"localhost with a dot", "127.0.0.1:1", "LOCALHOST.", "", 200},
		{"another machine", "192.0.2.1:1", "127.0.0.1:8081", "", 403},
		{"no address", "@", "localhost", "", 403},
		{"a name rebound to loopback", "127.0.0.1:1", "evil.example:8081", "", 403},
		{"a name that begins like ours", "127.0.0.1:1", "localhost.evil.example", "", 403},
		{"an address that is not ours", "127.0.0.1:1", "192.0.2.1:8081", "", 403},
		{"no host", "127.0.0.1:1", "", "", 403},
		{"a page of another site", "127.0.0.1:1", "127.0.0.1:8081", "https://evil.example", 403},
		{"a page of our own", "127.0.0.1:1", "127.0.0.1:8081", "http://127.0.0.1:8081", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			r := request("POST", "/api/v1/queue", `{"action":"retry","all":true}`)
			r.RemoteAddr, r.Host = c.remote, c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if c.want != 200 {
				w.refused(r, c.want)
			} else if res, text := w.send(r); res.StatusCode != 200 {
				t.Errorf("%s %s", res.Status, text)
			}
			if (len(w.calls) > 0) != (c.want == 200) {
				t.Errorf("changes %q", w.calls)
			}
		})
	}
}

func TestUnixSocketIsThisMachine(t *testing.T) {
	w := newWorld(t)
	r := request("GET", "/api/v1/lists", "")
	r.RemoteAddr, r.Host = "@", "localhost"
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/run/offramp.sock", Net: "unix"}))
	if res, text := w.send(r); res.StatusCode != 200 {
		t.Errorf("%s %s", res.Status, text)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, target, allow string
		status                int
	}{
		{"PUT", "/api/v1/queue", "GET, POST, HEAD", 405},
		{"DELETE", "/api/v1/lists", "GET, POST, HEAD", 405},
		{"GET", "/api/v1/readers/crm", "DELETE, PUT", 405},
		{"PUT", "/api/v1/recipients/ada@example.com", "DELETE, GET, HEAD", 405},
		{"GET", "/api/v1/recipients/ada@example.com/choices", "POST", 405},
		{"GET", "/api/v1/recipients/", "", 404},
		{"POST", "/metrics", "GET, HEAD", 405},
		{"OPTIONS", "/api/v1/queue", "GET, POST, HEAD", 405},
		{"POST", "/livez", "GET, HEAD", 405},
		{"GET", "/", "", 404},
		{"GET", "/api/v1/nothing", "", 404},
		{"GET", "/api/v1/lists/unknown.example", "", 404},
		{"GET", "/api/v1/lists/", "", 404},
	} {
		w.refused(request(c.method, c.target, ""), c.status)
		if res, _ := w.send(request(c.method, c.target, "")); res.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.target, res.Header.Get("Allow"), c.allow)
		}
	}
	if res, _ := w.send(request("HEAD", "/api/v1/queue", "")); res.StatusCode != 200 {
		t.Errorf("HEAD: %s", res.Status)
	}
}

// What went wrong inside is for the log.
func TestErrorsTellNothingInner(t *testing.T) {
	secret := "open /var/lib/offramp/spool.db"
	for status, errs := range map[int][]error{
		503: {fmt.Errorf("%w: %s", store.ErrUnavailable, secret), fmt.Errorf("%w: %s", store.ErrFull, secret), fmt.Errorf("%w: %s", store.ErrUncertain, secret)},
		500: {errors.New(secret), fmt.Errorf("%w: %s", store.ErrDamaged, secret)},
	} {
		for _, err := range errs {
			for _, route := range routes[1 : len(routes)-2] { // metrics answer with what can be had
				w := newWorld(t)
				w.err = err
				p := w.refused(request(route.method, route.target, route.body), status)
				if strings.Contains(p.Detail, "spool.db") || !strings.Contains(w.log.String(), "spool.db") {
					t.Errorf("%s %s: %q, log %s", route.method, route.target, p.Detail, &w.log)
				}
				if errors.Is(err, store.ErrUncertain) && !strings.Contains(p.Detail, "offramp repair") {
					t.Errorf("%s %s: %q does not say what to do", route.method, route.target, p.Detail)
				}
			}
		}
	}
}

func TestPanicIsAnswered(t *testing.T) {
	w := newWorld(t)
	w.api.Flush = func() { panic("secret") }
	if p := w.refused(request("POST", "/api/v1/queue", `{"action":"retry","all":true}`), 500); strings.Contains(p.Detail, "secret") {
		t.Errorf("%q", p.Detail)
	}
	if !strings.Contains(w.log.String(), "secret") {
		t.Error("the panic is not in the log")
	}
}
