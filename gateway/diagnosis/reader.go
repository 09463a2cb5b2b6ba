package diagnosis

import (
	"strings"

	"offramp/gateway/message"
)

// reader is one message, cut into what it says itself and what it brings back.
type reader struct {
	null     bool
	header   message.Header
	parts    []part
	text     string // of the message itself, without the copy
	returned message.Header
	// returnedText is what the returned message says, and what stands below
	// the copy of its header in a text.
	returnedText string
}

func newReader(raw []byte, null bool) *reader {
	if len(raw) > MaxSize {
		raw = raw[:MaxSize]
	}
	r := &reader{null: null, parts: split(raw)}
	r.header, _ = cutHeader(raw)
	var own, html, back strings.Builder
	for _, p := range r.parts {
		switch {
		case p.media == "message/rfc822", p.media == "message/global":
			r.setReturned(p.text(maxText))
		case p.inside && strings.HasPrefix(p.media, "text/"):
			addText(&back, p)
		case p.inside:
		case p.media == "text/rfc822-headers", p.media == "message/rfc822-headers", p.media == "message/global-headers":
			r.setReturned(p.text(maxText))
		case p.media == "text/html":
			addText(&html, p)
		case strings.HasPrefix(p.media, "text/"), p.media == "message/partial":
			addText(&own, p)
		}
	}
	r.text = own.String()
	if len(strings.TrimSpace(r.text)) < 40 {
		r.text += html.String() // the text beside the page says nothing
	}
	text, copied := cutCopy(r.text)
	r.text = text
	if copied != "" {
		r.setReturned(copied)
		back.WriteString(copied)
	}
	r.returnedText = back.String()
	if r.returnedText == "" {
		r.returnedText = html.String()
	}
	return r
}

func addText(b *strings.Builder, p part) {
	if left := maxText - b.Len(); left > 0 {
		b.WriteString(p.text(left))
		b.WriteByte('\n')
	}
}

// setReturned takes the header of the returned message from its text; the
// first one counts.
func (r *reader) setReturned(text string) {
	if len(r.returned.Fields()) > 0 {
		return
	}
	text = strings.TrimLeft(text, " \t\n>|*-")
	r.returned, _ = cutHeader([]byte(text))
}

func (r *reader) returnedHeader() message.Header { return r.returned }

// copyMarks begin the copy of a message below what a mail system says about it.
// Lower case; the line only has to hold one of them.
var copyMarks = []string{
	"below this line is a copy of the message", "enclosed is a copy of the message", "this is a copy of the message",
	"this is a copy of your message", "this is a copy of the headers", "a copy of the original message",
	"copy of the message body", "original message follows", "original message header", "the header of the original",
	"headers of the original message", "message header follows", "message headers follow", "unsent message follows",
	"unsent message below", "original message -----", "-- original message", "original message:",
	"returned message ---", "undelivered message headers", "begin of the message header", "received: from",
	"the original message was:", "beginning of original message", "included is a copy of the",
	"start of the returned message", "ursprüngliche nachricht", "die kopfzeilen der", "message d'origine",
	"mensaje original", "messaggio originale", "mensagem original", "oorspronkelijk bericht", "oryginalna wiadomość",
	"原始邮件", "元のメッセージ", "以下のメール", "reporting-mta:",
}

// cutCopy cuts a text where a copy of another message begins: at a line that
// says so, or at lines that can only be its header.
func cutCopy(text string) (own, copied string) {
	fields := 0 // lines of a header just before
	begin := 0
	for pos := 0; pos < len(text); {
		end := len(text)
		if nl := strings.IndexByte(text[pos:], '\n'); nl >= 0 {
			end = pos + nl + 1
		}
		line := text[pos:end]
		lower := strings.ToLower(strings.TrimSpace(line))
		if len(lower) < 200 && holdsAny(lower, copyMarks) {
			if strings.HasPrefix(lower, "received: ") || strings.HasPrefix(lower, "reporting-mta:") {
				return text[:pos], text[pos:]
			}
			return text[:pos], text[end:]
		}
		switch {
		case isHeaderLine(lower):
			if fields == 0 {
				begin = pos
			}
			fields++
		case fields > 0 && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) && lower != "":
		default:
			fields = 0
		}
		if fields >= 3 {
			return text[:begin], text[begin:]
		}
		pos = end
	}
	return text, ""
}

// isHeaderLine says whether a line is a field that every message has and that
// nobody writes into a text at the start of a line.
func isHeaderLine(lower string) bool {
	for _, name := range [...]string{"return-path:", "received:", "message-id:", "mime-version:", "content-type:", "date:", "from:", "to:", "subject:", "dkim-signature:"} {
		if strings.HasPrefix(lower, name) {
			return true
		}
	}
	return false
}

func holdsAny(s string, all []string) bool {
	for _, one := range all {
		if strings.Contains(s, one) {
			return true
		}
	}
	return false
}
