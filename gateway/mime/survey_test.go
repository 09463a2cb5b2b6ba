package mime

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gomessage "github.com/emersion/go-message"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// recoded is a message with its long lines, and its 8-bit content if asked for,
// encoded as rendering does it.
func recoded(t *testing.T, raw []byte, eightBit bool, values map[string]string) (out []byte, p Plan, foldsLeft bool) {
	t.Helper()
	h, body, err := readAll(Reader{}, bytes.NewReader(raw))
	if err != nil {
		t.Skip(err)
	}
	survey := NewSurvey(h, values != nil)
	if _, err := io.Copy(struct{ io.Writer }{survey}, &chunks{body, rand.New(rand.NewPCG(1, 2))}); err != nil {
		t.Fatal(err)
	}
	p = survey.Plan(true, eightBit)
	header := h.Raw()
	if p.Encoding != "" {
		header = h.Encoded(p.Encoding)
	}
	header, foldsLeft = ParseHeader(header).Folded(func(Field) Folding { return AtItems })
	var parts []Part
	if values != nil {
		parts = scan(h, body)
	}
	var b bytes.Buffer
	b.Write(header)
	if err := Rewrite(&b, &chunks{body, rand.New(rand.NewPCG(3, 4))}, Combine(p.Edits, parts), values); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), p, foldsLeft
}

// TestLongLines: what becomes of a message with long lines; for a hop without
// 8BITMIME where that is something else.
func TestLongLines(t *testing.T) {
	eachCase(t, "long", func(t *testing.T, in []byte) []txtar.File {
		out, p, left := recoded(t, in, false, urls)
		checkRecoded(t, in, out)
		note := fmt.Sprintf("encoded=%v long=%v unfolded=%v 8bit=%v\r\n", p.Encoded, p.Long, left, p.EightBit)
		sections := []txtar.File{section("plan", []byte(note)), section("out", out)}
		seven, p, _ := recoded(t, in, true, urls)
		checkRecoded(t, in, seven)
		if !p.EightBit && !ASCII(seven) {
			t.Error("8-bit content is left, and the plan does not say so")
		}
		if !bytes.Equal(seven, out) {
			note := fmt.Sprintf("8bit=%v\r\n", p.EightBit)
			sections = append(sections, section("plan 7bit", []byte(note)), section("out 7bit", seven))
		}
		return sections
	})
}

// checkRecoded holds a recoded message against what it came from.
func checkRecoded(t *testing.T, in, out []byte) {
	t.Helper()
	again, p, left := recoded(t, out, false, nil)
	if !bytes.Equal(again, out) {
		t.Errorf("encoded again it is something else\n%q\nwas\n%q", again, out)
	}
	if n := longest(out); n > 998 && !p.Long && !left {
		t.Errorf("a line of %d bytes is left", n)
	}
	if diff := cmp.Diff(leaves(in), leaves(out)); diff != "" {
		t.Errorf("decoded parts (-want +got)\n%s\n%s", diff, out)
	}
}

// leaves returns what go-message decodes of a message, placeholders replaced.
func leaves(raw []byte) []string {
	e, err := gomessage.Read(bytes.NewReader(raw))
	if err != nil && !gomessage.IsUnknownCharset(err) && !gomessage.IsUnknownEncoding(err) {
		return []string{"unreadable"}
	}
	var all []string
	var walk func(e *gomessage.Entity, other string)
	walk = func(e *gomessage.Entity, other string) {
		media := other
		if e.Header.Has("Content-Type") {
			media, _, _ = e.Header.ContentType()
		}
		if r := e.MultipartReader(); r != nil {
			all = append(all, media)
			inner := "text/plain"
			if media == "multipart/digest" { // go-message does not know it
				inner = "message/rfc822"
			}
			for {
				part, err := r.NextPart()
				if part == nil {
					if err != io.EOF {
						all = append(all, "broken")
					}
					return
				}
				walk(part, inner)
			}
		}
		text, err := io.ReadAll(e.Body)
		if err != nil {
			all = append(all, media+": invalid encoding")
			return
		}
		if media == "message/rfc822" {
			all = append(append(all, media), leaves(text)...)
			return
		}
		for placeholder, v := range urls {
			text = written(placeholder).ReplaceAllLiteral(text, []byte(v))
		}
		all = append(all, media+": "+strings.ReplaceAll(strings.ReplaceAll(string(text), "&amp;", "&"), "&#39;", "'"))
	}
	walk(e, "text/plain")
	return all
}

// randomMessage writes a message as senders write them, with long lines.
func randomMessage(r *rand.Rand) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Subject: %s\r\nMIME-Version: 1.0\r\n", strings.Repeat("word ", r.IntN(250)))
	randomEntity(&b, r, 0)
	return b.Bytes()
}

