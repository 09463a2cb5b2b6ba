// Package demo shows Offramp at work on one machine: a newsletter for three
// people, a next hop that keeps what arrives, and a mailbox provider in small.
// Nothing leaves the machine.
package demo

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"offramp/cmd/offramp/internal/demo/inbox"
	"offramp/cmd/offramp/internal/terminal"
	"offramp/gateway/dkim"
	"offramp/gateway/sink"
	"offramp/listunsub"
	"offramp/store"
	"offramp/testdata"
)

// people are the recipients of the demo.
var people = [...]inbox.Mailbox{
	{Name: "Ada", Address: "ada@example.org"},
	{Name: "Ben", Address: "ben@example.org"},
	{Name: "Chloe", Address: "chloe@example.org"},
}

// What the demo's newsletter comes from.
const (
	Domain   = "orchard.example"         // of the sender; its mail is signed for it
	Feedback = "offramp.orchard.example" // the feedback domain, and the server's name
	sender   = "letter@orchard.example"
	list     = "letter.orchard.example"
)

// ErrFailed says that a step of the demo failed; what failed was printed.
var ErrFailed = errors.New("the demo failed")

// Demo is the world around a server. Set the fields, then call Listen and Run.
type Demo struct {
	Screen terminal.Screen
	In     io.Reader // the keyboard
	Now    func() time.Time
	Width  int // columns of the screen; 0: 108

	server Server
	sink   *sink.Sink
	web    net.Listener // inbox and pages, without TLS, for a browser on this machine
	dns    net.PacketConn
	issues atomic.Int64 // sent, from the keyboard and from the inbox
	seen   int64        // last event that was shown
}

// Server is an Offramp that the demo shows.
type Server struct {
	SMTPAddr, AdminAddr string
	PublicURL           string // https, under the certificate of Trust
	CertFile            string
	EnvFile             string // its settings
	Trust               *x509.CertPool
	Signing             []dkim.Key
	Tokens              *listunsub.KeyRing
	Consent             store.Consent
	Spool               store.Spool
	Run                 func(context.Context) error
}

// Listen opens the next hop and the inbox, and returns the next hop's address.
func (d *Demo) Listen() (nextHop string, err error) {
	if d.sink, err = sink.Start(sink.Options{Name: "mx.example.org"}); err != nil {
		return "", err
	}
	if d.web, err = ListenFrom(8080); err != nil {
		return "", errors.Join(err, d.Close())
	}
	if d.dns, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return "", errors.Join(err, d.Close())
	}
	return d.sink.Addr(), nil
}

// Close ends what Listen began.
func (d *Demo) Close() error {
	var faults []error
	if d.web != nil {
		if err := d.web.Close(); !errors.Is(err, net.ErrClosed) {
			faults = append(faults, err)
		}
	}
	if d.dns != nil {
		if err := d.dns.Close(); !errors.Is(err, net.ErrClosed) {
			faults = append(faults, err)
		}
	}
	if d.sink != nil {
		faults = append(faults, d.sink.Close())
	}
	return errors.Join(faults...)
}

// Run runs the server and shows it until ctx ends or the person at the keyboard
// has seen enough. A script runs unattended, and checks each step.
func (d *Demo) Run(ctx context.Context, s Server, script bool) error {
	d.server = s
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { defer stop(); return s.Run(ctx) })
	group.Go(func() error { defer stop(); return d.serveWeb(ctx) })
	group.Go(func() error {
		defer stop()
		defer context.AfterFunc(ctx, func() { d.dns.Close() })()
		return d.serveDNS()
	})
	group.Go(func() error {
		defer stop()
		if script {
			return d.play(ctx)
		}
		return d.show(ctx)
	})
	return group.Wait()
}

// ListenFrom listens on loopback, on the first free port from a number on.
func ListenFrom(port int) (net.Listener, error) {
	var err error
	for n := port; n < port+50; n++ {
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n))); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("demo: no free port from %d on: %w", port, err)
}

// issue returns the newsletter with a subject, date and Message-ID of its own.
func (d *Demo) issue(now time.Time) ([]byte, error) {
	raw, err := testdata.Message(testdata.Newsletter)
	if err != nil {
		return nil, err
	}
	subjects := []string{"The first apples are in", "Cider pressing on Saturday", "The old pear bears again"}
	number := int(d.issues.Add(1))
	subject := subjects[(number-1)%len(subjects)]
	raw = bytes.Replace(raw, []byte("Subject: The first apples are in"), []byte("Subject: "+subject), 1)
	raw = bytes.Replace(raw, []byte("<2026-09.letter@"), fmt.Appendf(nil, "<issue-%d.%d.letter@", number, now.Unix()), 1)
	return bytes.Replace(raw, []byte("Mon, 07 Sep 2026 07:30:00 +0000"), []byte(now.UTC().Format(time.RFC1123Z)), 1), nil
}
