package inbox

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"

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
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return l
	}
	var words mime.WordDecoder
	l.From, l.Subject = msg.Header.Get("From"), msg.Header.Get("Subject")
	if from, err := mail.ParseAddress(l.From); err == nil && from.Name != "" {
		l.From = from.Name
	}
	l.Initial = initial(l.From)
	if subject, err := words.DecodeHeader(l.Subject); err == nil {
		l.Subject = subject
	}
	if id, err := listunsub.ParseListID(msg.Header.Get("List-Id")); err == nil {
		if l.List = id.Name; l.List == "" {
			l.List = id.ID
		}
	}
	l.OneClick = OneClickURI(msg.Header.Get("List-Unsubscribe"), msg.Header.Get("List-Unsubscribe-Post"))
	l.Headers = addedFields(m.Raw)
	l.Text = in.linked(plainText(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body))
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
func addedFields(raw []byte) string {
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var out strings.Builder
	keep := false
	for line := range strings.SplitSeq(string(header), "\r\n") {
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			name, _, _ := strings.Cut(strings.ToLower(line), ":")
			keep = strings.HasPrefix(name, "list-") || name == "dkim-signature"
		}
		if keep {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// plainText returns the first text/plain part, decoded, at most 64 KiB.
func plainText(contentType, encoding string, body io.Reader) string {
	kind, params, err := mime.ParseMediaType(contentType)
	if err == nil && strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil {
				return ""
			}
			if text := plainText(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); text != "" {
				return text
			}
		}
	}
	if err == nil && kind != "text/plain" {
		return ""
	}
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, _ := io.ReadAll(io.LimitReader(body, 64<<10))
	return string(text)
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
