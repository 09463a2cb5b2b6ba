package mime

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"
)

// textOf returns the one text part of a body.
func textOf(t *testing.T, header, body string) Text {
	t.Helper()
	var found []Text
	texts := NewTexts(ParseHeader([]byte(header+"\r\n")), func(text Text) {
		text.Raw = bytes.Clone(text.Raw)
		found = append(found, text)
	})
	for chunk := []byte(body); len(chunk) > 0; {
		n := min(len(chunk), 7)
		texts.Write(chunk[:n])
		chunk = chunk[n:]
	}
	texts.Close()
	if len(found) != 1 {
		t.Fatalf("%d text parts", len(found))
	}
	return found[0]
}

func encodeAs(encoding string, content []byte, width int) string {
	switch encoding {
	case "quoted-printable":
		var out strings.Builder
		w := quotedprintable.NewWriter(&out)
		w.Write(content)
		w.Close()
		return out.String()
	case "base64":
		text := base64.StdEncoding.EncodeToString(content)
		var out strings.Builder
		for len(text) > width {
			out.WriteString(text[:width] + "\r\n")
			text = text[width:]
		}
		return out.String() + text + "\r\n"
	}
	return string(content)
}

// What is put in a slot stands there when the part is decoded, and nothing else
// is different. In base64 spaces may follow it.
func TestSlotChangesNothingElse(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "b", "=", " ", "\t", "\r\n", "-", ".", "From ", "<p>", "=3D", "é", "x"}
	for round := range 3000 {
		var content []byte
		for range random.IntN(120) {
			content = append(content, alphabet[random.IntN(len(alphabet))]...)
		}
		encoding := []string{"8bit", "quoted-printable", "base64"}[round%3]
		width := []int{76, 75, 4, 61}[random.IntN(4)]
		body := encodeAs(encoding, content, width)
		text := textOf(t, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "+encoding+"\r\n", body)
		decoded, ok := text.Decoded()
		if !ok {
			t.Fatalf("not decoded: %q", body)
		}
		decoded = bytes.Clone(decoded)
		at := random.IntN(len(decoded) + 1)
		if at > 0 && decoded[at-1] == '\r' {
			at-- // nothing is put between CR and LF
		}
		put := "\r\n\r\nput=in é \t-\r\n"
		var out bytes.Buffer
		if err := Rewrite(&out, strings.NewReader(body), []Edit{text.Slot(at).Edit([]byte(put))}, nil); err != nil {
			t.Fatalf("%s at %d of %q: %v", encoding, at, body, err)
		}
		text.Raw = out.Bytes()
		got, ok := text.Decoded()
		want := string(decoded[:at]) + put
		rest, found := bytes.CutPrefix(got, []byte(want))
		if encoding == "base64" {
			for range 2 {
				if !bytes.Equal(rest, decoded[at:]) {
					rest = bytes.TrimPrefix(rest, []byte(" "))
				}
			}
		}
		if !ok || !found || !bytes.Equal(rest, decoded[at:]) {
			t.Fatalf("%s, %d of %q:\n got %q\nwant %q", encoding, at, decoded, got, want+string(decoded[at:]))
		}
		if encoding == "quoted-printable" {
			other, err := readQuoted(out.Bytes())
			if err != nil || string(other) != string(got) && !strings.Contains(string(decoded), "\t\r\n") {
				t.Fatalf("another decoder reads %q (%v), want %q, of %q", other, err, got, out.Bytes())
			}
		}
		for line := range strings.Lines(out.String()) {
			if encoding != "8bit" && len(strings.TrimRight(line, "\r\n")) > 78 {
				t.Fatalf("line of %d: %q", len(line), line)
			}
		}
	}
}

func readQuoted(p []byte) ([]byte, error) {
	var out bytes.Buffer
	_, err := out.ReadFrom(quotedprintable.NewReader(bytes.NewReader(p)))
	return out.Bytes(), err
}

