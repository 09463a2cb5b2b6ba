package feedback

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/store"
)

// Told is what a smarthost reports about one recipient. Whoever calls has checked
// that it was the smarthost.
type Told struct {
	Vendor    string
	Kind      ToldKind
	Recipient string    // an address, perhaps with a display name
	At        time.Time // when it happened; zero: now
	// Final says of a bounce that the smarthost calls the failure permanent. That
	// is not yet a dead address: only the words of the last mail system, or its
	// status, say so.
	Final bool
	// Elsewhere says of a bounce that something else than the address failed,
	// whatever the words are.
	Elsewhere bool
	Status    string
	Reply     string
	Said      string // by the last mail system
	Type      string // of a complaint
	// Unsure says of a complaint that the recipient is one of several who may
	// have made it.
	Unsure bool
	Cause  ListCause // of mail withheld
	// Header holds fields of the message it is about, as far as the smarthost
	// repeats them, and Variables what we had it repeat: a valid token in one of
	// them names the list.
	Header, Variables string
	MessageID         string
	ID                string // of the report: the same at every repetition
}

// ToldKind is what a smarthost reports.
type ToldKind string

// The kinds of reports.
const (
	ToldBounce    ToldKind = "bounce"    // it gave up
	ToldDeferred  ToldKind = "deferred"  // it goes on trying
	ToldDelivered ToldKind = "delivered" // the next mail system took the mail
	ToldWithheld  ToldKind = "withheld"  // it did not try: the recipient is on a list of its own
	ToldComplaint ToldKind = "complaint"
	ToldOptOut    ToldKind = "opt-out"
)

// ListCause is why a smarthost keeps a recipient on a list.
type ListCause string

// The causes.
const (
	ListedBounced      ListCause = "bounced"
	ListedComplained   ListCause = "complained"
	ListedUnsubscribed ListCause = "unsubscribed"
	ListedOther        ListCause = "other" // by the operator, or unknown
)

// Told records what a smarthost reports. An error is temporary; what can never be
// recorded, since it names nobody, is left out, and recorded is false.
func (f *Feedback) Told(ctx context.Context, t Told) (recorded bool, err error) {
	recipient, ok := recipientOf(t.Recipient)
	if !ok {
		f.stats().Unproven.Add(1)
		f.log().WarnContext(ctx, "report of the smarthost names no address", slog.String("vendor", t.Vendor), slog.String("kind", string(t.Kind)))
		return false, nil
	}
	if t.At.After(f.now()) {
		t.At = f.now()
	}
	switch t.Kind {
	case ToldDeferred:
		// As when we deliver: it is not an answer yet.
		f.stats().Deferred.Add(1)
		return true, nil
	case ToldDelivered:
		ended, err := f.Consent.Delivered(ctx, recipient, t.At)
		if err != nil {
			return false, fmt.Errorf("report from %s: %w", t.Vendor, err)
		}
		f.stats().Arrived.Add(1)
		if ended {
			f.log().InfoContext(ctx, "mail arrived, the run of soft bounces is over", slog.String("vendor", t.Vendor), slog.String("to", recipient.Masked()))
		}
		return true, nil
	}
	about, err := f.about(ctx, t, recipient)
	if err != nil {
		return false, err
	}
	if err := f.act(ctx, t, about); err != nil {
		return false, fmt.Errorf("report from %s: %w", t.Vendor, err)
	}
	f.log().InfoContext(ctx, "reported by the smarthost", slog.String("vendor", t.Vendor), slog.String("kind", string(t.Kind)),
		slog.String("list", about.List), slog.String("to", recipient.Masked()), slog.String("message_id", t.MessageID))
	return true, nil
}

// act does what a report asks for.
func (f *Feedback) act(ctx context.Context, t Told, about whom) (err error) {
	once := t.Vendor + " " + t.ID + " " + about.Recipient.Key()
	ev := consent.Evidence{MessageID: t.MessageID, UserAgent: t.Vendor}
	switch t.Kind {
	case ToldBounce:
		return f.toldBounce(ctx, t, about, once)
	case ToldWithheld:
		return f.withheld(ctx, t, about, ev)
	case ToldComplaint:
		kind := strings.ToLower(t.Type)
		if kind == "" {
			kind = "abuse"
		}
		var stopped bool
		stopped, err = f.Consent.Complained(ctx, consent.Complaint{
			Subject: about.Subject, Kind: kind, Stops: stops(kind) && !about.noList && (about.proven || !t.Unsure), Way: store.Hook, Once: once}, ev)
		f.countComplaint(err, stopped)
	case ToldOptOut:
		if _, err = f.Consent.OptOutReported(ctx, about.Subject, t.At, store.Hook, ev); err == nil {
			f.stats().OptOuts.Add(1)
		}
	}
	return err
}

// toldBounce weighs a bounce: it makes an address dead when the last mail system
// says so. What says nothing counts as one of several, unless something else than
// the address failed.
func (f *Feedback) toldBounce(ctx context.Context, t Told, about whom, once string) error {
	class, cause, why := diagnosis.ClassifyFor(about.Recipient.String(), t.Status, t.Reply, t.Said)
	weight := weigh(class, cause, t.Final)
	if t.Final && class == diagnosis.Undecided && cause == "" {
		weight = consent.Soft
	}
	if t.Elsewhere {
		weight, why = consent.NoWeight, "the smarthost says that it is not the address"
	}
	stopped, err := f.Consent.Bounced(ctx, consent.Bounce{
		Recipient: about.Recipient, List: about.List, Weight: weight, Way: store.Hook, Once: once,
		Detail: detail(diagnosis.Finding{Class: class, Reply: t.Reply, Status: t.Status, System: t.Vendor, Why: why}),
	}, consent.Evidence{MessageID: t.MessageID, UserAgent: t.Vendor})
	if err == nil {
		f.countBounce(weight, stopped)
	}
	return err
}

// withheld records mail that the smarthost did not send though we did, and has
// the operator know: nobody else can take the person off that list.
func (f *Feedback) withheld(ctx context.Context, t Told, about whom, ev consent.Evidence) error {
	cause, count := store.ReasonManual, &f.stats().Withheld.Other
	switch t.Cause {
	case ListedBounced:
		cause, count = store.ReasonBounced, &f.stats().Withheld.Bounced
	case ListedComplained:
		cause, count = store.ReasonComplained, &f.stats().Withheld.Complained
	case ListedUnsubscribed:
		cause, count = store.ReasonUnsubscribed, &f.stats().Withheld.Unsubscribed
	}
	stopped, err := f.Consent.Withheld(ctx, consent.Withheld{Subject: about.Subject, Vendor: t.Vendor, Cause: cause}, ev)
	if err != nil {
		return err
	}
	count.Add(1)
	if stopped {
		f.stats().Stopped.Add(1)
		return nil
	}
	f.log().WarnContext(ctx, "the smarthost did not send: the address is on its own list, and only there it can be removed",
		slog.String("vendor", t.Vendor), slog.String("cause", string(cause)), slog.String("to", about.Recipient.Masked()))
	return nil
}
