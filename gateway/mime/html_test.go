package mime

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/net/html"
)

// TestHTML: what a page shows, line by line. The words are those a parser finds
// that builds the tree of the page.
func TestHTML(t *testing.T) {
	eachCase(t, "html", func(t *testing.T, in []byte) []txtar.File {
		text := HTMLText(string(in), len(in))
		if got, want := words(text), words(shown(t, in)); got != want {
			t.Errorf("the words\n%s\nwant\n%s", got, want)
		}
		return []txtar.File{section("text", []byte(strings.ReplaceAll(text, "\n", "\r\n")))}
	})
}

// TestCorpusHTML: of real pages the same words are found that the tree has.
func TestCorpusHTML(t *testing.T) {
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		t.Skip("MAIL_CORPUS is not set, which TestCorpus complains about")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for _, leaf := range Leaves(Split(raw)) {
			if leaf.Media != "text/html" {
				continue
			}
			pages++
			markup := leaf.Text(1 << 20)
			if got, want := words(HTMLText(markup, 1<<20)), words(shown(t, []byte(markup))); got != want {
				t.Errorf("%s: the words\n%s\nwant\n%s", name, got, want)
			}
		}
	}
	if t.Logf("%d pages", pages); pages < 40 {
		t.Errorf("%d pages", pages)
	}
}

func words(text string) string {
	return strings.Join(strings.Fields(text), " ")
}

// shown returns the text of the tree of a page.
func shown(t *testing.T, markup []byte) string {
	t.Helper()
	tree, err := html.ParseWithOptions(bytes.NewReader(markup), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			out.WriteString(n.Data)
			return
		}
		switch n.Data {
		case "style", "script", "head", "title", "template", "iframe", "noembed", "noframes":
			return
		}
		for _, a := range n.Attr {
			if a.Key == "hidden" {
				return
			}
		}
		lines := n.Type == html.ElementNode && elements[n.Data]&line != 0
		if lines {
			out.WriteByte('\n')
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if lines {
			out.WriteByte('\n')
		}
	}
	walk(tree)
	return out.String()
}

// Pages that are made to hurt take no longer than their length, and what is
// hidden stays so behind the limit of elements told apart.
func TestHostileHTML(t *testing.T) {
	for name, page := range map[string]string{
		"deep":        strings.Repeat("<div>", 200_000) + "x",
		"formatting":  strings.Repeat("<b><p>", 150_000) + "x",
		"end tags":    strings.Repeat("<i>", 150_000) + strings.Repeat("</u>", 40_000) + "x",
		"attributes":  "<p " + strings.Repeat("a=1 ", 250_000) + ">x",
		"comments":    strings.Repeat("<style><!--", 90_000),
		"deep hidden": strings.Repeat("<div>", 2*maxOpen) + "<div hidden>secret",
		"entities":    strings.Repeat("&nGt;", 200_000),
	} {
		t.Run(name, func(t *testing.T) {
			text := HTMLText(page, 1<<20)
			if why := slow(t, page); why != "" {
				t.Error(why)
			}
			if strings.Contains(text, "secret") || len(text) > 1<<20 {
				t.Errorf("%d bytes: %.100q", len(text), text)
			}
		})
	}
}

// slow says how a page costs more than by its length, or "". Finding its tags
// alone is the measure, and the processor's time is taken: a machine that is busy
// makes everything late, and nothing dearer.
func slow(t *testing.T, page string) string {
	alone := spent(t, func() {
		for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
			for more := true; more; {
				_, _, more = z.TagAttr()
			}
		}
	})
	took := spent(t, func() {
		HTMLText(page, 1<<20)
		HTMLAnswer(page, 1<<20)
	})
	if took > 12*alone+100*time.Millisecond {
		return fmt.Sprintf("took %v, its tags alone %v", took, alone)
	}
	return ""
}

// spent returns the processor's time that a function takes in this process.
func spent(t *testing.T, do func()) time.Duration {
	t.Helper()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		t.Fatal(err)
	}
	do()
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		t.Fatal(err)
	}
	return time.Duration(after.Utime.Nano() - before.Utime.Nano())
}

// What an answer quotes is marked, however it is nested or closed, and a line end
// of the markup ends no line.
func TestHTMLAnswer(t *testing.T) {
	for page, want := range map[string]string{
		"a\nb<p>c":                          "a b|c",
		"a<blockquote>b<br>c</blockquote>d": "a|> b|> c|d",
		"<blockquote>b<blockquote>c</blockquote>d</blockquote>e": "> b|> c|> d|e",
		"<blockquote><div>b</blockquote>e":                       "> b|e",
		"<blockquote hidden>b</blockquote>e":                     "e",
		"</blockquote>e":                                         "e",
		`a<div class="x_gmail_quote y">b<p>c</p></div>d`:         "a|> b|> c|d",
		`a<span id=OLK_SRC_BODY_SECTION>b</span>c`:               "a|> b|c",
		`a<hr id="stopSpelling">b<div>c</div>`:                   "a|> b|> c",
		`<div>a</div><div><div style="border:none; border-top:solid #E1E1E1 1.0pt">b</div></div><div>c</div>`: "a|> b|> c",
		`<div style="border-top:solid 1pt">a</div>`:                                                           "a",
	} {
		var lines []string
		for line := range strings.Lines(HTMLAnswer(page, 1000)) {
			if line = strings.TrimSpace(line); line != "" && line != ">" {
				lines = append(lines, line)
			}
		}
		if got := strings.Join(lines, "|"); got != want {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}
}

// FuzzHTML: no page makes it fail or write more than it may, and none without
// mark-up is changed.
func FuzzHTML(f *testing.F) {
	for _, page := range []string{"<p>a<p hidden>b<p>c", "<!-- > -->a", "<a title='>'>b</a", "<head><title>x", "<template><div></template>a", "\xff<\x00>"} {
		f.Add(page, 100)
	}
	f.Fuzz(func(t *testing.T, page string, limit int) {
		limit = limit & 0xffff
		text := HTMLText(page, limit)
		if answer := HTMLAnswer(page, limit); len(answer) > limit {
			t.Fatalf("%q: %q", page, answer)
		}
		if len(text) > limit || utf8.ValidString(page) && !utf8.ValidString(text) {
			t.Fatalf("%q: %q", page, text)
		}
		if !strings.ContainsAny(page, "<&\r\x00") && text != clip(page, limit) {
			t.Fatalf("%q: %q", page, text)
		}
	})
}
