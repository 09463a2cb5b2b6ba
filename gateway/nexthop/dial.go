package nexthop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// dialer opens sessions.
type dialer struct {
	config   Config
	hostname string // our name in EHLO
	roots    *x509.CertPool
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	sessions tls.ClientSessionCache
	stats    *Stats
}

// errPlain marks an error of TLS on a hop where TLS is a bonus: the same hop
// may be tried without (RFC 7435).
type errPlain struct{ error }

func (e errPlain) Unwrap() error { return e.error }

// open connects to address, which belongs to h, and brings the session to
// where MAIL may be sent. Every error is a *stageError about the hop or the
// way there, never about a message.
func (d *dialer) open(ctx context.Context, h hop, address string) (*Session, error) {
	s, err := d.attempt(ctx, h, address, h.security != opportunistic)
	if _, plain := errors.AsType[errPlain](err); plain && ctx.Err() == nil {
		s, err = d.attempt(ctx, withoutTLS(h), address, false)
	}
	if err != nil {
		d.stats.ConnectErrors.Add(1)
		if e, ok := errors.AsType[*stageError](err); ok {
			e.host = h.host
		}
		return nil, err
	}
	d.stats.Connections.Add(1)
	d.stats.Open.Add(1)
	return s, nil
}

// cleartext is opportunistic without STARTTLS: after its handshake failed.
const cleartext security = -1

func withoutTLS(h hop) hop {
	h.security = cleartext
	return h
}

func (d *dialer) attempt(ctx context.Context, h hop, address string, verify bool) (*Session, error) {
	connecting, cancel := context.WithTimeout(ctx, d.config.ConnectTimeout)
	raw, err := d.dial(connecting, "tcp", address)
	cancel()
	if err != nil {
		return nil, &stageError{stage: StageConnect, err: err}
	}
	// The end of ctx must also end a dialogue that waits.
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	s, err := d.greet(ctx, h, raw, verify)
	if err != nil {
		raw.Close()
		stop()
		return nil, err
	}
	if !stop() {
		raw.Close()
		return nil, &stageError{stage: StageConnect, err: ctx.Err()}
	}
	s.name, s.profile = h.host, h.profile
	if _, ok := netAddress(raw); ok && address != h.address() {
		s.name = h.host + " [" + strings.Trim(strings.TrimSuffix(address, ":"+h.port), "[]") + "]"
	}
	return s, nil
}

func netAddress(c net.Conn) (*net.TCPAddr, bool) {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	return a, ok
}

// greet goes from the open connection to where MAIL may be sent.
func (d *dialer) greet(ctx context.Context, h hop, raw net.Conn, verify bool) (*Session, error) {
	s := &Session{lmtp: h.lmtp}
	conn := raw
	if h.security == implicitTLS {
		var err error
		if conn, err = d.handshake(ctx, h, raw, verify); err != nil {
			return nil, &stageError{stage: StageTLS, err: err}
		}
		s.verified = verify
	}
	dlg := dialogue{wire: newWire(conn, d.config.WriteTimeout), timeout: d.config.CommandTimeout}
	if _, err := dlg.expect(220); err != nil {
		return nil, &stageError{stage: StageGreeting, err: err}
	}
	ext, err := dlg.hello(d.hostname, h.lmtp)
	if err != nil {
		return nil, &stageError{stage: StageHello, err: err}
	}
	_, offered := ext["STARTTLS"]
	if h.security == startTLS && !offered {
		return nil, &stageError{stage: StageTLS, err: errors.New("STARTTLS is not offered")}
	}
	if offered && (h.security == startTLS || h.security == opportunistic) {
		if ext, err = d.upgrade(ctx, h, &dlg, verify); err != nil {
			return nil, err
		}
		s.verified = verify
	}
	s.wire, s.ext = dlg.wire, ext
	if err := d.client(s, h); err != nil {
		return nil, err
	}
	return s, nil
}

// upgrade runs STARTTLS (RFC 3207) and greets anew: nothing that was said
// before counts afterwards (section 4.2).
func (d *dialer) upgrade(ctx context.Context, h hop, dlg *dialogue, verify bool) (map[string]string, error) {
	plain := func(at Stage, err error) error {
		if h.security == opportunistic {
			err = errPlain{err}
		}
		return &stageError{stage: at, err: err}
	}
	if _, err := dlg.command("STARTTLS", 220); err != nil {
		return nil, plain(StageTLS, err)
	}
	// What came before the handshake was not protected (CVE-2011-0411).
	if dlg.wire.start != dlg.wire.end {
		return nil, &stageError{stage: StageTLS, err: errOutOfStep}
	}
	conn, err := d.handshake(ctx, h, dlg.wire.Conn, verify)
	if err != nil {
		return nil, plain(StageTLS, err)
	}
	dlg.wire = newWire(conn, d.config.WriteTimeout)
	ext, err := dlg.hello(d.hostname, h.lmtp)
	if err != nil {
		return nil, &stageError{stage: StageHello, err: err}
	}
	return ext, nil
}

func (d *dialer) handshake(ctx context.Context, h hop, raw net.Conn, verify bool) (net.Conn, error) {
	config := &tls.Config{
		ServerName:         h.host,
		RootCAs:            d.roots,
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: !verify, // opportunistic: any protection is better than none (RFC 7435)
	}
	if verify {
		config.ClientSessionCache = d.sessions // a resumed session was verified when it began
	}
	conn := tls.Client(raw, config)
	ctx, cancel := context.WithTimeout(ctx, d.config.ConnectTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return conn, nil
}

// client puts the go-smtp client on top of a dialogue that has greeted, and authenticates.
func (d *dialer) client(s *Session, h hop) error {
	s.wire.hello = replayed(s.ext)
	s.wire.replay = s.wire.hello[:greetingLength]
	s.wire.hello = s.wire.hello[greetingLength:]
	if s.lmtp {
		s.client = smtp.NewClientLMTP(s.wire)
	} else {
		s.client = smtp.NewClient(s.wire)
	}
	s.client.CommandTimeout = d.config.CommandTimeout
	s.client.SubmissionTimeout = d.config.DotTimeout
	if err := s.client.Hello(d.hostname); err != nil {
		return &stageError{stage: StageHello, err: err}
	}
	if h.user == "" {
		return nil
	}
	mechanisms := strings.Fields(strings.ToUpper(s.ext["AUTH"]))
	var mechanism sasl.Client
	switch {
	case slices.Contains(mechanisms, sasl.Plain):
		mechanism = sasl.NewPlainClient("", h.user, h.password)
	case slices.Contains(mechanisms, sasl.Login):
		mechanism = sasl.NewLoginClient(h.user, h.password)
	default:
		return &stageError{stage: StageAuth, err: fmt.Errorf("AUTH PLAIN or LOGIN is not offered")}
	}
	if err := s.client.Auth(mechanism); err != nil {
		return &stageError{stage: StageAuth, err: err}
	}
	return nil
}