// A slot within content that is encoded anew is encoded with it, at its end too.
func TestSlotInsideEncoding(t *testing.T) {
	for _, encoding := range []string{"8bit", "quoted-printable", "base64"} {
		t.Run(encoding, func(t *testing.T) {
			content := []byte("begin " + strings.Repeat("é long ", 300) + " end.")
			body := encodeAs(encoding, content, 2000)
			h := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + encoding + "\r\n"
			text := textOf(t, h, body)
			survey := NewSurvey(ParseHeader([]byte(h+"\r\n")), false)
			survey.Write([]byte(body))
			plan := survey.Plan(true, true)
			var out bytes.Buffer
			edits := append(plan.Edits, text.Slot(len(content)).Edit([]byte("\r\n\r\nhttps://a.example/p/x=é")))
			if err := Rewrite(&out, strings.NewReader(body), edits, nil); err != nil {
				t.Fatal(err)
			}
			text.Raw = out.Bytes()
			if plan.Encoding != "" {
				text.Encoding = plan.Encoding
			}
			got, ok := text.Decoded()
			if want := string(content) + "\r\n\r\nhttps://a.example/p/x=é"; !ok || strings.TrimRight(string(got), " \r\n") != want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// In a part that is empty the delimiter stands directly behind its header: it
// still begins a line.
func TestSlotInEmptyPart(t *testing.T) {
	for _, encoding := range []string{"8bit", "quoted-printable", "base64"} {
		for _, content := range []string{"", "\r\n"} {
			body := "--b\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n" + content + "--b--\r\n"
			header := "Content-Type: multipart/mixed; boundary=b\r\n"
			slot := textOf(t, header, body).Slot(0)
			for _, e := range []Edit{slot.Edit([]byte("link https://a.example/")), slot.Fill("link ", "").Edit("https://a.example/")} {
				var out bytes.Buffer
				if err := Rewrite(&out, strings.NewReader(body), []Edit{e}, nil); err != nil {
					t.Fatal(err)
				}
				got, ok := textOf(t, header, out.String()).Decoded()
				if !ok || string(got) != "link https://a.example/" || !strings.HasSuffix(out.String(), "\r\n--b--\r\n") {
					t.Errorf("%s: %q in %q", encoding, got, out.String())
				}
			}
		}
	}
}

// Sealed parts are named and not read.
func TestTextsSealed(t *testing.T) {
	for _, tt := range []struct{ name, header, body string }{
		{"charset without ASCII", "Content-Type: text/plain; charset=utf-16le\r\n", "x"},
		{"unknown encoding", "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uue\r\n", "x"},
		{"fields twice", "Content-Type: text/plain\r\nContent-Type: text/html\r\n", "x"},
		{"signed inline", "Content-Type: text/plain\r\n", "-----BEGIN PGP SIGNED MESSAGE-----\r\n"},
		{"too large", "Content-Type: text/plain\r\n", strings.Repeat("line\r\n", maxText/6+1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if text := textOf(t, tt.header, tt.body); !text.Sealed || text.Raw != nil {
				t.Errorf("%+v", text)
			}
		})
	}
	for _, header := range []string{
		"Content-Type: text/plain; name=a.txt\r\n", "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n",
		"Content-Type: text/plain\r\nContent-Disposition: inline; filename*=utf-8''a.txt\r\n", "Content-Type: text/calendar\r\n", "Content-Type: message/rfc822\r\n",
	} {
		NewTexts(ParseHeader([]byte(header+"\r\n")), func(text Text) { t.Errorf("%q is shown as %+v", header, text) }).Close()
	}
}

func FuzzTexts(f *testing.F) {
	f.Add([]byte("Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+\r\n"), 1)
	f.Add([]byte("Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=\r\nb =20=\r\n"), 2)
	f.Fuzz(func(t *testing.T, message []byte, at int) {
		header, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
		var slots []Slot
		texts := NewTexts(ParseHeader(append(header, "\r\n\r\n"...)), func(text Text) {
			if content, ok := text.Decoded(); ok && !text.Sealed {
				slots = append(slots, text.Slot(max(0, at)%(len(content)+1)))
			}
		})
		texts.Write(body)
		texts.Close()
		for _, s := range slots {
			var out bytes.Buffer
			if err := Rewrite(&out, bytes.NewReader(body), []Edit{s.Edit([]byte("\r\nput"))}, nil); err != nil {
				t.Fatal(fmt.Errorf("%+v: %w", s, err))
			}
			if int64(out.Len()) <= int64(len(body))-s.Length {
				t.Fatal("nothing was put in")
			}
		}
	})
}
