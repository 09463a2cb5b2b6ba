package delivery

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// BenchmarkRender is the work for one more recipient of a message: token,
// header, Ed25519 signature.
func BenchmarkRender(b *testing.B) {
	r := newRenderer(b)
	m, body := accept(b, []byte(newsHeader+strings.Repeat("line of text\r\n", 700)))
	letter, err := r.Prepare(m, store.List{ID: "news"})
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		out, err := letter.Render(buf, "ada@b.example", func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
		if err != nil {
			b.Fatal(err)
		}
		buf = out.Header
	}
}

// BenchmarkDeliver is a whole delivery of 10 KiB over loopback, with the spool
// in memory.
func BenchmarkDeliver(b *testing.B) {
	s, err := sink.Start(sink.Options{Discard: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	h := newHouse(&testing.T{}, hopTo(s), func(p *Parts) { p.Log = nil })
	body := strings.Repeat(strings.Repeat("x", 70)+"\r\n", 140)
	const each = 500
	b.ReportAllocs()
	stop := h.run()
	for i := 0; i < b.N; i += each {
		var all []store.Recipient
		for n := range min(each, b.N-i) {
			all = append(all, store.Recipient{Address: fmt.Sprintf("r%d@b.example", n)})
		}
		h.spool.put(news(fmt.Sprint("q", i)), body, all...)
		h.queue.Wake()
		for len(h.spool.left()) > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	stop()
}
