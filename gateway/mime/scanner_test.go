package mime

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// urls are values as they look in production; the first has all that must be
// escaped somewhere.
var urls = map[string]string{
	UnsubscribeURL: "https://news.b.example/p/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGhIjKlMnOpQrStUvWxYz?a=1&b='2'",
	PreferencesURL: "https://b.example/p/short",
}

func scan(h Header, body []byte) []Part {
	s := NewScanner(h)
	s.Write(body)
	return s.Parts()
}

// left says whether a placeholder in body stays.
func left(h Header, body []byte) bool {
	s := NewScanner(h)
	s.Write(body)
	return s.Left()
}

func substitute(t *testing.T, body []byte, parts []Part, values map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Rewrite(&out, bytes.NewReader(body), Combine(nil, parts), values); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestParts: which parts are found, and what becomes of them.
func TestParts(t *testing.T) {
	eachCase(t, "parts", func(t *testing.T, in []byte) []txtar.File {
		h, body, err := readAll(Reader{}, bytes.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		parts := scan(h, body)
		var list []byte
		for _, p := range parts {
			list = fmt.Appendf(list, "%d+%d %s html=%v charset=%q\r\n", p.Offset, p.Length, p.Encoding, p.HTML, p.Charset)
		}
		out := substitute(t, body, parts, urls)
		checkSubstitution(t, body, out, parts, urls)
		if again := scan(h, out); len(again) > 0 {
			t.Errorf("placeholders are left in %v", again)
		}
		stays := left(h, body)
		if left(h, out) != stays {
			t.Errorf("it says %t of placeholders that stay, and they do not", stays)
		}
		sections := []txtar.File{section("parts", list), section("out", out)}
		if stays {
			sections = append(sections, section("left", nil))
		}
		for _, p := range parts {
			text := substitute(t, inside(body, p), alone(p), urls)
			if p.Encoding != "7bit" {
				sections = append(sections, section(fmt.Sprint("decoded ", p.Offset), append(decode(t, p, text), "\r\n"...)))
			}
		}
		return sections
	})
}

func inside(body []byte, p Part) []byte { return body[p.Offset : p.Offset+p.Length] }

// alone is p as the only part of a body that is its content.
func alone(p Part) []Part {
	p.Offset = 0
	return []Part{p}
}

// checkSubstitution holds out against plain replacement in decoded text.
func checkSubstitution(t *testing.T, body, out []byte, parts []Part, values map[string]string) {
	t.Helper()
	var want []byte
	pos := int64(0)
	for _, p := range parts {
		was := inside(body, p)
		text := substitute(t, was, alone(p), values)
		want = append(append(want, body[pos:p.Offset]...), text...)
		pos = p.Offset + p.Length
		plain := string(decode(t, p, was))
		for placeholder, v := range values {
			if p.HTML {
				v = html.EscapeString(v)
			}
			plain = written(placeholder).ReplaceAllLiteralString(plain, v)
		}
		if got := string(decode(t, p, text)); got != plain {
			t.Fatalf("part %v\n%q\nis decoded\n%q\nwant\n%q", p, text, got, plain)
		}
		if p.Encoding != "7bit" && longest(was) <= 76 && longest(text) > 76 {
			t.Fatalf("part %v has longer lines: %q", p, text)
		}
	}
	if want = append(want, body[pos:]...); !bytes.Equal(out, want) {
		t.Fatalf("outside the parts something changed\n%q\nwant\n%q", out, want)
	}
}

// written is how a placeholder may be written.
func written(placeholder string) *regexp.Regexp {
	const (
		slash  = `(?:/|&#47;|&#x2f;|&sol;)`
		scheme = `https?:` + slash + slash
		open   = `(?:\{|%7b|%257b|&#123;|&#x7b;|&lbrace;|&lcub;)`
		end    = `(?:\}|%7d|%257d|&#125;|&#x7d;|&rbrace;|&rcub;)`
		blank  = `(?:[ \t+]|%20|%2520|%c2%a0|&nbsp;|&#32;|&#160;|&#xa0;|\x{a0}|\xa0){0,4}`
		under  = `(?:_|\\_|%5f|%255f|&#95;|&#x5f;|&lowbar;)`
	)
	target := "unsubscribe"
	if placeholder == PreferencesURL {
		target = "preferences"
	}
	return regexp.MustCompile(`(?i)(?:` + scheme + `){0,2}` + open + open + blank + `offramp\.` + target + under + `url` + blank + end + end +
		`|(?:` + scheme + `){1,2}offramp\.invalid` + slash + target)
}

func longest(text []byte) int {
	n := 0
	for line := range bytes.SplitSeq(text, []byte("\r\n")) {
		n = max(n, len(line))
	}
	return n
}

// decode decodes, and holds the result against the standard library where that
// takes the text as we do ("=" at the end or before space is another matter).
func decode(t *testing.T, p Part, text []byte) []byte {
	t.Helper()
	switch p.Encoding {
	case "base64":
		text = bytes.Map(func(r rune) rune {
			if r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, text)
		b, err := base64.StdEncoding.DecodeString(string(text))
		if err != nil {
			t.Fatalf("%v: %q", err, text)
		}
		return b
	case "quoted-printable":
		var out []byte
		d := qpDecoder{emit: func(b []byte) { out = append(out, b...) }}
		d.decode(text)
		d.finish()
		std, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(text)))
		if err == nil && !bytes.Contains(text, []byte("= ")) && !bytes.HasSuffix(text, []byte("=")) && trimLines(std) != trimLines(out) {
			t.Fatalf("%q\nis decoded\n%q, by mime/quotedprintable\n%q", text, out, std)
		}
		return out
	}
	return text
}

// trimLines takes away space at line ends, which means nothing there.
func trimLines(text []byte) string {
	var b strings.Builder
	for line := range bytes.Lines(text) {
		b.Write(bytes.TrimRight(line, " \t\r\n"))
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n")
}

func TestScannerLimits(t *testing.T) {
	header := func(boundary string) string {
		return "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n"
	}
	nest := func(depth int) string {
		var b strings.Builder
		for i := range depth {
			if i > 0 {
				fmt.Fprintf(&b, "--b%d\r\n", i-1)
			}
			b.WriteString(header(fmt.Sprint("b", i)))
		}
		fmt.Fprintf(&b, "--b%d\r\n\r\n%s\r\n", depth-1, UnsubscribeURL)
		return b.String()
	}
	part := "--b\r\n\r\n" + UnsubscribeURL + "\r\n"
	tests := []struct {
		name, in string
		want     int
	}{
		{"depth 20", nest(20), 1},
		{"depth 21", nest(21), 0},
		{"500 entities", header("b") + strings.Repeat(part, 499), 499},
		{"501 entities", header("b") + strings.Repeat(part, 500), 0},
		{"the first of 501 entities", header("b") + part + strings.Repeat("--b\r\n\r\nx\r\n", 500), 0},
		{"large part header", header("b") + "--b\r\nX: " + strings.Repeat("x", 60<<10) + part[3:] + part, 2},
		{"too large part header", header("b") + "--b\r\nX: " + strings.Repeat("x", 70<<10) + part[3:] + part, 1},
		{"too large part header, delimiter in it", header("b") + "--b\r\n" + strings.Repeat("X: y\r\n", 12<<10) + part, 1},
		{"boundary of 200", header(strings.Repeat("b", 200)) + strings.Replace(part, "b", strings.Repeat("b", 200), 1), 1},
		{"boundary of 201", header(strings.Repeat("b", 201)) + strings.Replace(part, "b", strings.Repeat("b", 201), 1), 0},
		{"delimiter with too much padding", header("b") + "--b" + strings.Repeat(" ", 600) + part[3:], 0},
		{"part of 8 MiB", header("b") + "--b\r\n\r\n" + strings.Repeat(strings.Repeat("x", 62)+"\r\n", 1<<17) + part[7:] + part, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, body, err := readAll(Reader{}, strings.NewReader(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if parts := scan(h, body); len(parts) != tt.want {
				t.Errorf("%d parts, want %d", len(parts), tt.want)
			}
			if parts := scanInPieces(h, body, 1); len(parts) != tt.want {
				t.Errorf("in pieces %d parts, want %d", len(parts), tt.want)
			}
			if stays, want := left(h, body), strings.Count(tt.in, UnsubscribeURL) > tt.want; stays != want || leftInPieces(h, body, 1) != want {
				t.Errorf("a placeholder is left: %t, want %t", stays, want)
			}
		})
	}
}

func leftInPieces(h Header, body []byte, seed uint64) bool {
	s := NewScanner(h)
	io.CopyBuffer(struct{ io.Writer }{s}, &chunks{body, rand.New(rand.NewPCG(seed, 0))}, make([]byte, 64))
	return s.Left()
}

func scanInPieces(h Header, body []byte, seed uint64) []Part {
	s := NewScanner(h)
	io.CopyBuffer(struct{ io.Writer }{s}, &chunks{body, rand.New(rand.NewPCG(seed, 0))}, make([]byte, 64))
	return s.Parts()
}

func TestSubstituteRefuses(t *testing.T) {
	body := "Leave: " + UnsubscribeURL + "\r\n"
	whole := Part{Length: int64(len(body)), Encoding: "7bit"}
	broken := errors.New("no more")
	tests := []struct {
		name  string
		body  io.Reader
		parts []Part
		value string
		want  error
	}{
		{"line end in a value", strings.NewReader(body), []Part{whole}, "https://b.example/\r\nBcc: x", ErrValue},
		{"space in a value", strings.NewReader(body), []Part{whole}, "https://b.example/ x", ErrValue},
		{"8-bit in a value", strings.NewReader(body), []Part{whole}, "https://b\xfc.example/", ErrValue},
		{"body too short", strings.NewReader(body[:9]), []Part{whole}, "x", io.ErrUnexpectedEOF},
		{"part behind the end", strings.NewReader(body), []Part{{Offset: 100, Length: 1}}, "x", io.ErrUnexpectedEOF},
		{"parts overlap", strings.NewReader(body), []Part{{Length: 9}, {Offset: 8, Length: 2}}, "x", ErrPart},
		{"no length", strings.NewReader(body), []Part{{Offset: 3}}, "x", ErrPart},
		{"not the base64 it was", strings.NewReader(body), []Part{{Length: 10, Encoding: "base64"}}, "x", ErrPart},
		{"source fails", io.MultiReader(strings.NewReader(body[:5]), iotest.ErrReader(broken)), []Part{whole}, "x", broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Rewrite(io.Discard, tt.body, Combine(nil, tt.parts), map[string]string{UnsubscribeURL: tt.value})
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	for _, encoding := range []string{"7bit", "quoted-printable"} {
		whole.Encoding = encoding
		if err := Rewrite(failing{broken}, strings.NewReader(body), Combine(nil, []Part{whole}), urls); err != broken {
			t.Errorf("destination fails, %s: %v", encoding, err)
		}
	}
	var out bytes.Buffer
	if err := Rewrite(&out, strings.NewReader(body), Combine(nil, []Part{whole}), nil); err != nil || out.String() != body {
		t.Errorf("without values: %q, %v", out.String(), err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// FuzzParts: scanning does not depend on how the body comes; replacing changes
// nothing but the placeholders in decoded parts; values that equal the
// placeholders change nothing once decoded.
func FuzzParts(f *testing.F) {
	for _, name := range caseFiles(f, "parts") {
		f.Add(name, uint64(1), "https://b.example/?a=-&--b")
	}
	same := map[string]string{UnsubscribeURL: UnsubscribeURL, PreferencesURL: PreferencesURL}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64, value string) {
		h, body, err := readAll(Reader{}, bytes.NewReader(in))
		if err != nil {
			return
		}
		parts := scan(h, body)
		if diff := cmp.Diff(parts, scanInPieces(h, body, seed)); diff != "" {
			t.Fatalf("in pieces something else is found\n%s", diff)
		}
		if whole := left(h, body); whole != leftInPieces(h, body, seed) {
			t.Fatalf("in pieces something else stays, of the whole %t", whole)
		}
		for _, values := range []map[string]string{same, {UnsubscribeURL: value}} {
			var out bytes.Buffer
			err := Rewrite(&out, &chunks{body, rand.New(rand.NewPCG(seed, 1))}, Combine(nil, parts), values)
			if errors.Is(err, ErrValue) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			checkSubstitution(t, body, out.Bytes(), parts, values)
		}
	})
}

func caseFiles(f *testing.F, folder string) [][]byte {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		f.Fatal("no cases", err)
	}
	var in [][]byte
	for _, name := range files {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		in = append(in, octets(string(a.Files[0].Data)))
	}
	return in
}

func BenchmarkScanner(b *testing.B) {
	text := strings.Repeat("Some text of a usual newsletter, with {braces} and <b>marks</b>, again\r\n", 140)
	for name, head := range map[string]string{"7bit": "", "quoted-printable": "Content-Transfer-Encoding: quoted-printable\r\n",
		"base64": "Content-Transfer-Encoding: base64\r\n", "multipart": "Content-Type: multipart/mixed; boundary=x\r\n", "other": "Content-Type: image/png\r\n",
		"attached": "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"} {
		body := []byte(text)
		switch name {
		case "base64":
			var out bytes.Buffer
			e := base64Encoder{dst: &out}
			e.Write(body[:7500])
			e.finish()
			body = out.Bytes()
		case "quoted-printable":
			body = bytes.ReplaceAll(body, []byte("marks"), []byte("m=C3=A4rks"))
		case "multipart":
			body = append([]byte("--x\r\n\r\n"), body...)
		}
		h := ParseHeader([]byte(head))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if len(scan(h, body)) > 0 {
					b.Fatal("found")
				}
			}
		})
	}
}

func BenchmarkSubstitute(b *testing.B) {
	for _, encoding := range []string{"7bit", "quoted-printable", "base64"} {
		body := []byte(strings.Repeat("Some text of a usual newsletter, with {braces} and <b>marks</b>, again\r\n", 140) + UnsubscribeURL)
		if encoding == "base64" {
			body = []byte(base64.StdEncoding.EncodeToString(body))
		}
		parts := []Part{{Length: int64(len(body)), Encoding: encoding}}
		b.Run(encoding, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Rewrite(io.Discard, bytes.NewReader(body), Combine(nil, parts), urls); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
