package web

import (
	"bytes"
	"testing"

	"offramp/gateway/throttle"
	"offramp/listunsub"
)

// FuzzPost: to a header link, every body opts out except one that begins as
// the page's own form; to a body link, none does.
func FuzzPost(f *testing.F) {
	for _, b := range bodies(f) {
		f.Add(b.header.Get("Content-Type"), b.octets)
	}
	f.Add("application/x-www-form-urlencoded", []byte(fieldSeal+"=AAAA&action=unsubscribe"))
	f.Add("application/x-www-form-urlencoded", []byte(fieldSeal+"=%zz&action=undo"))
	w := newWorld(f)
	header, link := w.link(listunsub.HeaderLink), w.link(listunsub.BodyLink)
	f.Fuzz(func(t *testing.T, contentType string, octets []byte) {
		w.reset()
		own := bytes.HasPrefix(octets, []byte(fieldSeal+"="))
		res := w.send(request("POST", header, contentType, bytes.NewReader(octets)))
		if changed := len(w.made()) > 0; changed == own || res.StatusCode >= 500 || (res.StatusCode == 200) == own {
			t.Errorf("own form %v: %s, changes %q", own, res.Status, w.made())
		}
		w.reset()
		res = w.send(request("POST", link, contentType, bytes.NewReader(octets)))
		if len(w.made()) > 0 || res.StatusCode != 400 {
			t.Errorf("body link: %s, changes %q", res.Status, w.made())
		}
	})
}

// FuzzForwarded: whatever a header claims, a stranger's own address stands.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "1.2.3.4", "1.2.3.4, 10.0.0.1", "[::1]:80", "unknown, _hidden", ",,,", "fe80::1%x"} {
		f.Add(seed)
	}
	ps, err := parseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, forwarded string) {
		r := request("GET", "/", "", nil)
		r.Header["X-Forwarded-For"] = []string{forwarded}
		if got := ps.peer(r).ip(); got != client {
			t.Errorf("%q: %s", forwarded, got)
		}
		r.RemoteAddr = "10.0.0.2:1"
		if got := ps.peer(r); !got.addr.IsValid() || !throttle.Network(got.addr).IsValid() {
			t.Errorf("%q: %v", forwarded, got)
		}
	})
}
