// Package feedback takes the mail that comes back: opt-outs to the mailto
// address of a List-Unsubscribe field, and bounces.
//
// The address decides whom and what a mail is about, never From and never the
// text: people write from another address than the one they are subscribed
// with, and anybody can write any From. An address holds a token that only we
// can make; one that is not ours is refused at RCPT.
//
// Automatic mail opts nobody out ([Feedback.Receive]).
package feedback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

var (
	// ErrUnknown says that an address of the feedback domain is none of ours:
	// made up, damaged, or made with a key that left the key ring.
	ErrUnknown = errors.New("no such address")
	// ErrTooLarge says that a message has more than MaxSize octets or a header
	// of more than MaxHeader.
	ErrTooLarge = errors.New("message to the feedback domain too large")
	// ErrPostmaster says that mail to postmaster came to Receive. It goes to a
	// person, so relay takes it.
	ErrPostmaster = errors.New("mail to postmaster is no feedback")
)

// Person is whom, and of what list, an address is about.
type Person struct {
	Recipient envelope.Address
	List      string
}

// Evidence is what is known about the mail that opted out. Everything in it
// was written by the sender of the mail, but for the IP.
type Evidence struct {
	IP        string // of the client that handed it over
	MessageID string
	UserAgent string // program that wrote it
}

// Consent records opt-outs by mail. changed is false for one that was recorded
// before; a nil error means that it is durable.
type Consent interface {
	OptOut(ctx context.Context, p Person, ev Evidence) (changed bool, err error)
}

// Lists finds a list by its short key, or store.ErrNotFound.
type Lists interface {
	ListByKey(ctx context.Context, key uint64) (store.List, error)
}

// Stats counts what came in.
type Stats struct {
	OptOuts   atomic.Int64 // recipients who opted out by mail, also again
	Automatic atomic.Int64 // automatic messages to opt-out addresses, discarded
	Bounces   atomic.Int64 // messages to bounce addresses, discarded
	Unknown   atomic.Int64 // addresses refused
}

// Feedback takes mail for the feedback domain. Its methods can be called by
// many goroutines.
type Feedback struct {
	Domain  string // feedback domain in A-labels
	Tokens  *listunsub.KeyRing
	Consent Consent
	Lists   Lists
	Log     *slog.Logger // nil: slog.Default
	Stats   *Stats       // nil: not counted
}

// Owns says whether mail to an address is for us and not to be relayed: it is
// in the feedback domain, or postmaster without a domain.
func (f *Feedback) Owns(a envelope.Address) bool {
	return strings.EqualFold(a.Domain(), f.Domain) || a.Domain() == "" && isPostmaster(a)
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
// temporary; one that wraps store.ErrUnavailable also stands for a list this
// node has not heard of yet.
func (f *Feedback) Check(ctx context.Context, a envelope.Address) error {
	if f.IsPostmaster(a) {
		return nil
	}
	_, err := f.resolve(ctx, a)
	if s := f.Stats; s != nil && errors.Is(err, ErrUnknown) {
		s.Unknown.Add(1)
	}
	return err
}

// target is what an address stands for.
type target struct {
	kind    listunsub.AddressKind
	subject Person // without a list when kind is BounceAddress
}

func (f *Feedback) resolve(ctx context.Context, a envelope.Address) (target, error) {
	if !strings.EqualFold(a.Domain(), f.Domain) {
		return target{}, fmt.Errorf("%w: not in the feedback domain", ErrUnknown)
	}
	claims, err := f.Tokens.OpenAddress(a.Local())
	if err != nil {
		return target{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	recipient, err := envelope.Parse(claims.Recipient)
	if err != nil {
		return target{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	t := target{kind: claims.Kind, subject: Person{Recipient: recipient}}
	switch claims.Kind {
	case listunsub.BounceAddress:
		return t, nil
	case listunsub.OptOutAddress:
	default:
		return target{}, fmt.Errorf("%w: address of kind %q", ErrUnknown, claims.Kind)
	}
	list, err := f.Lists.ListByKey(ctx, claims.ListKey)
	if errors.Is(err, store.ErrNotFound) {
		// The address is authentic, so the list exists, perhaps in a store that
		// was restored from an older copy. Refusing would lose the opt-out.
		return target{}, fmt.Errorf("list of the address is not known here: %w", store.ErrUnavailable)
	}
	if err != nil {
		return target{}, fmt.Errorf("list of the address: %w", err)
	}
	t.subject.List = list.ID
	return t, nil
}

func (f *Feedback) log() *slog.Logger {
	if f.Log != nil {
		return f.Log
	}
	return slog.Default()
}
