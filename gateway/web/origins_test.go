package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"offramp/listunsub"
)

// Scripts of other origins see the answer to one-click requests, whatever it
// is, and nothing else.
func TestOnlyOneClickIsShared(t *testing.T) {
	w := newWorld(t)
	u, p := w.link(listunsub.HeaderLink), w.link(listunsub.BodyLink)
	c := w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start, Purpose: listunsub.ConfirmLink})
	own := w.form(u, actUnsubscribe)
	for _, x := range []struct {
		name, method, path string
		body               string
		shared             bool
	}{
		{"one-click", "POST", u, "List-Unsubscribe=One-Click", true},
		{"again", "POST", u, "List-Unsubscribe=One-Click", true},
		{"invalid", "POST", "/u/x", "", true},
		{"preflight", "OPTIONS", u, "", true},
		{"preflight of an invalid link", "OPTIONS", "/u/x", "", true},
		{"own form", "POST", u, fieldSeal + "=" + url.QueryEscape(own.fields.Get(fieldSeal)) + "&" + fieldAction + "=" + actUnsubscribe, false},
		{"foreign form", "POST", u, fieldSeal + "=x", false},
		{"page", "GET", u, "", false},
		{"head", "HEAD", u, "", false},
		{"other method", "PUT", u, "", false},
		{"body link", "GET", p, "", false},
		{"body link posted to", "POST", p, "List-Unsubscribe=One-Click", false},
		{"preflight of a body link", "OPTIONS", p, "", false},
		{"confirmation", "GET", c, "", false},
		{"confirmation posted to", "POST", c, "", false},
		{"robots", "GET", "/robots.txt", "", false},
		{"preflight of robots", "OPTIONS", "/robots.txt", "", false},
		{"nothing", "POST", "/", "", false},
		{"stars", "OPTIONS", "*", "", false},
	} {
		r := request(x.method, x.path, "application/x-www-form-urlencoded", strings.NewReader(x.body))
		r.Header.Set("Origin", "https://mail.example")
		res := w.send(r)
		policy := res.Header.Get("Cross-Origin-Resource-Policy")
		n := 0
		for name := range res.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				n++
			}
		}
		if origin := res.Header.Get("Access-Control-Allow-Origin"); x.shared && (origin != "*" || policy != "cross-origin") ||
			!x.shared && (n > 0 || policy != "same-origin") || res.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %s, origin %q, %d fields, resource policy %q", x.name, res.Status, origin, n, policy)
		}
	}
}

// A web mail program in a browser, of another origin, with each way that a
// script can post.
func TestOneClickFromAnotherOrigin(t *testing.T) {
	b := browser(t)
	mail := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>mail</title>")
	}))
	t.Cleanup(mail.Close)
	for _, c := range []struct{ name, options, sees string }{
		{"form", `{method: "POST", body: new URLSearchParams({"List-Unsubscribe": "One-Click"})}`, "cors 200 You are unsubscribed."},
		{"multipart", `{method: "POST", body: (() => { const f = new FormData(); f.set("List-Unsubscribe", "One-Click"); return f })()}`, "cors 200 You are unsubscribed."},
		{"without credentials", `{method: "POST", credentials: "omit", body: "List-Unsubscribe=One-Click"}`, "cors 200 You are unsubscribed."},
		{"with a preflight", `{method: "POST", headers: {"Content-Type": "application/json", "X-Requested-With": "mail"}, body: "{}"}`, "cors 200 You are unsubscribed."},
		{"blindly", `{method: "POST", mode: "no-cors", body: new URLSearchParams({"List-Unsubscribe": "One-Click"})}`, "opaque 0 "},
		{"page", `{method: "GET"}`, "TypeError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b.visit(t, mail.URL)
			got := evaluate[string](t, b, fmt.Sprintf(`fetch("http://%s%s", %s).then(async r => r.type + " " + r.status + " " + await r.text(), e => e.name)`,
				w.serve(), w.link(listunsub.HeaderLink), c.options))
			if !strings.HasPrefix(got, c.sees) {
				t.Errorf("the script sees %q, want %q", got, c.sees)
			}
			want := optedOut
			if c.name == "page" {
				want = nil
			}
			made := w.made()
			if !slices.Equal(made, want) {
				t.Errorf("changes %q, want %q", made, want)
			}
		})
	}
}
