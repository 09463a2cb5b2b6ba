package footer

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"offramp/gateway/mime"
	"offramp/store"
)

// letter is a message that goes to a list.
type letter struct {
	name string
	raw  []byte // with CRLF
	list store.List

	// What is expected; empty: nothing is said about it.
	result string // as Plan.String
	parts  string // that get the line: "plain html"
}

// judged is a letter with the line, as Python's email package reads it.
type judged struct {
	Name, Form string
	Parts      string
	Problems   []string
	Page       string // file with the decoded HTML part; empty: it did not change
	Charset    string
}

// newLetter reads a message. X-Language names the language of its list.
func newLetter(name string, raw []byte) letter {
	raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	l := letter{name: name, raw: raw, list: store.List{ID: "news.example.org", Name: "Example News", Sender: "Example Ltd"}}
	if rest, ok := bytes.CutPrefix(raw, []byte("X-Why: ")); ok {
		_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if rest, ok = bytes.CutPrefix(rest, []byte("X-Language: ")); ok {
			language, _, _ := bytes.Cut(rest, []byte("\r\n"))
			l.list.Language = string(language)
		}
	}
	return l
}

// letters returns those under testdata/letters, and large ones, with what
// testdata/expected.tsv says of them.
func letters(t testing.TB) []letter {
	t.Helper()
	table, err := os.ReadFile(filepath.Join("testdata", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var all []letter
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 3 {
			t.Fatalf("expected.tsv: %q has no three columns", line)
		}
		raw, err := os.ReadFile(filepath.Join("testdata", "letters", f[0]+".eml"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(raw, []byte("X-Why: ")) {
			t.Errorf("%s does not say why it is there", f[0])
		}
		l := newLetter(f[0], raw)
		l.result, l.parts = f[1], f[2]
		all = append(all, l)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "letters", "*.eml"))
	if err != nil || len(files) != len(all) {
		t.Errorf("%d letters, but %d in expected.tsv (%v)", len(files), len(all), err)
	}
	return append(all, largeLetters()...)
}

func encodedLines(text string) string {
	var out strings.Builder
	for text = base64.StdEncoding.EncodeToString([]byte(text)); len(text) > 76; text = text[76:] {
		out.WriteString(text[:76] + "\n")
	}
	return out.String() + text + "\n"
}

// largeLetters are made here, since files of their size say no more.
func largeLetters() []letter {
	made := func(name, fields, body, result, parts string) letter {
		l := newLetter(name, []byte("From: news@example.org\nSubject: x\nMIME-Version: 1.0\n"+fields+"\n\n"+body))
		l.result, l.parts = result, parts
		return l
	}
	page := "Content-Type: text/html; charset=utf-8"
	row := "<tr><td>The market opens at nine, and the teapots are blue.</td></tr>\n"
	long := "<html><body><table>\n" + strings.Repeat(row, 1<<20/len(row)) + "</table></body></html>\n"
	image := "<html><body><p>Hello</p><img alt=\"\" src=\"data:image/png;base64,\n" + strings.Repeat(strings.Repeat("iVBORw0K", 9)+"\n", 10000) + "\"></body></html>\n"
	return []letter{
		made("large-html-1-MiB", page, long, "added", "html"),
		made("large-html-2-MiB", page, long+long, "none", ""),
		made("large-html-unclosed", page, "<html><body>"+strings.Repeat("<p>x<b>y\n", 100000), "none", ""),
		made("large-data-image", page, image, "added", "html"),
		made("large-text", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", encodedLines(strings.Repeat("The market opens.\r\n", 50000)), "added", "plain"),
		made("large-links", page, "<html><body>"+strings.Repeat("<a href=\"https://example.org/x\">shop</a>\n", 20000)+"</body></html>", "added", "html"),
	}
}

// with returns the letter for one recipient; nil: it stays as it is.
func (l letter) with(t testing.TB, f *Footer, first bool) (plan *Plan, out []byte) {
	t.Helper()
	h, body := l.split(t)
	plan, err := f.Plan(Message{Header: h, List: l.list, EightBit: !isASCII(body)}, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	if plan.Result != Added {
		return plan, nil
	}
	var changed bytes.Buffer
	if err := mime.Rewrite(&changed, bytes.NewReader(body), plan.Edits(link, first), nil); err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	return plan, append(h.Without(), changed.Bytes()...)
}

// seven returns the letter with the first line for a hop that takes 7-bit content
// alone; nil: it cannot be made, or is no other.
func (l letter) seven(t testing.TB, plan *Plan) []byte {
	t.Helper()
	h, body := l.split(t)
	survey := mime.NewSurvey(h, false)
	survey.Write(body)
	recode := survey.Plan(true, true)
	if recode.EightBit || len(recode.Edits) == 0 {
		return nil
	}
	header := h.Without()
	if recode.Encoding != "" {
		header = h.Encoded(recode.Encoding)
	}
	var out bytes.Buffer
	if err := mime.Rewrite(&out, bytes.NewReader(body), append(slices.Clone(recode.Edits), plan.Edits(link, true)...), nil); err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	if !isASCII(out.Bytes()) {
		t.Errorf("%s: 8-bit content is left", l.name)
	}
	return append(bytes.Clone(header), out.Bytes()...)
}

// split returns header and body of the letter as the gateway stores them.
func (l letter) split(t testing.TB) (mime.Header, []byte) {
	t.Helper()
	h, in, err := mime.Reader{}.Read(bytes.NewReader(l.raw))
	if err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	body, err := io.ReadAll(in)
	if err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	return h, body
}

// judge gives letters the line, in both forms, and has the results read by
// Python. It checks what holds for any message.
func judge(t *testing.T, all []letter) []judged {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	f, dir := newFooter(t, ""), t.TempDir()
	for _, l := range all {
		for _, form := range []string{"usual", "first"} {
			plan, out := l.with(t, f, form == "first")
			if got := plan.String(); got != cmp.Or(l.result, got) {
				t.Errorf("%s: %s, want %s", l.name, got, l.result)
			}
			if out == nil {
				continue
			}
			again := l
			again.raw = out
			if plan, _ := again.with(t, f, false); plan.Result != Own {
				t.Errorf("%s: the %s line is not found again, but: %s", l.name, form, plan)
			}
			h, body := l.split(t)
			write(t, filepath.Join(dir, l.name+".in"), append(h.Without(), body...))
			write(t, filepath.Join(dir, l.name+"."+form), out)
			if seven := l.seven(t, plan); form == "first" && seven != nil {
				write(t, filepath.Join(dir, l.name+".seven"), seven)
			}
		}
	}
	command := exec.Command(python, filepath.Join("testdata", "compare.py"), dir, link)
	command.Stderr = os.Stderr
	answers, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []judged
	for line := range bytes.Lines(answers) {
		var j judged
		if err := json.Unmarshal(line, &j); err != nil {
			t.Fatal(err)
		}
		for _, p := range j.Problems {
			t.Errorf("%s, %s: %s", j.Name, j.Form, p)
		}
		found = append(found, j)
	}
	return found
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Newsletters in the forms of common tools, in every structure, charset and
// encoding, with and without a way out, whole and broken.
func TestLetters(t *testing.T) {
	all := letters(t)
	parts, forms := map[string]string{}, map[string]int{}
	for _, j := range judge(t, all) {
		forms[j.Form]++
		if j.Form != "seven" { // where others may be encoded anew, too
			parts[j.Name] = j.Parts
		}
	}
	t.Logf("%d letters, with the line %v", len(all), forms)
	for _, l := range all {
		if strings.HasPrefix(l.result, "added") && parts[l.name] != l.parts {
			t.Errorf("%s: the line is in %q, want %q", l.name, parts[l.name], l.parts)
		}
	}
	if len(all) < 300 || forms["seven"] < 15 {
		t.Errorf("only %d letters, %v", len(all), forms)
	}
}
