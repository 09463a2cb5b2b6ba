package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/gateway/language"
	"offramp/listunsub"
	"offramp/store"
)

// folder makes an operator's folder of files, given as names and contents in turn.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// use puts the folder in force, as the gateway does at its start.
func (w *world) use(dir string) error {
	w.site.PageDir = dir
	texts, err := language.Load(w.site.TextDir())
	if err != nil {
		return err
	}
	w.site.Texts = texts
	handler, err := w.site.Handler()
	if err == nil {
		w.handler = handler
	}
	return err
}

// What lies in the operator's folder replaces what it names, and nothing else.
func TestReplacedFiles(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		has   []string
		lacks string
	}{
		"a text": {[]string{"texts/en.json", `{"page.unsubscribe": "Take me off"}`},
			[]string{">Take me off</button>", "Save my choices"}, ">Unsubscribe</button>"},
		"a text of another language": {[]string{"texts/de.json", `{"page.unsubscribe": "Weg damit"}`},
			[]string{">Unsubscribe</button>"}, "Weg damit"},
		"the style": {[]string{"style.css", "body { color: #123456 }"},
			[]string{"body { color: #123456 }", ">Unsubscribe</button>"}, "--ground"},
		"a template": {[]string{"page.html", `{{template "head" .}}<h1>{{.Heading}}</h1>{{with .Leave}}{{template "button" .}}{{end}}{{template "foot" .}}`},
			[]string{"Unsubscribe from “Example News”?", ">Unsubscribe</button>"}, "Save my choices"},
		"a file that is for people": {[]string{"README.txt", "hands off"},
			[]string{">Unsubscribe</button>"}, "hands off"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.use(folder(t, c.files...)); err != nil {
				t.Fatal(err)
			}
			path := w.link(listunsub.BodyLink)
			_, page := w.get(path)
			lacks(t, plainText(page), c.has...)
			if strings.Contains(page, c.lacks) {
				t.Errorf("the page still has %q", c.lacks)
			}
			w.press(path, actUnsubscribe)
			if got := w.made(); len(got) != 1 || got[0] != outPage {
				t.Errorf("changes %q", got)
			}
		})
	}
}

func plainText(page string) string {
	return strings.NewReplacer("\u2068", "", "\u2069", "").Replace(page)
}

