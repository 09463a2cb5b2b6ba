// Package consent is the only place that changes what people chose, and the
// place that says whether mail may be sent to them.
//
// A change is one record with its event and its evidence in one transaction,
// and repeating it is a success that changes nothing. A change that stops mail
// returns only after every attempt that began before it has said whom it
// writes to ([Consent.Start]): once its caller has answered, no attempt for
// that recipient and list begins any more.
package consent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Config holds the settings of this room.
type Config struct {
	// TransactionalDead has mail that is exempt from opt-outs checked against
	// dead addresses: those that bounced and those the operator stopped for
	// all lists.
	TransactionalDead bool `env:"CHECK_TRANSACTIONAL" envDefault:"true" doc:"drop exempt (transactional) mail too when its address bounced or was suppressed by hand for all lists"`
}

// Validate returns no error: every value is one that works.
func (c Config) Validate() error { return nil }

// Store changes what is recorded. [store.Consent] says what each method keeps.
type Store interface {
	SetChoice(ctx context.Context, c store.Choice, e store.Event) (changed bool, err error)
	Suppress(ctx context.Context, s store.Suppression, e store.Event) (changed bool, err error)
	Unsuppress(ctx context.Context, s store.Suppression, e store.Event) (changed bool, err error)
}

// Records reads what is recorded. It must see every change as soon as the
// method of Store that made it has returned.
type Records interface {
	Standing(ctx context.Context, recipient, list string) (store.Standing, error)
}

// Consent changes and reads choices and suppressions. All methods can be
// called by many goroutines. Store and Records must be set, and a Consent must
// not be copied: every room shares the one that delivery starts attempts with.
type Consent struct {
	Config  Config
	Store   Store
	Records Records
	Now     func() time.Time // nil: time.Now

	gate gate
}

// Subject is whom, and of what, a change is about.
type Subject struct {
	Recipient envelope.Address
	List      string // canonical identifier, or store.AllLists
}

// Evidence is what is known about who asked. All fields may be empty; what is
// too long for an event is cut.
type Evidence struct {
	IP        string // of the client
	UserAgent string // of the client, cut to 256 octets
	MessageID string // of the mail that asked
	Who       string // login or account, empty for the person
	// Since is when it was asked for elsewhere, where records are taken over
	// from another system; zero, or a time to come: now. The event has the
	// time at which it was recorded here.
	Since time.Time
}

// ErrSubject says that a change names nobody.
var ErrSubject = errors.New("no recipient")

// ErrReason says that a suppression names a reason that is not one of
// store.ReasonManual, store.ReasonBounced and store.ReasonComplained. What a
// person chooses is an opt-out, not a suppression.
var ErrReason = errors.New("not a reason for a suppression")

// OptOut records that a person left a list, or all lists. changed is false when
// that was recorded before. An error with changed set says that the opt-out is
// on disk, but that mail was being started and had not ended in time: asking
// again is safe and waits again.
func (c *Consent) OptOut(ctx context.Context, s Subject, way store.Way, ev Evidence) (changed bool, err error) {
	e, err := c.event(store.EventUnsubscribed, s, way, ev)
	if err != nil {
		return false, err
	}
	e.Reason = store.ReasonUnsubscribed
	if s.List == store.AllLists {
		e.Reason = store.ReasonUnsubscribedAll
	}
	choice := store.Choice{Recipient: e.Recipient, List: s.List, State: store.Unsubscribed, Since: e.Time, Way: way}
	changed, err = c.Store.SetChoice(ctx, choice, e)
	if err != nil {
		return false, fmt.Errorf("opt out: %w", err)
	}
	return changed, c.settle(ctx, "opt-out", e.Recipient)
}

// Resubscribe records that a person wants a list again, or, with
// store.AllLists, takes an opt-out from all lists back. It lifts nothing else:
// an opt-out from all lists outlives the wish for one of them, and opt-outs
// from single lists outlive the end of the one from all.
func (c *Consent) Resubscribe(ctx context.Context, s Subject, way store.Way, ev Evidence) (changed bool, err error) {
	e, err := c.event(store.EventResubscribed, s, way, ev)
	if err != nil {
		return false, err
	}
	choice := store.Choice{Recipient: e.Recipient, List: s.List, State: store.Subscribed, Since: e.Time, Way: way}
	if changed, err = c.Store.SetChoice(ctx, choice, e); err != nil {
		return false, fmt.Errorf("resubscribe: %w", err)
	}
	return changed, nil
}

