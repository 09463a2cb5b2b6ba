package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/language"
	"offramp/gateway/web"
	"offramp/listunsub"
	"offramp/store"
)

// check says what a proxy in front of the page does to links and answers.
func TestProxyInFront(t *testing.T) {
	key := listunsub.NewKey()
	page := httptest.NewServer(pageOfNobody(t, key))
	t.Cleanup(page.Close)
	to, err := url.Parse(page.URL)
	if err != nil {
		t.Fatal(err)
	}
	plain := httputil.NewSingleHostReverseProxy(to)
	changed := func(change func(http.Header)) http.Handler {
		p := httputil.NewSingleHostReverseProxy(to)
		p.ModifyResponse = func(r *http.Response) error { change(r.Header); return nil }
		return p
	}
	mux := http.NewServeMux() // which redirects to clean paths
	mux.Handle("/", plain)
	for name, c := range map[string]struct {
		proxy http.Handler
		want  string
	}{
		"none":     {plain, "ok proxy links arrive as they are sent"},
		"cookie":   {changed(func(h http.Header) { h.Set("Set-Cookie", "route=1") }), "fail proxy a proxy in front of URL adds a cookie"},
		"no CORS":  {changed(func(h http.Header) { h.Del("Access-Control-Allow-Origin") }), "warn proxy a proxy in front of URL removes"},
		"cleaning": {mux, "fail proxy a proxy in front of URL redirects"},
		"lower": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path, r.URL.RawPath = strings.ToLower(r.URL.Path), ""
			plain.ServeHTTP(w, r)
		}), "fail proxy a proxy in front of URL answers 404 to a valid link"},
		"merging": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path, r.URL.RawPath = strings.ReplaceAll(r.URL.Path, "//", "/"), ""
			plain.ServeHTTP(w, r)
		}), "ok proxy links arrive as they are sent"}, // decoded and merged, the link still opens
		"elsewhere": {http.NotFoundHandler(), "fail public URL URL answers 404, and not as Offramp does"},
	} {
		t.Run(name, func(t *testing.T) {
			front := httptest.NewServer(c.proxy)
			t.Cleanup(front.Close)
			k := &checker{app: &app{now: time.Now}, running: true, settings: &settings{TokenKeys: key}}
			k.settings.Gateway.PublicURL = front.URL
			k.publicURL(t.Context())
			var all []string
			for _, f := range k.findings {
				all = append(all, strings.ReplaceAll(f.State+" "+f.What+" "+f.Text, front.URL, "URL"))
			}
			if text := strings.Join(all, "\n"); !strings.Contains(text, c.want) {
				t.Errorf("want %q in\n%s", c.want, text)
			}
		})
	}
}

func pageOfNobody(t *testing.T, key string) http.Handler {
	t.Helper()
	ring, err := listunsub.ParseKeyRing(key)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := language.Load("")
	if err != nil {
		t.Fatal(err)
	}
	handler, err := (&web.Site{Tokens: ring, Texts: texts, Consent: nobody{}, Lists: nobody{}}).Handler()
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// nobody is a store in which nothing is recorded.
type nobody struct{ web.Consent }

func (nobody) Person(context.Context, envelope.Address) (store.Person, error) {
	return store.Person{}, nil
}

func (nobody) ListsShown(context.Context, []string) ([]store.List, bool, error) {
	return nil, false, nil
}
