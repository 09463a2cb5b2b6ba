package nexthop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
)

// dialer opens sessions.
type dialer struct {
	config   Config
	hostname string // our name in EHLO
	roots    *x509.CertPool
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	sessions tls.ClientSessionCache
	stats    *Stats
	limits   *limits
}

// errPlain marks an error of TLS on a hop where TLS is a bonus: the same hop
// may be tried without (RFC 7435).
type errPlain struct{ error }

func (e errPlain) Unwrap() error { return e.error }

// open connects to address, which belongs to h, and brings the session to
// where MAIL may be sent. Every error is a *stageError about the hop or the
// way there, never about a message.
func (d *dialer) open(ctx context.Context, h hop, address string) (*Session, error) {
	s, err := d.attempt(ctx, h, address)
	for ctx.Err() == nil {
		humbler, ok := humbler(h, err)
		if !ok {
			break
		}
		h = humbler
		s, err = d.attempt(ctx, h, address)
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
	s.peer = d.limits.peer(address, s.name)
	s.peer.announced(s.ext)
	return s, nil
}

// humbler returns how else h may be greeted after err.
func humbler(h hop, err error) (hop, bool) {
	if _, ok := errors.AsType[errPlain](err); ok {
		h.security = cleartext
		return h, true
	}
	if _, ok := errors.AsType[errNoEHLO](err); ok {
		h.helo = true
		return h, true
	}
	return h, false
}

// cleartext is opportunistic without STARTTLS: after its handshake failed.
const cleartext security = -1

func (d *dialer) attempt(ctx context.Context, h hop, address string) (*Session, error) {
	connecting, cancel := context.WithTimeout(ctx, d.config.ConnectTimeout)
	raw, err := d.dial(connecting, "tcp", address)
	cancel()
	if err != nil {
		return nil, &stageError{stage: StageConnect, err: err}
	}
	// The end of ctx must also end a dialogue that waits.
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	s, err := d.greet(ctx, h, newPolled(raw))
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
func (d *dialer) greet(ctx context.Context, h hop, raw *polled) (*Session, error) {
	s := &Session{lmtp: h.lmtp, dotTimeout: d.config.DotTimeout}
	conn := net.Conn(raw)
	if h.security == implicitTLS {
		var err error
		if conn, err = d.handshake(ctx, h, raw); err != nil {
			return nil, &stageError{stage: StageTLS, err: err}
		}
		s.verified = true
	}
	s.dialogue = dialogue{wire: newWire(conn, raw, d.config.WriteTimeout), timeout: d.config.CommandTimeout}
	r, err := s.wire.reply(d.config.CommandTimeout)
	if _, err = wanted(2, r, err); err != nil {
		return nil, &stageError{stage: StageGreeting, err: err}
	}
	if s.ext, err = s.hello(d.hostname, h); err != nil {
		return nil, &stageError{stage: StageHello, err: err}
	}
	offered := s.offers("STARTTLS")
	if h.security == startTLS && !offered {
		return nil, &stageError{stage: StageTLS, err: errors.New("STARTTLS is not offered")}
	}
	if offered && (h.security == startTLS || h.security == opportunistic) {
		if err := d.upgrade(ctx, h, s); err != nil {
			return nil, err
		}
	}
	if h.user != "" {
		if err := s.authenticate(h, s.ext["AUTH"]); err != nil {
			return nil, &stageError{stage: StageAuth, err: err}
		}
	}
	return s, nil
}

// upgrade runs STARTTLS (RFC 3207) and greets anew: nothing that was said
// before counts afterwards (section 4.2).
func (d *dialer) upgrade(ctx context.Context, h hop, s *Session) error {
	plain := func(err error) error {
		if h.security == opportunistic {
			err = errPlain{err}
		}
		return &stageError{stage: StageTLS, err: err}
	}
	if _, err := s.want(2, "STARTTLS"); err != nil {
		return plain(err)
	}
	// What came before the handshake was not protected (CVE-2011-0411).
	if s.wire.unread() {
		return &stageError{stage: StageTLS, err: errOutOfStep}
	}
	conn, err := d.handshake(ctx, h, s.wire.Conn)
	if err != nil {
		return plain(err)
	}
	s.wire = newWire(conn, s.wire.base, d.config.WriteTimeout)
	s.verified = h.verify()
	if s.ext, err = s.hello(d.hostname, h); err != nil {
		return &stageError{stage: StageHello, err: err}
	}
	return nil
}

func (d *dialer) handshake(ctx context.Context, h hop, raw net.Conn) (net.Conn, error) {
	config := &tls.Config{
		ServerName:         h.host,
		RootCAs:            d.roots,
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: !h.verify(), // opportunistic: any protection is better than none (RFC 7435)
	}
	if h.verify() {
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
