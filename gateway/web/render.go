package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed templates
var files embed.FS

type css = template.CSS

// pages holds what is shown: the templates, and the fixed pages ready to send.
type pages struct {
	css       string
	templates *template.Template
	notices   map[notice]rendered
}

// rendered is one fixed page for people and for programs.
type rendered struct {
	status     int
	html, text []byte
}

// notice is a fixed page for a request that has no list to show.
type notice int

const (
	noticeInvalid notice = iota
	noticeThrottled
	noticeUnavailable
	noticeNothing
	noticeMethod
)

type noticeText struct {
	status     int
	heading    string
	paragraphs []string
	steps      []string
}

// noticeTexts never depend on what is stored: a wrong link learns nothing.
func noticeTexts() map[notice]noticeText {
	return map[notice]noticeText{
		noticeInvalid: {
			status:     http.StatusNotFound,
			heading:    "This link does not work",
			paragraphs: []string{"The link is not complete, or it was changed on its way. Nothing was changed by opening it.", "To leave the list, try one of these:"},
			steps: []string{
				"Open the link again from the message itself. Copied links are often cut short.",
				"Use the Unsubscribe button of your mail program, usually beside the sender's name.",
				"Answer the message and ask the sender to take you off the list.",
			},
		},
		noticeThrottled: {
			status:     http.StatusTooManyRequests,
			heading:    "Too many wrong links",
			paragraphs: []string{"Many links that do not work were opened from your network. Please wait a minute before you try again. Links that work are not affected."},
		},
		noticeUnavailable: {
			status:     http.StatusServiceUnavailable,
			heading:    "Please try again in a minute",
			paragraphs: []string{"Your request could not be completed just now. Please open the link again in a minute; it stays valid."},
		},
		noticeNothing: {
			status:     http.StatusNotFound,
			heading:    "There is nothing here",
			paragraphs: []string{"This site only serves links in mail. To leave a list, open the link in a message from that list, or use the Unsubscribe button of your mail program."},
		},
		noticeMethod: {
			status:     http.StatusMethodNotAllowed,
			heading:    "This request is not understood",
			paragraphs: []string{"Open the link in a browser to leave the list. Nothing was changed."},
		},
	}
}

// newPages parses what is embedded; it can only fail when the build is wrong.
func newPages() *pages {
	style, err := files.ReadFile("templates/style.css")
	if err != nil {
		panic("web: " + err.Error())
	}
	p := &pages{
		css:       string(style),
		templates: template.Must(template.ParseFS(files, "templates/*.html")),
		notices:   make(map[notice]rendered),
	}
	for n, t := range noticeTexts() {
		html, err := p.execute("notice.html", struct {
			CSS        css
			Title      string
			Heading    string
			Paragraphs []string
			Steps      []string
		}{p.style(), t.heading, t.heading, t.paragraphs, t.steps})
		if err != nil {
			panic("web: " + err.Error())
		}
		p.notices[n] = rendered{status: t.status, html: html, text: t.plain()}
	}
	return p
}

func (t noticeText) plain() []byte {
	var b strings.Builder
	b.WriteString(t.heading + ".\n")
	for _, p := range t.paragraphs {
		b.WriteString(p + "\n")
	}
	for _, s := range t.steps {
		b.WriteString("- " + s + "\n")
	}
	return []byte(b.String())
}

// style is ours and constant, so it needs no escaping; the policy in the
// header names its hash.
func (p *pages) style() css { return css(p.css) }

func (p *pages) execute(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// notice sends a fixed page. Mail programs, which post without asking for
// HTML and may show the answer as it is, get plain text.
func (h *handler) notice(w http.ResponseWriter, r *http.Request, n notice) {
	page := h.pages.notices[n]
	if r.Method != http.MethodGet && r.Method != http.MethodHead &&
		!strings.Contains(r.Header.Get("Accept"), "text/html") {
		reply(w, r, page.status, typeText, page.text)
		return
	}
	reply(w, r, page.status, typeHTML, page.html)
}

func (h *handler) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	html, err := h.pages.execute("page.html", v)
	if err != nil {
		h.log.ErrorContext(r.Context(), "page not rendered", "error", err)
		h.stats.Unavailable.Add(1)
		h.notice(w, r, noticeUnavailable)
		return
	}
	reply(w, r, status, typeHTML, html)
}
