// Package feedback takes the mail that comes back: opt-outs to the mailto
// address of a List-Unsubscribe field, bounces, complaints and replies.
//
// What may change something is decided by what only we can have made: an
// address with a MAC, or a token in the message that is returned; never by
// From, and never by an address that a text names. The text says what happened,
// not to which recipient. An address in the feedback domain that we did not make is
// refused at RCPT.
//
// Automatic mail opts nobody out, and nothing here is ever answered.
package feedback

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

var (
	// ErrUnknown says that an address of the feedback domain was not made here:
	// made up, damaged, or made with a key that left the key ring.
	ErrUnknown = errors.New("no such address")
	// ErrTooLarge says that a message has a header of more than MaxHeader.
	ErrTooLarge = errors.New("header of a message to the feedback domain too large")
	// ErrPostmaster says that mail to postmaster came to Receive. It goes to a
	// person, so relay takes it.
	ErrPostmaster = errors.New("mail to postmaster is not feedback")
)

// Consent records what was found (package consent). A nil error means that it is
// durable; telling the same again changes nothing.
type Consent interface {
	OptOut(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (changed bool, err error)
	Bounced(ctx context.Context, b consent.Bounce, ev consent.Evidence) (stopped bool, err error)
	Complained(ctx context.Context, c consent.Complaint, ev consent.Evidence) (stopped bool, err error)
	Smarthost
}

// Smarthost records what only smarthosts report (package consent).
type Smarthost interface {
	OptOutReported(ctx context.Context, s consent.Subject, at time.Time, way store.Way, ev consent.Evidence) (changed bool, err error)
	Withheld(ctx context.Context, w consent.Withheld, ev consent.Evidence) (stopped bool, err error)
	Delivered(ctx context.Context, recipient envelope.Address, at time.Time) (ended bool, err error)
}

// Answers records what changes nothing, and knows who is held (package consent).
type Answers interface {
	Answered(ctx context.Context, a consent.Answer, ev consent.Evidence) error
	Person(ctx context.Context, recipient envelope.Address) (store.Person, error)
}

// Lists finds a list by its short key, or store.ErrNotFound.
type Lists interface {
	ListByKey(ctx context.Context, key uint64) (store.List, error)
}

// Codes finds the recipient of a code, empty when the person was erased, or
// returns store.ErrNotFound; see [store.Consent].
type Codes interface {
	AddressOfCode(ctx context.Context, id [16]byte) (address string, err error)
}

// Senders takes mail that goes on to whoever sent what came back. An error is
// temporary.
type Senders interface {
	PassOn(ctx context.Context, to envelope.Address, ip string, data []byte) error
}

// Stats counts what came in.
type Stats struct {
	OptOuts    atomic.Int64 // recipients who opted out by mail, also again
	Automatic  atomic.Int64 // automatic messages, which change nothing
	Hard, Soft atomic.Int64 // bounces by what they say of the address
	Undecided  atomic.Int64 // bounces that say nothing of it
	Complaints atomic.Int64 // complaints about a person we know by a token
	Stopped    atomic.Int64 // addresses that got a suppression
	Proposed   atomic.Int64 // wishes whose author is not proven
	Unproven   atomic.Int64 // bounces and complaints without a valid token
	Unverified atomic.Int64 // reports to the CFBL address without a fitting signature
	Other      atomic.Int64 // messages that were not understood
	PassedOn   atomic.Int64 // bounces that went on to their sender
	Unknown    atomic.Int64 // addresses refused
	Deferred   atomic.Int64 // reports of smarthosts that they go on trying
	Arrived    atomic.Int64 // reports of smarthosts that mail arrived
	// Withheld counts mail that a smarthost did not send, by why the recipient is
	// on its own list.
	Withheld struct{ Bounced, Complained, Unsubscribed, Other atomic.Int64 }
}

// Feedback takes mail for the feedback domain and for the addresses that are
// routed here. Its methods can be called by many goroutines.
type Feedback struct {
	Config  Config
	Domain  string // feedback domain in A-labels
	Tokens  *listunsub.KeyRing
	Consent Consent
	Answers Answers
	Lists   Lists
	Codes   Codes
	Sent    *Sent    // what was relayed of late; nil: nothing is known of it
	Senders Senders  // nil: nothing is passed on
	Kept    *Kept    // of what is not understood; nil: nothing is kept
	Verify  Verifier // of reports; nil: none is believed for its signature
	Now     func() time.Time
	Log     *slog.Logger // nil: slog.Default
	Stats   *Stats       // nil: not counted

	proposals proposals
	passes    passes
	reports   reports
}

// Boxes are the addresses of the feedback domain, besides those with a MAC.
const (
	boxCFBL       = envelope.ComplaintBox // reports that mail providers send by RFC 9477
	boxComplaints = "complaints"          // reports of feedback loops that one registers for
	boxReplies    = "replies"             // replies of people
)

// Owns says whether mail to an address is for us and not to be relayed: it is
// in the feedback domain or one of Config.Addresses.
func (f *Feedback) Owns(a envelope.Address) bool {
	return strings.EqualFold(a.Domain(), f.Domain) || f.routed(a)
}

// routed says whether the operator has mail to an address routed here.
func (f *Feedback) routed(a envelope.Address) bool {
	for _, one := range f.Config.Addresses {
		if r, err := envelope.Parse(one); err == nil && r.Key() == a.Key() {
			return true
		}
	}
	return false
}

// IsPostmaster says whether an address is the postmaster of the feedback
// domain (RFC 5321 section 4.5.1). Check accepts it, Receive does not: relay
// forwards such mail.
func (f *Feedback) IsPostmaster(a envelope.Address) bool {
	return f.Owns(a) && isPostmaster(a)
}

func isPostmaster(a envelope.Address) bool { return strings.EqualFold(a.Local(), "postmaster") }

// Check says at RCPT whether an address can get mail. The error wraps
// [ErrUnknown] for an address that is not ours. Every other error is
// temporary; one that wraps store.ErrUnavailable can also mean a list or code
// this node has not heard of yet.
func (f *Feedback) Check(ctx context.Context, a envelope.Address) error {
	if f.IsPostmaster(a) {
		return nil
	}
	_, err := f.resolve(ctx, a)
	if errors.Is(err, ErrUnknown) {
		f.stats().Unknown.Add(1)
	}
	return err
}

func (f *Feedback) log() *slog.Logger {
	if f.Log != nil {
		return f.Log
	}
	return slog.Default()
}

func (f *Feedback) stats() *Stats {
	if f.Stats != nil {
		return f.Stats
	}
	return &Stats{}
}

func (f *Feedback) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}
