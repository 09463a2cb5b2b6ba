package trial

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// page is an answer of the recipients' listener, as a browser without scripts
// sees it.
type page struct {
	p      *process
	url    string
	status int
	header http.Header
	text   string
	root   *html.Node
}

// open asks for a page.
func (p *process) open(url string, header ...string) *page {
	p.t.Helper()
	return p.fetch(http.MethodGet, url, "", header...)
}

// fetch sends a request as a browser does that follows nothing; header is
// pairs of names and values.
func (p *process) fetch(method, at, body string, header ...string) *page {
	p.t.Helper()
	g, err := p.tryFetch(method, at, body, header...)
	if err != nil {
		p.t.Fatal(err)
	}
	return g
}

// tryFetch is fetch from a process that may end meanwhile.
func (p *process) tryFetch(method, at, body string, header ...string) (*page, error) {
	local := strings.Replace(at, "https://u.trial.example", "http://"+p.http, 1)
	r, err := http.NewRequest(method, local, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "text/html")
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	root, err := html.Parse(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	return &page{p: p, url: at, status: answer.StatusCode, header: answer.Header, text: string(text), root: root}, nil
}

// press sends the form with a button of that text, its fields as they stand
// but for the changes: pairs of names and values.
func (g *page) press(button string, changes ...string) *page {
	g.p.t.Helper()
	form := g.form(button)
	if form == nil {
		g.p.t.Fatalf("no form with the button %q on\n%s", button, g.text)
	}
	fields := values(form)
	for i := 0; i+1 < len(changes); i += 2 {
		if _, there := find(form, func(n *html.Node) bool { return attribute(n, "name") == changes[i] }); !there {
			g.p.t.Fatalf("the form has no field %q:\n%s", changes[i], g.text)
		}
		fields = fields.set(changes[i], changes[i+1])
	}
	at, err := g.target(form)
	if err != nil {
		g.p.t.Fatal(err)
	}
	return g.p.fetch(http.MethodPost, at, fields.encode())
}

// target is where a form of the page is sent.
func (g *page) target(form *html.Node) (string, error) {
	base, err := url.Parse(g.url)
	if err != nil {
		return "", err
	}
	target, err := base.Parse(attribute(form, "action"))
	if err != nil {
		return "", err
	}
	return target.String(), nil
}

// heading is the text of the page's h1.
func (g *page) heading() string {
	n, ok := find(g.root, func(n *html.Node) bool { return n.DataAtom == atom.H1 })
	if !ok {
		return ""
	}
	return content(n)
}

func (g *page) form(button string) *html.Node {
	form, _ := find(g.root, func(n *html.Node) bool {
		if n.DataAtom != atom.Form {
			return false
		}
		_, ok := find(n, func(b *html.Node) bool { return b.DataAtom == atom.Button && content(b) == button })
		return ok
	})
	return form
}

// pairs are form fields in the order of the form: its seal has to come first.
type pairs [][2]string

func (p pairs) set(name, value string) pairs {
	var out pairs
	done := false
	for _, f := range p {
		if f[0] != name {
			out = append(out, f)
		} else if !done {
			out, done = append(out, [2]string{name, value}), true
		}
	}
	if !done {
		out = append(out, [2]string{name, value})
	}
	return out
}

func (p pairs) encode() string {
	var parts []string
	for _, f := range p {
		parts = append(parts, url.QueryEscape(f[0])+"="+url.QueryEscape(f[1]))
	}
	return strings.Join(parts, "&")
}

// values are what a browser would send of a form nobody touched.
func values(form *html.Node) (all pairs) {
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if name == "" {
			continue
		}
		switch n.DataAtom {
		case atom.Input:
			kind := attribute(n, "type")
			if (kind == "checkbox" || kind == "radio") && !has(n, "checked") || kind == "submit" {
				continue
			}
			value := attribute(n, "value")
			if value == "" && kind == "checkbox" {
				value = "on"
			}
			all = append(all, [2]string{name, value})
		case atom.Textarea:
			all = append(all, [2]string{name, content(n)})
		case atom.Select:
			all = append(all, [2]string{name, selected(n)})
		}
	}
	return all
}

func selected(n *html.Node) string {
	first, chosen := "", ""
	for o := range n.Descendants() {
		if o.DataAtom != atom.Option {
			continue
		}
		if first == "" {
			first = attribute(o, "value")
		}
		if has(o, "selected") {
			chosen = attribute(o, "value")
		}
	}
	if chosen != "" {
		return chosen
	}
	return first
}

func find(root *html.Node, is func(*html.Node) bool) (*html.Node, bool) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && is(n) {
			return n, true
		}
	}
	return nil, false
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// content is the text of an element with its spaces folded.
func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
