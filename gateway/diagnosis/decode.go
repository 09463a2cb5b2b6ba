package diagnosis

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // texts of every charset in use

	"offramp/gateway/message"
)

// text returns what a part says in UTF-8, with "\n" as line end.
func (p part) text(limit int) string {
	s := decode(p.header, p.media, p.params, p.body, limit)
	if p.media == "text/html" {
		s = htmlText(s)
	}
	return s
}

func encoded(h message.Header) bool {
	switch message.Keyword(h.Get("Content-Transfer-Encoding")) {
	case "base64", "quoted-printable":
		return true
	}
	return false
}

// decode undoes transfer encoding and charset, as far as they can be undone.
func decode(h message.Header, media, params string, body []byte, limit int) string {
	var fields gomessage.Header
	charset := param(params, "charset")
	if charset == "" && bytes.Contains(body, []byte("\x1b$")) {
		charset = "iso-2022-jp" // who writes this declares it too seldom
	}
	if strings.HasPrefix(media, "text/") || strings.HasPrefix(media, "message/") {
		media = "text/plain"
	}
	if charset != "" {
		fields.SetContentType(media, map[string]string{"charset": charset})
	}
	if encoded(h) {
		fields.Set("Content-Transfer-Encoding", message.Keyword(h.Get("Content-Transfer-Encoding")))
	}
	out := body[:min(len(body), limit)]
	if entity, err := gomessage.New(fields, bytes.NewReader(body)); entity != nil && (err == nil || gomessage.IsUnknownCharset(err)) {
		// What comes before a fault is worth reading.
		if got, _ := io.ReadAll(io.LimitReader(entity.Body, int64(limit))); len(got) > 0 {
			out = got
		}
	}
	s := strings.ToValidUTF8(string(out), "\ufffd")
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// htmlText returns the text of a page: tags are taken out, blocks become lines.
func htmlText(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	for s != "" {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			break
		}
		out.WriteString(s[:open])
		s = s[open:]
		end := strings.IndexByte(s, '>')
		if end < 0 {
			return out.String()
		}
		tag, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s[1:end])), " ")
		switch strings.Trim(tag, "/") {
		case "br", "p", "div", "tr", "td", "li", "h1", "h2", "h3", "h4", "table", "title", "pre", "blockquote":
			out.WriteByte('\n')
		case "style", "script":
			if strings.HasPrefix(tag, "/") {
				break
			}
			_, rest, found := strings.Cut(s, "</")
			for found && !strings.EqualFold(rest[:min(len(rest), len(tag))], tag) {
				_, rest, found = strings.Cut(rest, "</")
			}
			if !found {
				return out.String()
			}
			s = s[len(s)-len(rest)-2:]
			continue
		default:
			if strings.Contains(tag, "@") { // an address that nobody escaped
				out.WriteString(s[:end+1])
			}
		}
		s = s[end+1:]
	}
	out.WriteString(s)
	return entities.Replace(out.String())
}

var entities = strings.NewReplacer("&nbsp;", " ", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&#x27;", "'", "&#64;", "@", "&amp;", "&")

// cut returns at most n octets of s, in UTF-8.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
