package footer

import (
	"bytes"
	"strings"
	"testing"

	"offramp/gateway/language"
	"offramp/gateway/mime"
	"offramp/store"
)

const link = "https://offramp.example.org/p/AAAA"

func newFooter(t testing.TB, dir string) *Footer {
	t.Helper()
	texts, err := language.Load("")
	if err != nil {
		t.Fatal(err)
	}
	f := &Footer{Texts: texts, Language: "en", Operator: "Example Ltd", Privacy: "https://example.org/privacy", Ours: "https://offramp.example.org"}
	if err := f.Load(dir); err != nil {
		t.Fatal(err)
	}
	return f
}

// footed returns a message with its line.
func footed(t testing.TB, f *Footer, l store.List, message string, first bool) (*Plan, string) {
	t.Helper()
	head, body, ok := strings.Cut(message, "\n\n")
	if !ok {
		t.Fatal("no body")
	}
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	header, body := crlf(head+"\n\n"), crlf(body)
	p, err := f.Plan(Message{Header: mime.ParseHeader([]byte(header)), List: l, EightBit: true}, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if p.Result != Added {
		return p, ""
	}
	var out bytes.Buffer
	if err := mime.Rewrite(&out, strings.NewReader(body), p.Edits(link, first), nil); err != nil {
		t.Fatal(err)
	}
	return p, strings.ReplaceAll(out.String(), "\r\n", "\n")
}

func TestX(t *testing.T) {
	f := newFooter(t, "")
	_, out := footed(t, f, store.List{ID: "news.example.org", Name: "Große Neuigkeiten", Language: "de"}, "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nHello é\n", true)
	t.Log(out)
	_, out = footed(t, f, store.List{ID: "news.example.org", Name: "Große Neuigkeiten", Language: "de"}, "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<html><body><table><tr><td>Hello =C3=A9</body></html>\n", true)
	t.Log(out)
	_, out = footed(t, f, store.List{ID: "news.example.org", Name: "ニュース", Language: "ja"}, "Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: 7bit\n\nHello\n", false)
	t.Log(out)
	_, out = footed(t, f, store.List{ID: "news.example.org", Name: "ニュース", Language: "ja"}, "Content-Type: text/html; charset=iso-2022-jp\nContent-Transfer-Encoding: base64\n\nPGh0bWw+PGJvZHk+PGI+SGVsbG88L2JvZHk+PC9odG1sPgo=\n", false)
	t.Log(out)
}