func randomEntity(b *bytes.Buffer, r *rand.Rand, depth int) {
	if depth < 3 && r.IntN(3) > 0 {
		boundary := fmt.Sprintf("b%d-%d", depth, r.IntN(1000))
		fmt.Fprintf(b, "Content-Type: multipart/mixed;\r\n boundary=%q\r\n\r\n", boundary)
		for range 1 + r.IntN(3) {
			fmt.Fprintf(b, "--%s\r\n", boundary)
			randomEntity(b, r, depth+1)
		}
		fmt.Fprintf(b, "--%s--\r\n", boundary)
		return
	}
	var text bytes.Buffer
	words := [...]string{"word ", "=", "gr\xc3\xbcn", "\t", "--", "From ", ".", "{{offramp.unsubscribe_url}}", "\r\n", "\r\n\r\n", "\xff", "x"}
	for range r.IntN(60) {
		word := words[r.IntN(len(words))]
		times := 1
		if r.IntN(6) == 0 && !strings.HasPrefix(word, "{{") {
			times = r.IntN(1200)
		}
		text.WriteString(strings.Repeat(word, times))
	}
	media := [...]string{"text/plain; charset=utf-8", "text/html", "application/json", "image/png"}[r.IntN(4)]
	switch r.IntN(4) {
	case 0:
		fmt.Fprintf(b, "Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n", media)
		enc := base64.StdEncoding.EncodeToString(text.Bytes())
		for len(enc) > 0 {
			n := min(1+r.IntN(3000), len(enc))
			b.WriteString(enc[:n] + "\r\n")
			enc = enc[n:]
		}
	case 1:
		fmt.Fprintf(b, "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: %s\r\n\r\n", media)
		var enc bytes.Buffer
		w := quotedprintable.NewWriter(&enc)
		w.Write(text.Bytes())
		w.Close()
		b.Write(enc.Bytes())
		b.WriteString(strings.Repeat("a=20b", r.IntN(400)) + "\r\n")
	default:
		fmt.Fprintf(b, "Content-Type: %s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n", media, &text)
	}
}

// TestRecodedMessages: what go-message and Python's email package decode stays
// the same, for messages of every make.
func TestRecodedMessages(t *testing.T) {
	dir := t.TempDir()
	for seed := range uint64(60) {
		in := randomMessage(rand.New(rand.NewPCG(seed, 7)))
		for _, eightBit := range []bool{false, true} {
			out, p, _ := recoded(t, in, eightBit, nil)
			checkRecoded(t, in, out)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
			if p.Long || eightBit && (p.EightBit || !ASCII(out)) {
				t.Errorf("seed %d: something is left: %+v", seed, p)
			}
			with, _, _ := recoded(t, in, eightBit, urls)
			if n := longest(with); n > 998 {
				t.Errorf("seed %d: a line of %d bytes with placeholders replaced", seed, n)
			}
			if diff := cmp.Diff(leaves(in), leaves(with)); diff != "" {
				t.Errorf("seed %d: placeholders (-want +got)\n%.2000s", seed, diff)
			}
			name := filepath.Join(dir, fmt.Sprintf("%d-%v", seed, eightBit))
			write(t, name+".in", in)
			write(t, name+".out", out)
		}
	}
	decodedAlike(t, dir)
}

// decodedAlike has Python's email package decode the messages of a folder.
func decodedAlike(t *testing.T, dir string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if said, err := exec.Command(python, filepath.Join("testdata", "decoded.py"), dir).CombinedOutput(); err != nil {
		t.Errorf("%v: %.2000s", err, said)
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzLongLines: no message makes it fail, whatever is left long is reported,
// and a second pass changes nothing.
func FuzzLongLines(f *testing.F) {
	for _, name := range globbed(f, "testdata/long/*.txtar") {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(octets(string(a.Files[0].Data)))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, eightBit := range []bool{false, true} {
			out, p, left := recoded(t, in, eightBit, nil)
			if n := longest(out); n > 998 && !p.Long && !left {
				t.Fatalf("a line of %d bytes is left", n)
			}
			_, body, err := readAll(Reader{}, bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if eightBit && !p.EightBit && !ASCII(body) {
				t.Fatal("8-bit content is left")
			}
			if again, _, _ := recoded(t, out, eightBit, nil); !bytes.Equal(again, out) {
				t.Fatalf("a second pass changes\n%q\nto\n%q", out, again)
			}
		}
	})
}

func globbed(t testing.TB, pattern string) []string {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	return names
}
