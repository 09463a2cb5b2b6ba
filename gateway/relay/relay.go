package relay

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/gateway/stream"
	"offramp/store"
)

// Client is who hands over a message.
type Client struct {
	Addr     netip.Addr
	Name     string // as given with EHLO; not to be trusted
	Login    string // name it authenticated with; empty: it did not
	TLS      bool
	Protocol string // for Received, e.g. ESMTPSA (RFC 3848); empty: ESMTP
}

// Receipt is what became of an accepted message.
type Receipt struct {
	QueueID  string
	Accepted int // recipients kept
	Dropped  int // recipients dropped by a verdict
}

// Spool is where accepted messages are kept.
type Spool interface {
	Create(ctx context.Context) (store.Draft, error)
	Usage(ctx context.Context) (store.Usage, error)
}

// Lists knows the lists of messages.
type Lists interface {
	List(ctx context.Context, id string) (store.List, error)
	EnsureList(ctx context.Context, l store.List) (store.List, error)
}

// Verdicts says whether a message may be sent to a recipient; list is empty
// for mail that is exempt.
type Verdicts interface {
	Verdict(ctx context.Context, recipient envelope.Address, list string) (store.Verdict, error)
}

// Events keeps what happened.
type Events interface {
	AddEvents(ctx context.Context, events ...store.Event) error
}

// History keeps what became of mail; see [store.History].
type History interface {
	Note(ctx context.Context, m *store.Message, stopped ...store.Stopped) error
}

// Targets remembers where the sender of a message takes opt-outs itself (room
// chain), before the message is accepted.
type Targets interface {
	Remember(ctx context.Context, m *store.Message, fields []mime.Field, to []envelope.Recipient) error
}

// Traffic counts what passes.
type Traffic interface {
	Add(m *store.Message, d stream.Decision, recipients, dropped int)
}

// Relay accepts messages. It is safe for use by many sessions at once and must
// not be copied.
type Relay struct {
	Config
	Hostname string // name in Received
	Spool    Spool
	Lists    Lists
	Verdicts Verdicts
	Events   Events
	History  History // nil: none is kept
	// Classifier decides what is list mail; nil: one without rules.
	Classifier *stream.Classifier
	Signs      func(domain string) bool // whether mail from a domain is signed; nil: none is
	Traffic    Traffic                  // nil: not counted
	Targets    Targets                  // nil: nothing is remembered
	Wake       func()                   // told after each message kept; nil: nobody
	Now        func() time.Time         // nil: time.Now
	Log        *slog.Logger             // nil: slog.Default
	Stats      *Stats                   // nil: not counted

	terms   atomic.Pointer[Terms] // nil: those of the fields above
	buffers sync.Pool             // of *[]byte, for bodies that stream by
	space   space
	mailbox mailbox
}

// Terms are what may change while the relay runs.
type Terms struct {
	TrustedNetworks []Network
	Classifier      *stream.Classifier
}

// Change replaces what was set. Messages that are being accepted keep to what
// held when it was asked.
func (r *Relay) Change(t Terms) { r.terms.Store(&t) }

// Aside returns a relay that decides as r does at this moment, and keeps what it
// accepts elsewhere. It counts nothing and wakes nobody.
func (r *Relay) Aside(spool Spool, lists Lists, events Events) *Relay {
	return &Relay{
		Config: r.Config, Hostname: r.Hostname, Spool: spool, Lists: lists, Verdicts: r.Verdicts, Events: events,
		Classifier: r.classifier(), Signs: r.Signs, Now: r.Now, Log: slog.New(slog.DiscardHandler), Stats: new(Stats),
	}
}

func (r *Relay) trusted() []Network {
	if t := r.terms.Load(); t != nil {
		return t.TrustedNetworks
	}
	return r.TrustedNetworks
}

// MayRelay says whether c may send to any recipient: it authenticated, or it
// is in a trusted network.
func (r *Relay) MayRelay(c Client) bool {
	if c.Login != "" {
		return true
	}
	for _, n := range r.trusted() {
		if n.Contains(c.Addr) {
			return true
		}
	}
	return false
}

func (r *Relay) classifier() *stream.Classifier {
	if t := r.terms.Load(); t != nil {
		return t.Classifier
	}
	if r.Classifier != nil {
		return r.Classifier
	}
	return new(stream.Classifier)
}

func (r *Relay) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Relay) log() *slog.Logger {
	if r.Log != nil {
		return r.Log
	}
	return slog.Default()
}

// bufferSize is how much of a body is in memory for each message on its way.
const bufferSize = 32 << 10

func (r *Relay) buffer() *[]byte {
	if b, ok := r.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, bufferSize)
	return &b
}