// Suppress stops mail to a recipient for a cause that is not the person's own
// choice: store.ReasonManual, store.ReasonBounced or store.ReasonComplained.
// note says more about it, cut to 512 octets. Errors and changed are those of
// [Consent.OptOut]; another reason is [ErrReason].
func (c *Consent) Suppress(ctx context.Context, s Subject, reason store.Reason, note string, ev Evidence) (changed bool, err error) {
	e, err := c.suppressionEvent(store.EventSuppressed, s, reason, ev)
	if err != nil {
		return false, err
	}
	e.Detail = cut(note, maxDetail)
	changed, err = c.Store.Suppress(ctx, store.Suppression{
		Recipient: e.Recipient, List: s.List, Reason: reason, Since: e.Time, Note: e.Detail,
	}, e)
	if err != nil {
		return false, fmt.Errorf("suppress: %w", err)
	}
	return changed, c.settle(ctx, "suppression", e.Recipient)
}

// Unsuppress takes one suppression back. changed is false when there was none.
func (c *Consent) Unsuppress(ctx context.Context, s Subject, reason store.Reason, ev Evidence) (changed bool, err error) {
	e, err := c.suppressionEvent(store.EventUnsuppressed, s, reason, ev)
	if err != nil {
		return false, err
	}
	changed, err = c.Store.Unsuppress(ctx, store.Suppression{Recipient: e.Recipient, List: s.List, Reason: reason}, e)
	if err != nil {
		return false, fmt.Errorf("unsuppress: %w", err)
	}
	return changed, nil
}

// Standing returns all that is recorded about a recipient for one list and for
// all lists.
func (c *Consent) Standing(ctx context.Context, s Subject) (store.Standing, error) {
	if s.Recipient.IsNull() {
		return store.Standing{}, ErrSubject
	}
	st, err := c.Records.Standing(ctx, s.Recipient.Key(), s.List)
	if err != nil {
		return store.Standing{}, fmt.Errorf("standing: %w", err)
	}
	return st, nil
}

func (c *Consent) suppressionEvent(kind store.EventKind, s Subject, reason store.Reason, ev Evidence) (store.Event, error) {
	way, err := wayOf(reason, ev)
	if err != nil {
		return store.Event{}, err
	}
	e, err := c.event(kind, s, way, ev)
	e.Reason = reason
	return e, err
}

// wayOf returns how a suppression comes about when nobody else asked for it.
func wayOf(reason store.Reason, ev Evidence) (store.Way, error) {
	way := store.Operator
	switch reason {
	case store.ReasonManual:
		return way, nil
	case store.ReasonBounced:
		way = store.Delivery
	case store.ReasonComplained:
		way = store.Mail
	default:
		return "", fmt.Errorf("%w: %q", ErrReason, reason)
	}
	if ev.Who != "" {
		way = store.Operator
	}
	return way, nil
}

// The most octets of a text in an event.
const (
	maxUserAgent = 256
	maxDetail    = 512
	maxOther     = 256
)

func (c *Consent) event(kind store.EventKind, s Subject, way store.Way, ev Evidence) (store.Event, error) {
	if s.Recipient.IsNull() {
		return store.Event{}, ErrSubject
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	return store.Event{
		Time:      now().UTC().Truncate(time.Microsecond),
		Kind:      kind,
		Recipient: s.Recipient.Key(),
		List:      s.List,
		Way:       way,
		MessageID: cut(ev.MessageID, maxDetail),
		IP:        cut(ev.IP, maxOther),
		UserAgent: cut(ev.UserAgent, maxUserAgent),
		Who:       cut(ev.Who, maxOther),
	}, nil
}

// cut returns at most n octets of a text that strangers wrote, in UTF-8 and
// without control characters, which not every engine stores.
func cut(text string, n int) string {
	// More than n octets are of no use, however long the text is.
	text = text[:min(len(text), 4*n)]
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r // an octet that is not UTF-8 is utf8.RuneError here
	}, text)
	if len(text) <= n {
		return text
	}
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
