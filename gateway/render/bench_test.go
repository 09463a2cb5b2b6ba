package render

import (
	"bytes"
	"io"
	"strings"
	"testing"

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
