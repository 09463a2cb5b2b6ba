package inbox

import (
	"html/template"
	"net/mail"
	"strings"

	"offramp/gateway/mime"
	"offramp/listunsub"
)

// letter is one message as the page shows it.
type letter struct {
	Index    int
	From     string
	Initial  string
	Subject  string
	Date     string
	List     string
	OneClick string // https URI, empty: no button
	Signed   bool
	Headers  string // the fields that Offramp added
	Text     template.HTML
}

// letter reads a message. What cannot be read stays empty: a page with a
// gap is better than none.
func (in *Inbox) letter(index int, m Received) letter {
	l := letter{Index: index, Signed: m.Signed, Date: m.At.Local().Format("15:04")}
	h, body := mime.Split(m.Raw)
	l.From, l.Subject = h.Get("From"), mime.DecodeWords(h.Get("Subject"))
	if from, err := mail.ParseAddress(l.From); err == nil && from.Name != "" {
		l.From = from.Name
	}
	l.Initial = initial(l.From)
	if id, err := listunsub.ParseListID(h.Get("List-Id")); err == nil {
		if l.List = id.Name; l.List == "" {
			l.List = id.ID
		}
	}
	l.OneClick = OneClickURI(h.Get("List-Unsubscribe"), h.Get("List-Unsubscribe-Post"))
	l.Headers = addedFields(h)
	l.Text = in.linked(plainText(h, body))
	return l
}

// OneClickURI returns the https URI a provider would post to, or "".
func OneClickURI(unsubscribe, post string) string {
	if strings.Join(strings.Fields(post), "") != listunsub.PostValue {
		return ""
	}
	uris, err := listunsub.Parse(unsubscribe)
	if err != nil {
		return ""
	}
	for _, u := range uris {
		if strings.HasPrefix(u, "https://") {
			return u
		}
	}
	return ""
}

// addedFields returns the unsubscribe and signature fields as they arrived.
func addedFields(h mime.Header) string {
	var out strings.Builder
	for _, f := range h.Fields() {
		if name := strings.ToLower(f.Name); strings.HasPrefix(name, "list-") || name == "dkim-signature" {
			out.WriteString(strings.ReplaceAll(string(f.Raw), "\r\n", "\n"))
		}
	}
	return out.String()
}

// plainText returns the first text/plain part, decoded, at most 64 KiB.
func plainText(h mime.Header, body []byte) string {
	for _, leaf := range mime.Leaves(h, body) {
		if leaf.Media != "text/plain" {
			continue
		}
		if text := leaf.Text(64 << 10); text != "" {
			return text
		}
	}
	return ""
}

// linked escapes text and makes its web addresses links.
func (in *Inbox) linked(text string) template.HTML {
	var out strings.Builder
	for len(text) > 0 {
		start := strings.Index(text, "http")
		if start < 0 {
			break
		}
		out.WriteString(template.HTMLEscapeString(text[:start]))
		text = text[start:]
		end := strings.IndexAny(text, " \r\n\t<>\"")
		if end < 0 {
			end = len(text)
		}
		word := template.HTMLEscapeString(text[:end])
		if strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://") {
			out.WriteString(`<a href="` + template.HTMLEscapeString(in.Link(text[:end])) + `">` + word + `</a>`)
		} else {
			out.WriteString(word)
		}
		text = text[end:]
	}
	out.WriteString(template.HTMLEscapeString(text))
	return template.HTML(out.String())
}

// initial is the first letter of a name.
func initial(name string) string {
	for _, r := range name {
		return string(r)
	}
	return ""
}
