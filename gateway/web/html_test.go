package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/language"
	"offramp/listunsub"
	"offramp/store"

	"golang.org/x/net/html"
)

// everyPage returns each page a person can see in a language, by name.
func everyPage(t testing.TB, lang string) (pages, policies map[string]string) {
	t.Helper()
	pages, policies = map[string]string{}, map[string]string{}
	w := newWorld(t)
	w.site.OperatorAddress, w.site.OperatorEmail, w.site.PrivacyURL = "1 Example Street, Exampletown", "post@example.org", "https://example.org/privacy"
	w.build()
	many(w)
	w.readers = []store.Reader{{Name: "Customer care of Example"}, {Name: "Warehouse"}}
	query := "?lang=" + lang
	path := w.link(listunsub.HeaderLink)
	keep := func(name string, res *http.Response, page string) {
		pages[name], policies[name] = page, res.Header.Get("Content-Security-Policy")
	}
	add := func(name, path string, header ...string) {
		r := request("GET", path, "", nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res := w.send(r)
		keep(name, res, text(t, res))
	}
	act := func(name, action string, pairs ...string) {
		res, page := w.submit(path, w.form(path+query, action).with(pairs...))
		keep(name, res, page)
	}
	add("on", path+query)
	add("signal", path+query, "Sec-GPC", "1")
	signal := w.link(listunsub.BodyLink) + query
	add("signal honoured", signal, "Sec-GPC", "1", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	res, page := w.submit(signal, formsOf(t, pages["signal honoured"])[actUndo])
	keep("undone", res, page)
	act("bad date", actChoose, fieldList+news, optPauseUntil)
	act("chosen", actChoose, fieldList+news, "week", fieldList+"list02.example.org", "pause-90", fieldSharing, "refuse")
	add("second lists", path+query+"&page=1")
	act("left", actUnsubscribe)
	res, page = w.submit(path, formsOf(t, pages["left"])[actReason].with(fieldReason, "other", fieldText, "my reason"))
	keep("thanks", res, page)
	add("off", path+query)
	act("asked", actAgain)
	add("history", path+query+"&view=history")
	add("erase", path+query+"&view=erase")
	askErase := w.form(path+query+"&view=erase", actAskErase)
	res, page = w.submit(path, askErase)
	keep("erase asked", res, page)
	w.stops = []store.Suppression{{Recipient: ada, Reason: store.ReasonBounced}}
	res, page = w.submit(path, askErase)
	keep("unreachable", res, page)
	w.stops = nil
	act("left all", actLeave)
	add("off all", path+query)
	for name, list := range map[string]string{"confirm": news, "confirm all": "", "confirm sharing": confirmation.Sharing} {
		add(name, w.linkTo(listunsub.Claims{List: list, Recipient: ada, Issued: start, Purpose: listunsub.ConfirmLink})+query)
	}
	w.pass(2 * time.Second)
	confirmed := w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start.Add(2 * time.Second), Purpose: listunsub.ConfirmLink})
	res, page = w.submit(confirmed, w.form(confirmed+query, actConfirm))
	keep("confirmed", res, page)
	add("expired", w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start.Add(-8 * 24 * time.Hour), Purpose: listunsub.ConfirmLink})+query)
	w.pass(2 * time.Second)
	codePages(w, query, keep)
	w.lists[news] = store.List{ID: news, Name: strings.Repeat("long", 60), Description: strings.Repeat("text ", 100), Transactional: true}
	add("transactional", path+query)
	add("invalid link", "/u/x"+query)
	add("nothing", "/"+query)
	w.err = store.ErrUnavailable
	add("unavailable", path+query)
	return pages, policies
}

// codePages keeps the pages of links with a code.
func codePages(w *world, query string, keep func(name string, res *http.Response, page string)) {
	w.t.Helper()
	path, code := w.letter(confirmation.Access)
	res, page := w.get(path + query)
	keep("code data", res, page)
	res, page = w.submit(path, formsOf(w.t, page)[actCode].with(fieldCode, code))
	keep("opened", res, page)
	attempts := 1
	w.site.Consent = underWay{w.site.Consent, &attempts}
	w.build()
	w.pass(2 * time.Second)
	path, code = w.letter(confirmation.Erasure)
	res, page = w.get(path + query)
	keep("code erase", res, page)
	f := formsOf(w.t, page)[actCode]
	for name, typed := range map[string]string{"code unreadable": "x", "code wrong": "00000000"} {
		res, page := w.submit(path, f.with(fieldCode, typed))
		keep(name, res, page)
	}
	res, page = w.submit(path, f.with(fieldCode, code))
	keep("erasing", res, page)
	res, page = w.submit(path, formsOf(w.t, page)[actErase])
	keep("erased", res, page)
	w.pass(2 * time.Second)
	path, _ = w.letter(confirmation.Erasure)
	f = w.form(path+query, actCode).with(fieldCode, "00000000")
	for range mostTries {
		w.submit(path, f)
	}
	res, page = w.submit(path, f)
	keep("code used", res, page)
	w.pass(confirmation.CodeLife + time.Hour)
	res, page = w.get(path + query)
	keep("code expired", res, page)
}

// many gives ada mail of a dozen lists with long names.
func many(w *world) {
	for i := range 12 {
		id := fmt.Sprintf("list%02d.example.org", i)
		w.lists[id] = store.List{
			ID: id, Name: fmt.Sprintf("Example list number %d about many things", i), Sender: "Example Ltd, department of letters",
			Description: "One sentence in plain words that says what this list is about and how often it comes.", ThirdParty: i == 1,
		}
		w.contacts = append(w.contacts, store.Contact{Recipient: ada, List: id, First: start.Add(-9999 * time.Hour), Last: start.Add(-time.Hour), Count: int64(i*37 + 1)})
	}
}

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
			if attr(n, "method") != "post" || attr(n, "action") != "?lang="+lang {
				t.Errorf("form %v", n.Attr)
			}
		case "a":
			if href := attr(n, "href"); !strings.HasPrefix(href, "?") && href != "mailto:post@example.org" && href != "https://example.org/privacy" {
				t.Errorf("link to %q", href)
			}
		case "button":
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
	for element, want := range map[string]int{"title": 1, "main": 1, "h1": 1, "style": 1, "script": 0, "img": 0, "link": 0, "iframe": 0} {
		if count[element] != want {
			t.Errorf("%d <%s>, want %d", count[element], element, want)
		}
	}
	rest := strings.ReplaceAll(page, `href="https://example.org/privacy"`, "")
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
