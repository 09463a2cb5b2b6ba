package footer

import (
	"bytes"
	"os"
	"path/filepath"
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

const (
	plainHeader = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
	htmlHeader  = "Content-Type: text/html; charset=utf-8\n\n"
)

// The line comes in the language of the list, as far as the charset has it.
func TestLanguageAndCharset(t *testing.T) {
	f := newFooter(t, "")
	german := store.List{ID: "news.example.org", Name: "Große Neuigkeiten", Language: "de"}
	for _, tt := range []struct {
		name    string
		list    store.List
		message string
		want    string
	}{
		{"UTF-8", german, plainHeader + "Grüße\n", "„Große Neuigkeiten“ abbestellen oder seltener bekommen: " + link},
		{"Latin-1 lacks the quotation marks", german, "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\nGr\xfc\xdfe\n",
			"\"Gro\xdfe Neuigkeiten\" abbestellen oder seltener bekommen: " + link},
		{"US-ASCII lacks the language", german, "Content-Type: text/plain\n\nHello\n", `Unsubscribe from "news.example.org" or get fewer messages: ` + link},
		{"UTF-8 declared as 7bit", german, "Content-Type: text/plain; charset=utf-8\n\nHello\n", `Unsubscribe from "news.example.org"`},
		{"language of the page", store.List{ID: "l"}, strings.Replace(htmlHeader, "\n\n", "\n\n<html lang=nl><body>Hallo</body></html>\n", 1), "Uitschrijven voor &#8220;l&#8221;"},
		{"right to left", store.List{ID: "l", Language: "ar"}, htmlHeader + "<p>x\n", `dir="rtl"`},
		{"ISO-2022-JP", store.List{ID: "l", Name: "ニュース", Language: "ja"}, "Content-Type: text/plain; charset=ISO-2022-JP\n\n\x1b$B%K\x1b(B\n", "\x1b(B\n\n\x1b$B!V"},
		{"a name that steers the screen", store.List{ID: "l", Name: "a\u202eb\nc"}, plainHeader + "é\n", "“ab c”"},
		{"a name with markup", store.List{ID: "l", Name: "<b>&"}, htmlHeader + "x\n", "&#8220;&lt;b&gt;&amp;&#8221;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := footed(t, f, tt.list, tt.message, false); !strings.Contains(got, tt.want) {
				t.Errorf("no %q in\n%s", tt.want, got)
			}
		})
	}
}

// The first message of a list says who sends it, why, how it ends, and where the
// privacy notice is; those that follow are one line.
func TestFirstMessage(t *testing.T) {
	f := newFooter(t, "")
	list := store.List{ID: "news.example.org", Name: "News", Sender: "The Paper"}
	_, first := footed(t, f, list, plainHeader+"Hello\n", true)
	for _, want := range []string{"sent by The Paper", "You get it because", "To end it", "https://example.org/privacy", link} {
		if !strings.Contains(strings.ReplaceAll(first, "\n", " "), want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	_, usual := footed(t, f, list, plainHeader+"Hello\n", false)
	if want := "Hello\n\nUnsubscribe from \"News\" or get fewer messages: " + link + "\n"; usual != want {
		t.Errorf("got %q, want %q", usual, want)
	}
}

// Whatever the names are, the line has none over 998 bytes (RFC 5322 section
// 2.1.1): a server further on would break it, and the signature with it.
func TestLongNames(t *testing.T) {
	f := newFooter(t, "")
	for _, tag := range [...]string{"ar", "de", "en", "ja", "pl", "zh"} {
		for _, c := range [...]string{"x", "&", "é", "字", "😀"} {
			list := store.List{ID: "l.example.org", Language: tag, Name: strings.Repeat(c, 200), Sender: strings.Repeat(c, 200)}
			for _, header := range [...]string{htmlHeader, plainHeader + "é"} {
				_, got := footed(t, f, list, header+"x\n", true)
				for line := range strings.Lines(got) {
					if n := len(strings.TrimRight(line, "\n")); n > 998 {
						t.Errorf("%s, %q: a line of %d bytes", tag, c, n)
					}
				}
			}
		}
	}
}

// Templates of a folder replace the embedded ones, those of a list the folder's.
func TestTemplates(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("footer.txt", "all: {{.Link}}\n")
	write("footer.html", "<p>a\r<a href='{{.Link}}'>b\r\n</a>")
	write("lists/one.example.org/footer.txt", "one {{.List}}: {{.Link}} {{if .First}}first{{end}}\n")
	f := newFooter(t, dir)
	for list, want := range map[string]string{"one.example.org": "one one.example.org: " + link + " first", "two.example.org": "all: " + link, "../lists/one.example.org": "all: "} {
		if _, got := footed(t, f, store.List{ID: list}, plainHeader+"x\n", true); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in %q", list, want, got)
		}
	}
	if _, got := footed(t, f, store.List{ID: "two.example.org"}, htmlHeader+"x\n", true); !strings.Contains(got, "<p>a\n<a href='"+link+"'>b\n</a>") {
		t.Errorf("line ends of a file stay: %q", got)
	}
	for name, want := range map[string]string{"no link": "has no {{.Link}}", "{{.Link}} {{.Nothing}}": "Nothing", "{{.Link}} {{if .Privacy}}{{if .First}}{{.Missing}}{{end}}{{end}}": "Missing", "{{.Link": "unclosed", strings.Repeat("x", maxFile+1): "larger than 32 KiB"} {
		write("footer.html", name)
		if err := new(Footer).Load(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "footer.html") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
