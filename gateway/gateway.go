// Package gateway joins the rooms into one running server: mail in, a way out
// for each recipient, mail on, and opt-outs honoured.
package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/clock"
	"offramp/gateway/consent"
	"offramp/gateway/database"
	"offramp/gateway/dkim"
	"offramp/gateway/history"
	"offramp/gateway/jobs"
	"offramp/gateway/ledger"
	"offramp/gateway/nexthop"
	"offramp/gateway/outbox"
	"offramp/gateway/policy"
	"offramp/gateway/preview"
	"offramp/gateway/queue"
	"offramp/gateway/record"
	"offramp/gateway/relay"
	"offramp/gateway/smtpd"
	"offramp/gateway/throttle"
	"offramp/gateway/traffic"
	"offramp/gateway/web"
	"offramp/gateway/webhook"
	"offramp/listunsub"
	"offramp/store"
)

// Parts is what a gateway works with and does not make itself. All are needed but
// those that say what their zero value means.
type Parts struct {
	Consent   store.Consent
	Spool     store.Spool
	Counts    store.Counts
	APIKeys   store.Keys
	Requests  store.Requests // what an Idempotency-Key says
	Leaks     store.Leaks
	History   store.History   // what became of mail
	Scrubber  store.Scrubber  // overwrites what was erased, while the gateway runs
	Consumers store.Consumers // systems that are sent events
	Ledger    store.Ledger    // what they are sent events from
	Targets   store.Targets   // for OFFRAMP_EXISTING_HEADER=chain
	Jobs      store.Jobs
	ImportDir string // where files that are imported are while that lasts
	// Environ is the environment of OFFRAMP_EXEC, without secrets of ours.
	Environ []string
	Tokens  *listunsub.KeyRing
	Keys    *dkim.Keys // nil: nothing is signed
	// Receipts signs receipts of opt-outs; nil: none are given.
	Receipts *ledger.Signer
	SMTPTLS  *tls.Config // nil: no TLS on SMTP
	HTTPTLS  *tls.Config // nil: plain HTTP, behind a proxy that ends TLS
	// EarlierStream is the default stream where the settings name none: what the
	// data was served with before there was a choice. Empty: auto.
	EarlierStream string
	// FeedbackDir is where mail that came back and was not understood is kept.
	FeedbackDir string
	// IncomingDir is where mail to our own addresses is while it comes in; empty:
	// the system's folder for such files.
	IncomingDir string
	// Resolver finds the keys of those who sign complaints; nil:
	// net.DefaultResolver.
	Resolver dkim.Resolver
	// Reload reads the settings again, for the API; nil: it cannot.
	Reload func(ctx context.Context) record.Reloaded
	// CertificateEnd is when the TLS certificate expires; nil: unknown.
	CertificateEnd func() time.Time
	// Version and Revision are of this program.
	Version, Revision string
	Log               *slog.Logger     // nil: nothing is logged
	Now               func() time.Time // nil: time.Now
	// Listen opens a listener. nil: net.Listen.
	Listen func(network, addr string) (net.Listener, error)
}

// Gateway is a server whose listeners are open. Run serves on them.
type Gateway struct {
	config Config
	parts  Parts
	log    *slog.Logger

	clock    *clock.Clock
	people   *consent.Consent
	history  *history.History
	access   *access.Access
	scrub    store.Scrubber
	jobs     *jobs.Jobs
	smtp     *smtpd.Server
	hops     *nexthop.Hops
	queue    *queue.Queue
	outbox   *outbox.Outbox
	webhooks *webhook.Webhooks
	database *database.Database // nil: there is none
	traffic  *traffic.Counter
	pages    *web.Site
	accept   *relay.Relay
	preview  *preview.Preview
	web      *http.Server
	admin    *http.Server
	policy   *policy.Server // nil: there is none

	mail      []smtpd.Listener
	site, api net.Listener
	questions net.Listener // of Postfix; nil: none
}

// Addrs are the addresses a gateway listens on, as the system gave them.
type Addrs struct {
	SMTP, SMTPS []string
	HTTP, Admin string
	Policy      string // empty: there is none
}

