package web

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/listunsub"
)

var torture = flag.Bool("torture", false, "run the trials at full length")

// addition is one line of testdata/links.txt.
type addition struct{ where, what, why string }

func additions(t testing.TB) (all []addition) {
	t.Helper()
	text, err := os.ReadFile("testdata/links.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			t.Fatalf("testdata/links.txt: %q", line)
		}
		all = append(all, addition{f[0], f[1], f[2]})
	}
	return all
}

// targets are the request targets that an addition makes of a link.
func (a addition) targets(p listunsub.Purpose, token string) (targets []string) {
	letter := string(rune(p))
	whole := func(path string) string { return strings.NewReplacer("P", letter, "TOKEN", token).Replace(path) }
	switch a.where {
	case "after":
		return []string{"/" + letter + "/" + token + a.what}
	case "inside":
		for _, at := range [][]int{{1}, {76 % len(token)}, {len(token) - 1}, {20, 40, 60}} {
			parts := ""
			for i := range len(token) {
				if slices.Contains(at, i) {
					parts += a.what
				}
				parts += token[i : i+1]
			}
			targets = append(targets, "/"+letter+"/"+parts)
		}
		return targets
	case "path":
		return []string{whole(a.what)}
	case "upper":
		letter = strings.ToUpper(letter)
		return []string{whole(a.what)}
	}
	return nil
}

// sendTo sends a request whose target is read as net/http reads it.
func (w *world) sendTo(method, target string) *http.Response {
	w.t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		w.t.Fatalf("%q: %v", target, err)
	}
	r := request(method, "/", "", nil)
	r.URL, r.RequestURI = u, target
	return w.send(r)
}

// Links come with what surrounds them, and broken over lines.
func TestLinkWithAdditions(t *testing.T) {
	w := newWorld(t)
	w.site.PublicURL = "https://out.example.org/mail"
	w.build()
	all := additions(t)
	if len(all) < 60 {
		t.Fatalf("%d additions", len(all))
	}
	tokens := map[listunsub.Purpose]string{}
	for _, p := range []listunsub.Purpose{listunsub.HeaderLink, listunsub.BodyLink} {
		tokens[p] = w.link(p)[3:]
	}
	tokens[listunsub.ConfirmLink] = w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start, Purpose: listunsub.ConfirmLink})[3:]
	for _, a := range all {
		for p, token := range tokens {
			targets := a.targets(p, token)
			if len(targets) == 0 {
				t.Fatalf("%+v is not read", a)
			}
			for _, target := range targets {
				w.reset()
				if res := w.sendTo("GET", target); res.StatusCode != 200 || len(w.made()) > 0 {
					t.Errorf("%s: GET %s: %s", a.why, target, res.Status)
				}
				want, made := 400, 0
				if p == listunsub.HeaderLink {
					want, made = 200, 1
				}
				if p == listunsub.ConfirmLink {
					continue // only its own form acts
				}
				if res := w.sendTo("POST", target); res.StatusCode != want || len(w.made()) != made {
					t.Errorf("%s: POST %s: %s, changes %q", a.why, target, res.Status, w.made())
				}
			}
		}
	}
}

// The forms of a page work under the link it was opened by.
func TestFormUnderLinkWithAdditions(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.BodyLink)
	f := w.form(path+"。", actUnsubscribe)
	if res, page := w.submit(path+"。", f); res.StatusCode != 200 {
		t.Errorf("%s %s", res.Status, page)
	}
	if got := w.made(); !slices.Equal(got, []string{outPage}) {
		t.Errorf("changes %q", got)
	}
}

