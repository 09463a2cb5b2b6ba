package web

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"offramp/listunsub"
	"offramp/store"

	"golang.org/x/net/html"
)

// everyPage returns each page a person can see, by name.
func everyPage(t *testing.T) (pages, policies map[string]string) {
	t.Helper()
	pages, policies = map[string]string{}, map[string]string{}
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	add := func(name, path string) string {
		res, page := w.get(path)
		pages[name], policies[name] = page, res.Header.Get("Content-Security-Policy")
		return page
	}
	f := formOf(t, add("on", path))
	res, page := w.submit(path, f)
	pages["left now"], policies["left now"] = page, res.Header.Get("Content-Security-Policy")
	add("off", path)
	w.choices[ada+" "] = store.Choice{State: store.Unsubscribed, Since: start}
	add("off all", path)
	w.lists[news] = store.List{ID: news, Name: strings.Repeat("long", 60), Description: strings.Repeat("text ", 100), Transactional: true}
	add("transactional", path)
	add("wrong link", "/u/x")
	add("nothing", "/")
	w.err = store.ErrUnavailable
	add("unavailable", path)
	return pages, policies
}

// The rules a page keeps: RULES 29 and 30, and what assistive software needs.
func TestEveryPageIsPlainAndAccessible(t *testing.T) {
	pages, policies := everyPage(t)
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			if len(page) > 30<<10 {
				t.Errorf("%d octets", len(page))
			}
			if !strings.HasPrefix(page, "<!doctype html>\n") {
				t.Errorf("begins with %.20q", page)
			}
			doc, err := html.Parse(strings.NewReader(page))
			if err != nil {
				t.Fatal(err)
			}
			count := map[string]int{}
			level := 0
			for n := range doc.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				count[n.Data]++
				for _, a := range n.Attr {
					switch {
					case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "href", a.Key == "target", a.Key == "autofocus":
						t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
					}
				}
				switch n.Data {
				case "html":
					if attr(n, "lang") != "en" {
						t.Error("no lang")
					}
				case "h1", "h2", "h3":
					l := int(n.Data[1] - '0')
					if l > level+1 {
						t.Errorf("heading %s after level %d", n.Data, level)
					}
					level = l
				case "form":
					if attr(n, "method") != "post" || attr(n, "action") != "" {
						t.Errorf("form %v", n.Attr)
					}
				case "button":
					if n.FirstChild == nil || strings.TrimSpace(n.FirstChild.Data) == "" {
						t.Error("button without a name")
					}
				case "style":
					sum := sha256.Sum256([]byte(n.FirstChild.Data))
					if hash := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(policies[name], "'sha256-"+hash+"'") {
						t.Errorf("policy %q does not allow the style %s", policies[name], hash)
					}
				}
			}
			for element, want := range map[string]int{"title": 1, "main": 1, "h1": 1, "style": 1, "script": 0, "img": 0, "link": 0, "iframe": 0, "a": 0} {
				if count[element] != want {
					t.Errorf("%d <%s>, want %d", count[element], element, want)
				}
			}
			if regexp.MustCompile(`https?:|//|@import|url\(`).MatchString(page) {
				t.Error("the page names something outside itself")
			}
		})
	}
}

var variable = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)

// WCAG 2 AA: 4.5 to 1 for text, 3 to 1 for what shows focus and borders of
// controls, in both colour schemes.
func TestContrast(t *testing.T) {
	style, err := files.ReadFile("templates/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, ok := strings.Cut(string(style), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark scheme")
	}
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]float64{}
		for _, m := range variable.FindAllStringSubmatch(css, -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "ground", 4.5}, {"quiet", "ground", 4.5}, {"ink", "notice", 4.5}, {"on-accent", "accent", 4.5},
			{"accent", "ground", 4.5}, {"focus", "ground", 3},
		} {
			a, okA := colour[pair.front]
			b, okB := colour[pair.back]
			ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05)
			if !okA || !okB || ratio < pair.least {
				t.Errorf("%s: %s on %s has %.2f to 1, want %.1f", scheme, pair.front, pair.back, ratio, pair.least)
			}
		}
	}
}

// luminance is the relative luminance of WCAG 2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