// What cannot be used is found at the start, not by a recipient, and the error
// names the file.
func TestReplacementsThatCannotBeUsed(t *testing.T) {
	for name, files := range map[string][]string{
		"a template that does not parse":     {"page.html", "{{if}"},
		"a template with an unknown field":   {"history.html", `{{template "head" .}}{{.Secret}}`},
		"a template that calls another one":  {"erase.html", `{{template "nothing" .}}`},
		"a template of no page":              {"pages.html", "<p>never shown</p>"},
		"a text with an unknown key":         {"texts/en.json", `{"page.unsubscribed": "x"}`},
		"a text with a foreign placeholder":  {"texts/de.json", `{"page.done.off": "{{.List}} {{.Secret}}"}`},
		"texts that are no JSON":             {"texts/en.json", `{"page.unsubscribe": `},
		"texts of a language nobody speaks":  {"texts/xx.json", `{"page.unsubscribe": "x"}`},
		"a plural without its forms":         {"texts/pl.json", `{"page.option.pause": {"one": "{{.Count}} dzień"}}`},
		"a fixed page that misses its frame": {"notice.html", `{{.Nothing}}`},
	} {
		t.Run(name, func(t *testing.T) {
			err := newWorld(t).use(folder(t, files...))
			if err == nil || !strings.Contains(err.Error(), filepath.Base(files[0])) {
				t.Errorf("error %v, want one that names %s", err, files[0])
			}
		})
	}
	w := newWorld(t)
	w.site.PageDir = filepath.Join(t.TempDir(), "missing")
	if _, err := w.site.Handler(); err == nil || !strings.Contains(err.Error(), "OFFRAMP_PAGE_DIR") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// A logo is what its bytes are, and the policy allows pictures only with one.
func TestLogo(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 32)
	for name, c := range map[string]struct{ file, content, kind string }{
		"SVG":                   {"logo.svg", `<svg xmlns="http://www.w3.org/2000/svg"><circle r="1"/></svg>`, "image/svg+xml"},
		"PNG":                   {"logo.png", png, "image/png"},
		"PNG with a wrong name": {"logo.jpg", png, "image/png"},
		"text":                  {"logo.png", "no picture", ""},
		"too large":             {"logo.png", png + strings.Repeat("x", maxLogo), ""},
		"empty":                 {"logo.png", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.site.PageLogo = filepath.Join(folder(t, c.file, c.content), c.file)
			handler, err := w.site.Handler()
			if c.kind == "" {
				if err == nil || !strings.Contains(err.Error(), "OFFRAMP_PAGE_LOGO") {
					t.Errorf("taken: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w.handler = handler
			res, page := w.get(w.link(listunsub.BodyLink))
			lacks(t, page, `<img src="/logo" alt="">`)
			if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self'") {
				t.Errorf("policy %q", policy)
			}
			res, body := w.get("/logo")
			if res.StatusCode != 200 || res.Header.Get("Content-Type") != c.kind || body != c.content {
				t.Errorf("%s %q", res.Status, res.Header)
			}
		})
	}
	w := newWorld(t)
	if res, _ := w.get("/logo"); res.StatusCode != 404 {
		t.Errorf("without a logo: %s", res.Status)
	}
	if res, _ := w.get(w.link(listunsub.BodyLink)); strings.Contains(res.Header.Get("Content-Security-Policy"), "img-src") {
		t.Error("pictures are allowed, and there is none")
	}
}

// The operator's colours are on the page, and each scheme keeps what it needs.
func TestAccents(t *testing.T) {
	for name, c := range map[string]struct{ light, dark, has string }{
		"light": {"#7a1f5c", "", "@media not (prefers-color-scheme: dark) {\n:root { --accent: #7a1f5c; --on-accent: #ffffff; }\n}"},
		"dark":  {"", "#ffd166", "@media (prefers-color-scheme: dark) {\n:root { --accent: #ffd166; --on-accent: #000000; }\n}"},
		"both":  {"#7a1f5c", "#ffd166", "\n:root { --accent: #7a1f5c; --on-accent: #ffffff; }\n@media (prefers-color-scheme: dark)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.site.PageAccent, w.site.PageAccentDark = c.light, c.dark
			if err := w.site.Validate(); err != nil {
				t.Fatal(err)
			}
			w.build()
			_, page := w.get(w.link(listunsub.BodyLink))
			lacks(t, page, c.has)
		})
	}
	for value, says := range map[string]string{"red": "invalid colour", "#12345": "invalid colour", "#ffff00": "hard to read"} {
		if err := (Config{PageAccent: value}).Validate(); err == nil || !strings.Contains(err.Error(), "OFFRAMP_PAGE_ACCENT") || !strings.Contains(err.Error(), says) {
			t.Errorf("accent %q: %v", value, err)
		}
	}
}

// The language: chosen on the page, else the browser's, else the list's, else
// the setting's.
func TestWhichLanguage(t *testing.T) {
	for name, c := range map[string]struct{ query, accept, list, setting, want string }{
		"chosen":                        {"?lang=ar", "de", "fr", "pl", "ar"},
		"the browser's":                 {"", "de-AT, en;q=0.5", "fr", "pl", "de"},
		"the browser's second":          {"", "sv, it;q=0.8", "fr", "pl", "it"},
		"the list's":                    {"", "", "fr", "pl", "fr"},
		"the list's, with a region":     {"", "sv", "pt-BR", "pl", "pt"},
		"the setting's":                 {"", "", "", "pl", "pl"},
		"chosen, and nobody speaks it":  {"?lang=xx", "de", "fr", "pl", "de"},
		"chosen, and no language":       {"?lang=%3Cscript%3E", "", "", "pl", "pl"},
		"a browser that takes anything": {"", "*", "fr", "pl", "fr"},
		"nonsense":                      {"", ";;q=,,", "", "pl", "pl"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.lists[news] = store.List{ID: news, Name: "Example News", Language: c.list}
			w.site.PageLanguage = c.setting
			w.build()
			r := request("GET", w.link(listunsub.BodyLink)+c.query, "", nil)
			if c.accept != "" {
				r.Header.Set("Accept-Language", c.accept)
			}
			page := text(t, w.send(r))
			lacks(t, page, `<html lang="`+c.want+`"`)
			if strings.Contains(page, "<script") {
				t.Error("what was asked for is on the page as it came")
			}
		})
	}
	w := newWorld(t)
	w.site.PageLanguage = "xx"
	if _, err := w.site.Handler(); err == nil || !strings.Contains(err.Error(), "OFFRAMP_PAGE_LANGUAGE") {
		t.Errorf("a setting nobody speaks: %v", err)
	}
}