// A token authenticates itself: whatever is tried of a text, none is accepted
// that was not sealed, and least of all one that was cut short.
func TestRandomTokensAreRefused(t *testing.T) {
	w := newWorld(t)
	n := 20_000
	if *torture {
		n = 1_000_000
	}
	h := w.handler.(*handler)
	all := additions(t)
	good := w.link(listunsub.HeaderLink)[3:]
	random := rand.New(rand.NewPCG(19, uint64(time.Now().UnixNano())))
	const octets = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range n {
		token := []byte(good)
		switch i % 3 {
		case 0: // of one length, with a true head, so that a key is tried
			for at := 4; at < len(token); at++ {
				token[at] = octets[random.IntN(64)]
			}
		case 1: // cut short
			token = token[:random.IntN(len(token))]
		case 2: // one octet of another
			at := random.IntN(len(token))
			old := token[at]
			for token[at] == old {
				token[at] = octets[random.IntN(64)]
			}
		}
		a := all[random.IntN(len(all))]
		if a.where == "inside" && len(token) < 61 {
			continue
		}
		for _, target := range a.targets(listunsub.HeaderLink, string(token)) {
			u, err := url.ParseRequestURI(target)
			if err != nil {
				t.Fatalf("%q: %v", target, err)
			}
			p, text, _ := linkPath(u.Path, "/mail")
			v := visit{token: text, purpose: p}
			if err := h.open(&v); err == nil {
				t.Fatalf("%s was opened as %+v", target, v.claims)
			}
		}
	}
}

// counted is a key ring that counts what it is asked to open.
type counted struct {
	*listunsub.KeyRing
	opened int
}

func (c *counted) Open(token string, p listunsub.Purpose) (listunsub.Claims, error) {
	c.opened++
	return c.KeyRing.Open(token, p)
}

// One request costs a bounded number of attempts, whatever it names.
func TestReadingsAreBounded(t *testing.T) {
	w := newWorld(t)
	ring := &counted{KeyRing: w.ring}
	w.site.Tokens = ring
	w.build()
	for _, text := range []string{
		strings.Repeat("A=", 5000), strings.Repeat("_ ", 5000), strings.Repeat("A-=41", 3000), strings.Repeat("-", 10000), "", "=", "=4", "=41",
	} {
		ring.opened = 0
		if res := w.send(request("GET", "/u/"+text, "", nil)); res.StatusCode != 404 || ring.opened > mostReadings {
			t.Errorf("%.10q...: %s after %d attempts", text, res.Status, ring.opened)
		}
	}
}

// FuzzPath: no path but one of a valid link changes anything, none redirects,
// and a valid link stays one whatever follows it.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"", "/", "/u/", "/p/", "/u/x", "//u/x", "/u/../u/x", "*", "/robots.txt", "/u/\x00", "/p/" + strings.Repeat("A", 300)} {
		f.Add(path, "POST")
		f.Add(path, "GET")
	}
	for _, a := range additions(f) {
		if a.where == "after" {
			f.Add(a.what, "POST")
		}
	}
	w := newWorld(f)
	w.site.InvalidPerMinute = 0
	w.build()
	good := w.link(listunsub.HeaderLink)
	f.Fuzz(func(t *testing.T, path, method string) {
		w.reset()
		r := request("GET", path, "", nil)
		r.Method = method
		res := w.send(r)
		if res.StatusCode/100 == 3 || res.StatusCode >= 500 || len(w.made()) > 0 {
			t.Errorf("%q %q: %s, changes %q", method, path, res.Status, w.made())
		}
		if tokenOctets(path) > 0 {
			return // another token
		}
		if res := w.send(request("POST", good+path, "", bytes.NewReader(nil))); res.StatusCode != 200 {
			t.Errorf("%q behind a link: %s", path, res.Status)
		}
	})
}

// BenchmarkOpenLink is what finding the token costs, for a plain link and for
// one that is broken over lines.
func BenchmarkOpenLink(b *testing.B) {
	w := newWorld(b)
	h := w.handler.(*handler)
	good := w.link(listunsub.HeaderLink)[3:]
	for _, c := range []struct{ name, text string }{
		{"plain", good}, {"wrapped", good[:30] + "\r\n" + good[30:60] + "=\r\n" + good[60:]},
	} {
		b.Run(fmt.Sprintf("%s of %d", c.name, len(c.text)), func(b *testing.B) {
			for b.Loop() {
				v := visit{token: c.text, purpose: listunsub.HeaderLink}
				if err := h.open(&v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
