package web

import (
	"net/http"
	"net/url"
	"unicode"

	"offramp/gateway/language"
)

// frame is what every page has around its content. Templates say texts by it:
// {{.Say "page.save"}}.
type frame struct {
	*language.Speaker
	CSS       css
	Title     string
	Logo      string // path; empty: none
	Operator  string
	Address   string // of the operator
	Email     string // of the operator
	Privacy   string // address of the privacy notice
	Complaint string // where to complain to the operator
	Footer    string // of the list
	When      bool   // the page says when choices hold
	Readers   string // names of the systems that choices are passed on to; empty: none
	Languages []languageLink
	Query     string // of links and forms of this page, with the language that was chosen
}

// languageLink leads to the same page in a language.
type languageLink struct {
	Tag, Name, Query string
	Current          bool
}

// frame returns the frame of a page that answers r. A page that was asked for by
// a form has no view of its own to come back to.
func (h *handler) frame(r *http.Request, say *language.Speaker, title string) frame {
	f := frame{
		Speaker: say, CSS: h.pages.style(), Title: title,
		Operator: isolate(say, h.operator), Address: h.site.OperatorAddress, Email: h.site.OperatorEmail, Privacy: h.site.PrivacyURL,
		Complaint: h.site.ComplaintURL,
		Query:     query(r, ""),
	}
	if h.logo.body != nil {
		f.Logo = h.base + logoPath
	}
	view := ""
	if r.Method != http.MethodPost {
		view = viewOf(r)
	}
	for _, s := range h.site.Texts.Speakers() {
		link := "?lang=" + s.Tag()
		if view != "" {
			link += "&view=" + view
		}
		f.Languages = append(f.Languages, languageLink{Tag: s.Tag(), Name: s.Name(), Query: link, Current: s == say})
	}
	return f
}

// of adds what is said of the list, and of what becomes of choices.
func (f frame) of(s state) frame {
	f.Footer, f.When = s.list.Footer, true
	for i, name := range s.readers {
		if name = isolate(f.Speaker, name); i > 0 {
			name = f.Say("list.pair", "First", f.Readers, "Second", name)
		}
		f.Readers = name
	}
	return f
}

// query is what leads to another view of the page, in the language that was
// chosen.
func query(r *http.Request, rest string) string {
	q := "?"
	if lang := asked(r); lang != "" {
		q += "lang=" + url.QueryEscape(lang)
		if rest != "" {
			q += "&"
		}
	}
	return q + rest
}

// hasRightToLeft says whether a text has letters of a script that is written
// from right to left.
func hasRightToLeft(s string) bool {
	for _, r := range s {
		if r >= 0x590 && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko) {
			return true
		}
	}
	return false
}
