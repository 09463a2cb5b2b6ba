package render

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"offramp/store"
)

const lineOurs = "https://out.example.com/p/"

// letter is list mail with two text parts; words is repeated in both.
func letter(words string) []byte {
	return []byte("From: News <news@example.com>\r\nTo: all@example.com\r\nSubject: Hello\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + words + "\r\n" +
		"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html><body><p>" + strings.ReplaceAll(words, "ü", "=C3=BC") + "</body></html>\r\n--b--\r\n")
}

// The line stands in both parts under a valid signature, whatever else is
// changed about the body, and the size is what is sent.
func TestLineIsSigned(t *testing.T) {
	small, large, long := strings.Repeat("Grüße\r\n", 40), strings.Repeat("Grüße und mehr davon\r\n", 8000), strings.Repeat("Grüße ", 300)+"\r\n"
	for name, tt := range map[string]struct {
		words    string
		target   Target
		unsigned bool
		other    string // what else shows
	}{
		"small":             {words: small},
		"first":             {words: small, target: Target{First: true}, other: "first message"},
		"large":             {words: large},
		"long lines":        {words: long, other: "quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe"},
		"7-bit hop":         {words: small, target: Target{SevenBit: true}, other: "quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe"},
		"without a key":     {words: small, unsigned: true},
		"large, unsigned":   {words: large, unsigned: true},
		"long and unsigned": {words: long, unsigned: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenderer(t)
			r.Footer = newFooter(t)
			if tt.unsigned {
				r.Keys = nil
			}
			m, body := accept(t, letter(tt.words))
			m.EightBit = true
			prepared, err := r.Prepare(m, store.List{ID: "news"}, Signing{})
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, recipient := range []string{"ada@b.example", "grace.hopper.of.the.navy@b.example", "ada@b.example"} {
				tt.target.Recipient = recipient
				got, out := renderTo(t, prepared, tt.target, body)
				seen[string(got)] = true
				flat := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(got))
				if n := strings.Count(flat, lineOurs); n != 2 || !strings.Contains(flat, tt.other) {
					t.Errorf("%d links, want 2, and %q, in\n%.3000s", n, tt.other, got)
				}
				if out.Size != int64(len(got)) && name != "long and unsigned" { // an estimate then, see Rendering.Size
					t.Errorf("size %d, want %d", out.Size, len(got))
				}
				if !tt.unsigned {
					verify(t, got)
				}
			}
			if len(seen) != 2 {
				t.Errorf("%d renderings for two recipients, one of them twice", len(seen))
			}
		})
	}
}

func renderTo(t *testing.T, prepared *Message, to Target, body []byte) ([]byte, Rendering) {
	t.Helper()
	out, err := prepared.Render(nil, to, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.NewBuffer(bytes.Clone(out.Header))
	if err := out.WriteBody(all, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	return all.Bytes(), out
}

// For a thousand recipients the body is read twice: once for the place of the
// line, once for what stands around it.
func TestUnchangedPartIsHashedOnce(t *testing.T) {
	r := newRenderer(t)
	r.Footer = newFooter(t)
	m, body := accept(t, letter("Grüße"))
	prepared, err := r.Prepare(m, store.List{ID: "news"}, Signing{})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for range 1000 {
		out, err := prepared.Render(nil, Target{Recipient: "ada@b.example"}, func() (io.ReadCloser, error) {
			read++
			return io.NopCloser(bytes.NewReader(body)), nil
		})
		if err != nil || !out.Signed {
			t.Fatal(err)
		}
	}
	if read != 2 {
		t.Errorf("the body was read %d times", read)
	}
}

// Who gets no line.
func TestNoLine(t *testing.T) {
	foreign := "DKIM-Signature: v=1; d=esp.example; h=from; bh=x; b=x\r\n"
	for name, tt := range map[string]struct {
		message []byte
		change  func(*Renderer, *store.Message, *store.List)
		want    string
	}{
		"transactional":          {letter("a"), func(_ *Renderer, m *store.Message, _ *store.List) { m.List = "" }, ""},
		"transactional list":     {letter("a"), func(_ *Renderer, _ *store.Message, l *store.List) { l.Transactional = true }, ""},
		"untouched":              {letter("a"), func(_ *Renderer, m *store.Message, _ *store.List) { m.Untouched = true }, ""},
		"off":                    {letter("a"), func(r *Renderer, _ *store.Message, _ *store.List) { r.Footer = nil }, ""},
		"a placeholder":          {letter("{{offramp.unsubscribe_url}}"), nil, ""},
		"a link of its own":      {letter("Unsubscribe: https://news.example/bye"), nil, "own"},
		"a signature of another": {append([]byte(foreign), letter("a")...), func(r *Renderer, _ *store.Message, _ *store.List) { r.Keys = nil }, ""},
		"S/MIME":                 {[]byte("From: a@example.com\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"), nil, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			r, l := newRenderer(t), store.List{ID: "news"}
			r.Footer = newFooter(t)
			m, body := accept(t, tt.message)
			if tt.change != nil {
				tt.change(r, m, &l)
			}
			prepared, err := r.Prepare(m, l, Signing{})
			if err != nil {
				t.Fatal(err)
			}
			got, _ := renderTo(t, prepared, Target{Recipient: "ada@b.example"}, body)
			if name != "a placeholder" && !bytes.HasSuffix(got, body) {
				t.Errorf("the body is different:\n%s", got)
			}
			result := ""
			if p, ok := prepared.Line(); ok {
				result = p.String()
			}
			if result != tt.want || prepared.wantsLine && prepared.Greets() {
				t.Errorf("result %q, want %q", result, tt.want)
			}
		})
	}
}
