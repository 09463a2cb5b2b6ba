package diagnosis

import (
	"strings"

	"offramp/gateway/mime"
)

// letter is a message taken apart: what it says itself, and what it returns.
type letter struct {
	header       mime.Header
	null         bool // empty reverse-path
	parts        []mime.Leaf
	text         string // own text, up to the returned message
	answer       string // the same of a page, with what it quotes marked
	returned     mime.Header
	enclosed     []byte // the same as it came
	returnedText string
	subject      string          // decoded
	from         string          // address of From, lower case
	status       []byte          // message/delivery-status, decoded
	feedback     []byte          // message/feedback-report, decoded
	receipt      bool            // has a message/disposition-notification
	disposition  []byte          // that, decoded
	parties      map[string]bool // who wrote it and who got it, lower case
}

func open(raw []byte) *letter {
	l := &letter{}
	var body []byte
	l.header, body = mime.Split(raw)
	l.parts = mime.Leaves(l.header, body)
	l.subject = words(l.header.Get("Subject"))
	l.from = strings.ToLower(addressIn(l.header.Get("From")))
	l.parties = map[string]bool{}
	for _, name := range []string{"To", "From", "Delivered-To", "X-Original-To", "Envelope-To"} {
		l.parties[strings.ToLower(addressIn(l.header.Get(name)))] = true
	}
	for i := range l.parts {
		l.sort(&l.parts[i])
	}
	l.gatherText()
	return l
}

// sort puts a part where it belongs; the first of each sort counts.
func (l *letter) sort(p *mime.Leaf) {
	switch p.Media {
	case "message/delivery-status", "message/global-delivery-status":
		if l.status == nil {
			l.status = []byte(p.Text(MaxSize))
		}
	case "message/feedback-report":
		if l.feedback == nil {
			l.feedback = []byte(p.Text(MaxSize))
		}
	case "message/disposition-notification", "message/global-disposition-notification":
		l.receipt, l.disposition = true, []byte(p.Text(maxText))
	case "message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers", "message/partial":
		l.takeReturned(p)
	}
}

// takeReturned reads the message that came back. Some label the report so, and
// some encode it although RFC 2046 section 5.2.1 forbids that.
func (l *letter) takeReturned(p *mime.Leaf) {
	if len(l.returned.Raw()) > 0 {
		return
	}
	raw := p.Body
	switch mime.Keyword(p.Header.Get("Content-Transfer-Encoding")) {
	case "base64", "quoted-printable":
		raw = []byte(p.Text(MaxSize))
	}
	h, body := mime.Split(raw)
	if len(h.Fields()) == 0 {
		return
	}
	l.returned, l.enclosed = h, raw
	l.returnedText = textOf(h, body)
}

// textOf returns the texts of a returned message, mark-up kept: what a caller
// looks for may stand in a link.
func textOf(h mime.Header, body []byte) string {
	var out strings.Builder
	for _, p := range mime.Leaves(h, body) {
		if strings.HasPrefix(p.Media, "text/") && out.Len() < maxText {
			out.WriteString(p.Text(maxText - out.Len()))
			out.WriteByte('\n')
		}
	}
	return clip(out.String(), maxText)
}

// gatherText joins the plain texts before the returned message, or the HTML
// where there is none, and cuts at a message quoted in the text.
func (l *letter) gatherText() {
	text := l.join("text/plain")
	if strings.TrimSpace(text) == "" {
		page := l.join("text/html")
		text = mime.HTMLText(page, 2*maxText)
		l.answer, _ = cutReturned(mime.HTMLAnswer(page, maxReason))
	}
	own, quoted := cutReturned(text)
	l.text = clip(own, maxText)
	if quoted == "" && len(l.returned.Raw()) == 0 {
		l.returnedText = clip(quotedLines(text)+l.join("text/html"), maxText)
	}
	if quoted == "" || len(l.returned.Raw()) > 0 {
		return
	}
	h, body := mime.Split([]byte(quoted))
	l.returned, l.enclosed = h, []byte(quoted)
	if len(h.Fields()) == 0 {
		body = []byte(quoted)
	}
	l.returnedText = clip(strings.ToValidUTF8(string(body), "�")+"\n"+l.returnedText, maxText)
}

// quotedLines returns what an answer quotes, without the signs of quotation.
func quotedLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimLeft(line, " \t"); strings.HasPrefix(line, ">") {
			out.WriteString(strings.TrimLeft(line, "> "))
		}
	}
	return out.String()
}

// join returns the texts of a media type up to the returned message.
func (l *letter) join(media string) string {
	var out strings.Builder
	for _, p := range l.parts {
		switch {
		case strings.HasPrefix(p.Media, "message/rfc822"), p.Media == "text/rfc822-headers", p.Media == "message/global":
			return out.String()
		case p.Media == media && out.Len() < 2*maxText && !p.Attachment():
			out.WriteString(p.Text(2*maxText - out.Len()))
			out.WriteByte('\n')
		}
	}
	return out.String()
}
