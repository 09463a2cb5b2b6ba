package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// shown is a form of a page, filled in as a browser would send it.
type shown struct {
	target string // where it goes
	fields url.Values
	types  map[string]string // of controls by name
	values map[string][]string
}

// formsOf returns the forms of a page by action; of several with one action the
// first.
func formsOf(t testing.TB, page string) map[string]shown {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]shown{}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" {
			f := readShown(n)
			if _, seen := all[f.fields.Get(fieldAction)]; !seen {
				all[f.fields.Get(fieldAction)] = f
			}
		}
	}
	return all
}

func readShown(form *html.Node) shown {
	f := shown{attr(form, "action"), url.Values{}, map[string]string{}, map[string][]string{}}
	for n := range form.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		name := attr(n, "name")
		switch n.Data {
		case "input":
			f.types[name] = attr(n, "type")
			f.values[name] = append(f.values[name], attr(n, "value"))
			if kind := attr(n, "type"); kind != "checkbox" && kind != "radio" || has(n, "checked") {
				f.fields.Set(name, attr(n, "value"))
			}
		case "textarea":
			f.fields.Set(name, "")
		case "select":
			for o := range n.Descendants() {
				if o.Type != html.ElementNode || o.Data != "option" {
					continue
				}
				f.values[name] = append(f.values[name], attr(o, "value"))
				if has(o, "selected") {
					f.fields.Set(name, attr(o, "value"))
				}
			}
		}
	}
	return f
}

// tags are what a page has between its words.
var tags = regexp.MustCompile(`<[^>]*>`)

// linksOf returns where the links of a page lead, by their text.
func linksOf(t testing.TB, page string) map[string]string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" && n.FirstChild != nil {
			all[strings.TrimSpace(n.FirstChild.Data)] = attr(n, "href")
		}
	}
	return all
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// with returns the form with other values, given as names and values in turn.
func (f shown) with(pairs ...string) shown {
	fields := url.Values{}
	for name, values := range f.fields {
		fields[name] = slices.Clone(values)
	}
	for i := 0; i < len(pairs); i += 2 {
		fields.Set(pairs[i], pairs[i+1])
	}
	f.fields = fields
	return f
}

// body is what a browser sends of a form: the seal first, as on the page.
func (f shown) body() string {
	rest := url.Values{}
	for name, values := range f.fields {
		if name != fieldSeal {
			rest[name] = values
		}
	}
	return fieldSeal + "=" + url.QueryEscape(f.fields.Get(fieldSeal)) + "&" + rest.Encode()
}

// request is what a browser sends with it from a page.
func (f shown) request(path string) *http.Request {
	path, _, _ = strings.Cut(path, "?")
	r := request("POST", path+f.target, "application/x-www-form-urlencoded", strings.NewReader(f.body()))
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Origin", "null")
	return r
}

// submit sends a form as a browser does.
func (w *world) submit(path string, f shown, header ...string) (*http.Response, string) {
	w.t.Helper()
	r := f.request(path)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res := w.send(r)
	return res, text(w.t, res)
}

// form opens a page and returns one of its forms.
func (w *world) form(path, action string) shown {
	w.t.Helper()
	res, page := w.get(path)
	f, ok := formsOf(w.t, page)[action]
	if !ok {
		w.t.Fatalf("%s: no form %q: %s", res.Status, action, page)
	}
	return f
}

// press opens a page and sends one of its forms, which must be answered 200.
func (w *world) press(path, action string, pairs ...string) (page string) {
	w.t.Helper()
	res, page := w.submit(path, w.form(path, action).with(pairs...))
	if res.StatusCode != 200 {
		w.t.Fatalf("%s: %s %s", action, res.Status, page)
	}
	return page
}

func lacks(t testing.TB, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
}
