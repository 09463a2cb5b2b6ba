package hook

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
)

// A stranger costs no more than a small body, and large ones of those who sign
// have a bound together.
func TestLargeBodies(t *testing.T) {
	b := newBench(t)
	event := `{"email":"fine@example.net","event":"delivered","sg_event_id":"d","padding":"` + strings.Repeat("x", 1000) + `"}`
	batch := "[" + strings.Repeat(event+",", 20<<10) + event + "]" // 22 MB
	if code := b.call(b.signSendGrid(t, batch, now)); code != http.StatusOK || len(b.outcomes.told) != 20<<10+1 {
		t.Errorf("a large batch: answer %d, %d told", code, len(b.outcomes.told))
	}
	_, large := b.memory.shares()
	if n := large.Held(); n != 0 {
		t.Errorf("%d bytes are not given back", n)
	}
	if code := b.call(post(sendGrid, batch)); code != http.StatusForbidden || large.Held() != 0 {
		t.Errorf("unsigned: %d", code)
	}
	if code := b.call(b.signSendGrid(t, `[`+strings.Repeat(" ", maxBatch)+`]`, now)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("over the bound: %d", code)
	}
	large.Take(netip.Addr{}, maxLarge-maxBody)
	if code := b.call(b.signSendGrid(t, batch, now)); code != http.StatusServiceUnavailable {
		t.Errorf("with many others: %d", code)
	}
	if n := large.Held(); n != maxLarge-maxBody {
		t.Errorf("%d bytes are not given back", n-maxLarge+maxBody)
	}
	if code := b.call(b.signSendGrid(t, file(t, "sendgrid.json"), now)); code != http.StatusOK {
		t.Errorf("a small one meanwhile: %d", code)
	}
}

// partial is a call of a stranger that sent some of its body and waits. What it
// returns ends the body.
func (b *bench) partial(from string, size int) (end func() (code int)) {
	body, client := io.Pipe()
	r := httptest.NewRequest(http.MethodPost, Prefix+mailgun, body)
	r.RemoteAddr = from
	code := make(chan int, 1)
	go func() { code <- b.call(r) }()
	written := make(chan struct{})
	go func() {
		defer close(written)
		io.WriteString(client, strings.Repeat("x", size))
	}()
	synctest.Wait()
	return func() int {
		client.CloseWithError(io.ErrUnexpectedEOF)
		<-written
		return <-code
	}
}

// Bodies that never end have no more memory than is meant for them, those of one
// network no more than its share, and others are heard meanwhile.
func TestPartialBodiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var log bytes.Buffer
		b.Log = slog.New(slog.NewTextHandler(&log, nil))
		small, large := b.memory.shares()
		const size = maxBody - 1 // its memory is maxBody
		var ends []func() int
		for range 100 {
			ends = append(ends, b.partial("198.51.100.7:1000", size))
		}
		if n := small.Held(); n > maxSmallEach || n < maxSmallEach-maxBody {
			t.Errorf("one network has %d bytes", n)
		}
		event := signMailgun(file(t, "mailgun-failed.json"), now)
		if code := b.call(post(mailgun, event)); code != http.StatusOK {
			t.Errorf("a vendor meanwhile: %d", code)
		}
		for n := range 10 {
			for range 10 {
				ends = append(ends, b.partial(fmt.Sprintf("[2001:db8:%d::1]:1000", n), size))
			}
		}
		if n := small.Held() + large.Held(); n > maxSmall || n < maxSmall-maxBody {
			t.Errorf("all have %d bytes", n)
		}
		if !strings.Contains(log.String(), "webhook not read") {
			t.Error("nothing in the log")
		}
		codes := map[int]int{}
		for _, end := range ends {
			codes[end()]++
		}
		if codes[http.StatusServiceUnavailable] < 100 || codes[http.StatusBadRequest] < 20 || len(codes) != 2 {
			t.Errorf("answers %v", codes)
		}
		if n := small.Held() + large.Held(); n != 0 {
			t.Errorf("%d bytes are not given back", n)
		}
	})
}

// A body has memory for what came of it, not for what may come.
func TestSmallBodiesCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		end := b.partial("192.0.2.1:1000", 10)
		small, _ := b.memory.shares()
		if n := small.Held(); n != firstPiece {
			t.Errorf("10 bytes have %d", n)
		}
		end()
	})
}

// One network does not have all the memory of large bodies.
func TestLargeBodiesOfOne(t *testing.T) {
	b := newBench(t)
	_, large := b.memory.shares()
	large.Take(netip.MustParseAddr("192.0.2.1"), maxLargeEach)
	batch := "[" + strings.Repeat(" ", 2*maxBody) + "]"
	for from, want := range map[string]int{"192.0.2.1:1000": http.StatusServiceUnavailable, "192.0.2.2:1000": http.StatusOK} {
		r := b.signSendGrid(t, batch, now)
		r.RemoteAddr = from
		if code := b.call(r); code != want {
			t.Errorf("%s: %d, want %d", from, code, want)
		}
	}
}