// New checks the settings, joins the rooms and opens every listener. The error
// of a listener wraps what the system said and names the variable.
func New(c Config, p Parts) (*Gateway, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	p.fill()
	if p.Listen == nil {
		p.Listen = net.Listen
	}
	g := &Gateway{config: c, parts: p, log: p.Log, scrub: p.Scrubber}
	if err := g.join(p); err != nil {
		return nil, err
	}
	if err := g.listen(p); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// listen opens every listener, and reports all that do not open.
func (g *Gateway) listen(p Parts) error {
	var faults []error
	open := func(name, addr string) net.Listener {
		l, err := p.Listen("tcp", addr)
		if err != nil {
			faults = append(faults, listenFault(name, addr, err))
			return nil
		}
		return l
	}
	for _, addr := range g.config.SMTPAddr {
		if l := open("OFFRAMP_SMTP_ADDR", addr); l != nil {
			g.mail = append(g.mail, smtpd.Listener{Listener: l})
		}
	}
	for _, addr := range g.config.SMTPSAddr {
		if l := open("OFFRAMP_SMTPS_ADDR", addr); l != nil {
			g.mail = append(g.mail, smtpd.Listener{Listener: l, ImplicitTLS: true})
		}
	}
	if l := open("OFFRAMP_HTTP_ADDR", g.config.HTTPAddr); l != nil {
		g.site = g.pages.Limit(l)
	}
	if l := open("OFFRAMP_ADMIN_ADDR", g.config.AdminAddr); l != nil {
		g.api = limitAdmin(l, g.log)
	}
	faults = append(faults, g.listenPolicy(p.Listen))
	return errors.Join(faults...)
}

// Connections of the admin listener, which take their files from those that are
// kept back: whoever reaches it must not take the files of the store.
const (
	adminConnections = 64
	adminPerAddress  = 32 // IPv6: of a /64
)

// limitAdmin returns l with a bounded number of connections. Loopback addresses
// are many programs'.
func limitAdmin(l net.Listener, log *slog.Logger) net.Listener {
	return &throttle.Listener{
		Listener: l, Places: &throttle.Shares{All: adminConnections, Each: adminPerAddress},
		Shared: func(a netip.Addr) bool { return a.IsLoopback() },
		Refused: func(a netip.Addr) {
			log.Debug("connection to the admin listener refused, too many are open", "ip", a.String())
		},
	}
}

// listenFault says in one sentence why an address cannot be listened on.
func listenFault(name, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &listenError{fmt.Sprintf("%s: another program listens on %s already: stop it, or choose another port", name, addr), err}
	case errors.Is(err, syscall.EACCES):
		return &listenError{fmt.Sprintf("%s: this user may not listen on %s: choose a port over 1023, or grant CAP_NET_BIND_SERVICE", name, addr), err}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return &listenError{fmt.Sprintf("%s: this machine has no address %s: name one it has", name, addr), err}
	}
	return &listenError{fmt.Sprintf("%s: cannot listen on %s: %v", name, addr, err), err}
}

type listenError struct {
	text  string
	cause error
}

func (e *listenError) Error() string { return e.text }
func (e *listenError) Unwrap() error { return e.cause }

// Addrs returns where the gateway listens.
func (g *Gateway) Addrs() Addrs {
	var a Addrs
	for _, l := range g.mail {
		if l.ImplicitTLS {
			a.SMTPS = append(a.SMTPS, l.Addr().String())
		} else {
			a.SMTP = append(a.SMTP, l.Addr().String())
		}
	}
	if g.site != nil {
		a.HTTP = g.site.Addr().String()
	}
	if g.api != nil {
		a.Admin = g.api.Addr().String()
	}
	if g.questions != nil {
		a.Policy = g.questions.Addr().String()
	}
	return a
}

// Close closes the listeners of a gateway that is not run.
func (g *Gateway) Close() error {
	var faults []error
	for _, l := range g.mail {
		faults = append(faults, l.Close())
	}
	for _, l := range []net.Listener{g.site, g.api, g.questions} {
		if l != nil {
			faults = append(faults, l.Close())
		}
	}
	return errors.Join(faults...)
}
