package smtpd

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"offramp/gateway/envelope"
	"offramp/gateway/relay"
	"offramp/gateway/stream"
	"offramp/store"
)

// nowhere is what a relay needs, without a disk.
type nowhere struct{ io.Writer }

func (nowhere) Create(context.Context) (store.Draft, error) { return nowhere{io.Discard}, nil }
func (nowhere) Commit(context.Context, *store.Message, []store.Recipient) error {
	return nil
}
func (nowhere) Abort()                                          {}
func (nowhere) Usage(context.Context) (store.Usage, error)      { return store.Usage{}, nil }
func (nowhere) AddEvents(context.Context, ...store.Event) error { return nil }
func (nowhere) List(context.Context, string) (store.List, error) {
	return store.List{}, store.ErrNotFound
}

func (nowhere) EnsureList(_ context.Context, l store.List) (store.List, error) {
	return l, nil
}
func (nowhere) Verdict(context.Context, envelope.Address, string) (store.Verdict, error) {
	return store.Verdict{}, nil
}

// BenchmarkAccept takes messages of 10 KiB on one connection, all but the disk.
func BenchmarkAccept(b *testing.B) {
	var loopback relay.Network
	if err := loopback.UnmarshalText([]byte("127.0.0.0/8")); err != nil {
		b.Fatal(err)
	}
	h := start(b, func(s *Server) {
		s.Relay = &relay.Relay{
			Config: relay.Config{TrustedNetworks: []relay.Network{loopback}}, Hostname: "gate.example",
			// Hashed and searched, as list mail is.
			Classifier: &stream.Classifier{Default: stream.List},
			Spool:      nowhere{}, Lists: nowhere{}, Verdicts: nowhere{}, Events: nowhere{}, Log: s.Log,
		}
	})
	c, err := net.Dial("tcp", h.plain.String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	p := &peer{t: b, raw: c, Conn: c, r: bufio.NewReader(c)}
	p.expect("220")
	p.say("EHLO x", "250")
	text := "From: News <news@shop.example>\r\nTo: a@x.example\r\nSubject: hi\r\nMessage-ID: <1@shop.example>\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nDate: Mon, 23 Nov 2026 18:00:00 +0000\r\n\r\n" +
		strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n", 155) + ".\r\n"
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		p.send("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
		p.expect("250")
		p.expect("250")
		p.expect("354")
		p.send(text)
		p.expect("250 2.0.0 queued")
	}
}
