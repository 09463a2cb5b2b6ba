package web

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"testing"

	"offramp/gateway/language"

	"golang.org/x/net/html"
)

// The rules a page keeps: RULES 29 and 30, and what assistive software needs.
func TestEveryPageIsPlainAndAccessible(t *testing.T) {
	for _, lang := range languages(t) {
		t.Run(lang, func(t *testing.T) {
			pages, policies := everyPage(t, lang)
			for name, page := range pages {
				t.Run(name, func(t *testing.T) { checkPage(t, lang, page, policies[name]) })
			}
		})
	}
}

func languages(t testing.TB) (tags []string) {
	t.Helper()
	texts, err := language.Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range texts.Speakers() {
		tags = append(tags, s.Tag())
	}
	if len(tags) != 11 {
		t.Fatalf("languages %q", tags)
	}
	return tags
}

func checkPage(t *testing.T, lang, page, policy string) {
	if len(page) > 30<<10 {
		t.Errorf("%d octets", len(page))
	}
	if !strings.HasPrefix(page, "<!doctype html>\n") || strings.Contains(page, "page.") || strings.Contains(page, "{{") {
		t.Errorf("begins with %.20q, or a text is missing: %s", page, regexp.MustCompile(`.*(page\.|\{\{).*`).FindString(page))
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	count, ids := map[string]int{}, map[string]int{}
	level := 0
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "target", a.Key == "autofocus", a.Key == "tabindex":
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			case a.Key == "id":
				ids[a.Val]++
			}
		}
		switch n.Data {
		case "html":
			if attr(n, "lang") != lang || (attr(n, "dir") == "rtl") != (lang == "ar") {
				t.Errorf("html %v", n.Attr)
			}
		case "h1", "h2", "h3":
			l := int(n.Data[1] - '0')
			if l > level+1 && !(l == 2 && level == 0) {
				t.Errorf("heading %s after level %d", n.Data, level)
			}
			level = l
		case "form":
			if attr(n, "method") != "post" || strings.TrimSuffix(attr(n, "action"), "&page=1") != "?lang="+lang {
				t.Errorf("form %v", n.Attr)
			}
		case "a":
			if href := attr(n, "href"); !strings.HasPrefix(href, "?") && !slices.Contains([]string{"#until", "#code", "mailto:post@example.org", "https://example.org/privacy", "https://example.org/complaints"}, href) {
				t.Errorf("link to %q", href)
			}
		case "button":
			if attr(n, "class") == "" {
				count["primary button"]++
			}
			if n.FirstChild == nil || strings.TrimSpace(n.FirstChild.Data) == "" {
				t.Error("button without a name")
			}
		case "style":
			sum := sha256.Sum256([]byte(n.FirstChild.Data))
			if hash := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(policy, "'sha256-"+hash+"'") {
				t.Errorf("policy %q does not allow the style %s", policy, hash)
			}
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%d elements with id %q", n, id)
		}
	}
	if n := count["primary button"]; n > 1 {
		t.Errorf("%d primary buttons", n)
	}
	for element, want := range map[string]int{"title": 1, "main": 1, "h1": 1, "style": 1, "script": 0, "img": 0, "link": 0, "iframe": 0} {
		if count[element] != want {
			t.Errorf("%d <%s>, want %d", count[element], element, want)
		}
	}
	rest := strings.NewReplacer(`href="https://example.org/privacy"`, "", `href="https://example.org/complaints"`, "").Replace(page)
	if regexp.MustCompile(`https?:|//|@import|url\(`).MatchString(rest) {
		t.Error("the page names something outside itself")
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
		colours := map[string]colour{}
		for _, m := range variable.FindAllStringSubmatch(css, -1) {
			c, err := parseColour("#" + m[2])
			if err != nil {
				t.Fatal(err)
			}
			colours[m[1]] = c
		}
		if ground := colours["ground"].String(); scheme == "light" && ground != groundLight || scheme == "dark" && ground != groundDark {
			t.Errorf("%s: ground %s is not the one that accents are checked on", scheme, ground)
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "ground", 4.5}, {"quiet", "ground", 4.5}, {"ink", "notice", 4.5}, {"on-accent", "accent", 4.5},
			{"accent", "ground", 4.5}, {"focus", "ground", 3}, {"focus", "notice", 3},
		} {
			a, okA := colours[pair.front]
			b, okB := colours[pair.back]
			if ratio := a.contrast(b); !okA || !okB || ratio < pair.least {
				t.Errorf("%s: %s on %s has %.2f to 1, want %.1f", scheme, pair.front, pair.back, ratio, pair.least)
			}
		}
	}
}
