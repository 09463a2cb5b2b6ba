package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// BenchmarkDeliver is a whole delivery of 10 KiB over loopback, with the spool
// in memory.
func BenchmarkDeliver(b *testing.B) {
	s, err := sink.Start(sink.Options{Discard: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	h := newFixture(&testing.T{}, hopTo(s), func(p *parts) { p.Log = nil })
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
