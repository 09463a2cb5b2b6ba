package render

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"offramp/gateway/footer"
	"offramp/gateway/language"
	"offramp/store"
)

// BenchmarkRender is the work for one more recipient of a message: token,
// header, Ed25519 signature.
func BenchmarkRender(b *testing.B) {
	r := newRenderer(b)
	m, body := accept(b, []byte("From: News <news@example.com>\r\nTo: all@example.com\r\nSubject: Hello\r\nX-Offramp-List: News <news>\r\n\r\n"+strings.Repeat("line of text\r\n", 700)))
	prepared, err := r.Prepare(m, store.List{ID: "news"}, Signing{})
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		out, err := prepared.Render(buf, Target{Recipient: "ada@b.example"}, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
		if err != nil {
			b.Fatal(err)
		}
		buf = out.Header
	}
}

// BenchmarkLine is the same for a message that gets the visible line.
func BenchmarkLine(b *testing.B) {
	r := newRenderer(b)
	text := "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + strings.Repeat("line of text\r\n", 80) +
		"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html><body>" +
		strings.Repeat("<p style=3D\"color:red\">line of text</p>\r\n", 200) + "</body></html>\r\n--b--\r\n"
	for _, with := range []bool{false, true} {
		name := "without"
		if with {
			name, r.Footer = "with", newFooter(b)
		}
		b.Run(name, func(b *testing.B) {
			m, body := accept(b, []byte("From: News <news@example.com>\r\nTo: all@example.com\r\nSubject: Hello\r\nX-Offramp-List: News <news>\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"+text))
			prepared, err := r.Prepare(m, store.List{ID: "news"}, Signing{})
			if err != nil {
				b.Fatal(err)
			}
			open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				out, err := prepared.Render(buf, Target{Recipient: "ada@b.example"}, open)
				if err != nil {
					b.Fatal(err)
				}
				in, _ := open()
				if err := out.WriteBody(io.Discard, in); err != nil {
					b.Fatal(err)
				}
				buf = out.Header
			}
		})
	}
}

func newFooter(t testing.TB) *footer.Footer {
	t.Helper()
	texts, err := language.Load("")
	if err != nil {
		t.Fatal(err)
	}
	f := &footer.Footer{Texts: texts, Operator: "Example Ltd", Ours: "https://offramp.example.com"}
	if err := f.Load(""); err != nil {
		t.Fatal(err)
	}
	return f
}
