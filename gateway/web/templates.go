package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"offramp/gateway/language"
	"offramp/store"
)

//go:embed templates
var files embed.FS

type css = template.CSS

// pages holds what is shown: the templates, and the fixed pages ready to send.
type pages struct {
	css       string
	templates *template.Template
	notices   map[string]map[notice]rendered // by language
}

// newPages reads what is embedded, and the operator's replacements. Every
// template is tried: what an operator wrote must not fail before a recipient.
func (h *handler) newPages() (*pages, error) {
	style, err := files.ReadFile("templates/style.css")
	if err != nil {
		return nil, fmt.Errorf("embedded style: %w", err)
	}
	templates, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("embedded templates: %w", err)
	}
	if h.site.PageDir != "" {
		if style, err = h.site.replace(templates, style); err != nil {
			return nil, fmt.Errorf("OFFRAMP_PAGE_DIR: %w", err)
		}
	}
	p := &pages{css: string(style) + h.site.accents(), templates: templates, notices: map[string]map[notice]rendered{}}
	h.pages = p
	for _, say := range h.site.Texts.Speakers() {
		if p.notices[say.Tag()], err = h.notices(say); err != nil {
			return nil, fmt.Errorf("OFFRAMP_PAGE_DIR: %w", err)
		}
	}
	if err := h.rehearse(); err != nil {
		return nil, fmt.Errorf("OFFRAMP_PAGE_DIR: %w", err)
	}
	return p, nil
}

// replace puts the templates in the operator's folder over ours, and returns
// the style.
func (c Config) replace(templates *template.Template, style []byte) ([]byte, error) {
	entries, err := os.ReadDir(c.PageDir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(c.PageDir, e.Name())
		switch {
		case e.Name() == "style.css":
			if style, err = os.ReadFile(path); err != nil {
				return nil, err
			}
		case filepath.Ext(e.Name()) != ".html":
		case templates.Lookup(e.Name()) == nil:
			return nil, fmt.Errorf("%s does not override any template: remove it, or give it the name of one", path)
		default:
			if _, err := templates.ParseFiles(path); err != nil {
				return nil, err
			}
		}
	}
	return style, nil
}

// TextDir is the folder with the operator's texts; empty: there is none.
func (c Config) TextDir() string {
	dir := filepath.Join(c.PageDir, "texts")
	if _, err := os.Stat(dir); c.PageDir == "" || errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return dir
}

// rehearse executes each template with everything it can show.
func (h *handler) rehearse() error {
	say := h.site.Texts.Match()
	r := &http.Request{Method: http.MethodGet, URL: new(url.URL)}
	f := h.frame(r, say, "title").of(state{list: store.List{Footer: "footer"}, readers: []string{"reader"}})
	b := &button{Query: "?", Seal: "seal", Action: "action", Label: "label", Hint: "hint", Event: 1}
	list := listView{Name: "name", Description: "description", Sender: "sender", ThirdParty: "third", Mails: "mails"}
	choice := choiceView{listView: list, Field: "field", ID: "id", Options: []optionView{{Value: "value", Label: "label", Selected: true}}}
	rows := []rowView{{"name", "value", "since"}}
	event := eventView{"time", "what", "list", "how", "in force", b}
	two := []string{"first", "second"}
	for name, data := range map[string]any{
		"page.html": view{
			frame: f, Refused: two, Field: "until", Lines: two, Left: true, Folded: true, About: true, AtOnce: true, Undo: b, Receipt: b, Reason: &reasonView{*b, two}, Heading: "heading",
			Sentences: two, Since: "since", List: list, Recipient: "recipient", Leave: b, Again: b, AllAgain: b, Refusing: b, LeaveAll: b,
			Choose:  &chooseView{*b, []choiceView{choice}, &choice, &dateView{"a", "b", "c", "d", "e", true}, &sharingView{true, true}, true, "shown", "?", "?"},
			History: "?", Erase: "?"},
		"history.html": historyView{
			frame: f, Honoured: &honouredView{two, b}, Heading: "heading", What: "what", Kept: "kept", Choices: rows, Contacts: rows, Stops: rows,
			Events: []eventView{event}, Download: b, Receipts: true, Back: "?"},
		"erase.html":   eraseView{f, &honouredView{two, b}, "heading", two, b, "?"},
		"confirm.html": confirmView{f, two, "until", two, "heading", two, b, b},
		"code.html":    codeView{f, two, "code", "error", two, "heading", two, b, b, b},
		"opened.html":  openedView{f, "heading", "what", b, []eventView{event}},
		"said.html":    view{frame: f, Lines: two, AtOnce: true, Heading: "heading"},
	} {
		if _, err := h.pages.execute(name, data); err != nil {
			return err
		}
	}
	return nil
}

// style is ours or the operator's and constant, so it needs no escaping; the
// policy in the header names its hash.
func (p *pages) style() css { return css(p.css) }

func (p *pages) execute(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (h *handler) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	html, err := h.pages.execute(name, data)
	if err != nil {
		h.log.ErrorContext(r.Context(), "page not rendered", "error", err)
		h.stats.Unavailable.Add(1)
		h.notice(w, r, noticeUnavailable)
		return
	}
	reply(w, r, status, typeHTML, html)
}

// notice sends a fixed page. Mail programs, which post without asking for
// HTML and may show the answer as it is, get plain text.
func (h *handler) notice(w http.ResponseWriter, r *http.Request, n notice) {
	page := h.pages.notices[h.speaker(r, store.List{}).Tag()][n]
	if r.Method != http.MethodGet && r.Method != http.MethodHead &&
		!strings.Contains(r.Header.Get("Accept"), "text/html") {
		reply(w, r, page.status, typeText, page.text)
		return
	}
	reply(w, r, page.status, typeHTML, page.html)
}

// notices renders the fixed pages of one language.
func (h *handler) notices(say *language.Speaker) (map[notice]rendered, error) {
	all := map[notice]rendered{}
	f := h.frame(&http.Request{Method: http.MethodGet, URL: new(url.URL)}, say, "")
	for n, t := range noticeTexts() {
		text := t.in(say)
		text.frame = f
		text.Title = text.Heading
		html, err := h.pages.execute("notice.html", text)
		if err != nil {
			return nil, err
		}
		all[n] = rendered{status: t.status, html: html, text: text.plain()}
	}
	return all, nil
}
