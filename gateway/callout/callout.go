// Package callout calls addresses that somebody else chose: receivers of webhooks and
// senders' own one-click URLs. Such an address must not reach what only this machine
// can reach (server-side request forgery), and a receiver costs bounded time, memory
// and connections.
package callout

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// ErrRefused says that an address may not be called, now or ever: it is not https, or
// not a public one, and OFFRAMP_CALLOUT_TARGETS does not name it.
var ErrRefused = errors.New("may not be called")

// Limits of one call.
const (
	Timeout  = 10 * time.Second // name, connection, request and reply
	MaxReply = 64 << 10         // bytes of a reply's body that are read

	maxHeader    = 32 << 10
	maxAddresses = 8
	dialTimeout  = 4 * time.Second // for one of several addresses
	idleTimeout  = 30 * time.Second
	maxIdle      = 64
)

// Resolver finds the addresses of a host. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Client makes calls. Its fields are set before the first one. It follows no redirect,
// keeps no cookie and asks no proxy, whatever the environment says: a proxy would
// look the name up again. The zero Client calls public addresses by https.
type Client struct {
	Targets Targets
	// PerTarget is how many connections there are to one host and port at a time;
	// calls beyond wait, within their time. 0: 8.
	PerTarget int
	// Timeout is how long a call may take in all; 0: [Timeout].
	Timeout  time.Duration
	Resolver Resolver // nil: net.DefaultResolver
	// Dial connects to an address that was checked, with its port; nil: net.Dialer.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Roots *x509.CertPool   // nil: those of the system
	Now   func() time.Time // against which certificates are checked; nil: time.Now

	once      sync.Once
	transport *http.Transport
}

// Reply is what a receiver answered.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte // at most MaxReply bytes
	Cut    bool   // the body had more
}

// Check says whether a URL may be called, as far as the URL itself tells: the error
// wraps ErrRefused. What its host resolves to is checked at each call.
func (c *Client) Check(u *url.URL) error {
	switch {
	case u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("%w: the URL has no host", ErrRefused)
	case c.Targets.Has(u):
	case u.Scheme != "https":
		return fmt.Errorf("%w: the URL must begin with https, or its origin be in OFFRAMP_CALLOUT_TARGETS", ErrRefused)
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return c.allow(a, c.Targets.Has(u))
	}
	return nil
}

// Do makes a call, within c.Timeout in all. The user name and password of its URL are
// sent as basic authentication. A reply of any status is a reply; errors never hold
// the URL, whose path may be a secret.
func (c *Client) Do(r *http.Request) (Reply, error) {
	if err := c.Check(r.URL); err != nil {
		return Reply{}, err
	}
	c.once.Do(c.open)
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(c.Timeout, Timeout))
	defer cancel()
	r = r.Clone(context.WithValue(ctx, forTarget{}, c.Targets.Has(r.URL)))
	r.Host = ""
	if user := r.URL.User; user != nil {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
		r.URL.User = nil
	}
	// Not http.Client: it would follow redirects, with their bodies.
	answer, err := c.transport.RoundTrip(r)
	if err != nil {
		return Reply{}, err
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(answer.Body, MaxReply+1))
	if err != nil {
		return Reply{}, fmt.Errorf("read the reply: %w", err)
	}
	return Reply{answer.StatusCode, answer.Header, body.Bytes()[:min(n, MaxReply)], n > MaxReply}, nil
}

// Close ends the connections that are kept for the next call.
func (c *Client) Close() {
	c.once.Do(c.open)
	c.transport.CloseIdleConnections()
}

func (c *Client) open() {
	most := c.PerTarget
	if most == 0 {
		most = 8
	}
	c.transport = &http.Transport{
		Proxy: nil, DialContext: c.dial,
		TLSClientConfig:     &tls.Config{RootCAs: c.Roots, Time: c.Now, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: Timeout, ResponseHeaderTimeout: Timeout, IdleConnTimeout: idleTimeout,
		MaxConnsPerHost: most, MaxIdleConnsPerHost: most, MaxIdleConns: maxIdle,
		MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
	}
}

// forTarget is the key under which the context of a connection says whether it is
// opened for one of the operator's targets.
type forTarget struct{}

// dial looks a host up once, checks every address and connects to one of those that
// it checked: the name is not looked up again, so another answer changes nothing.
func (c *Client) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	// The transport may open a connection for one call and use it for another, but
	// only of the same scheme, host and port, which decide what is ours.
	ours, _ := ctx.Value(forTarget{}).(bool)
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, Timeout))
	defer cancel()
	found, err := c.lookUp(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		if err := c.allow(a, ours); err != nil {
			return nil, err
		}
	}
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	var faults []error
	for _, a := range found[:min(len(found), maxAddresses)] {
		conn, err := connect(ctx, dial, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		faults = append(faults, err)
	}
	return nil, errors.Join(faults...)
}

func connect(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return dial(ctx, "tcp", address)
}

func (c *Client) lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	var r Resolver = net.DefaultResolver
	if c.Resolver != nil {
		r = c.Resolver
	}
	found, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("find the address of the host: %w", err)
	}
	if len(found) == 0 {
		return nil, errors.New("the host has no address")
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, nil
}

// allow says whether an address may be connected to. The error does not name it: who
// may set a webhook must not learn what our names resolve to.
func (c *Client) allow(a netip.Addr, ours bool) error {
	switch reachOf(a) {
	case public:
		return nil
	case private:
		if ours {
			return nil
		}
		return fmt.Errorf("%w: the host is at a private address: name its origin in OFFRAMP_CALLOUT_TARGETS if it is yours", ErrRefused)
	}
	return fmt.Errorf("%w: the host is at a reserved address", ErrRefused)
}
