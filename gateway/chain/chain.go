package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"offramp/gateway/callout"
	"offramp/gateway/envelope"
	"offramp/gateway/outbox"
	"offramp/store"
)

// GiveUp is how long after an opt-out a target is called that does not answer.
// A system that is gone for good must not hold up the others.
const GiveUp = 24 * time.Hour

// Records reads what is recorded of a person; see [store.Consent].
type Records interface {
	Standing(ctx context.Context, recipient, list string) (store.Standing, error)
}

// Events keeps what happened; see [store.Consent].
type Events interface {
	AddEvents(ctx context.Context, events ...store.Event) error
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
}

// Caller calls addresses that others chose; *callout.Client is one.
type Caller interface {
	Do(r *http.Request) (callout.Reply, error)
}

// Spool is where mail goes; see [store.Spool].
type Spool interface {
	Create(ctx context.Context) (store.Draft, error)
}

// Chain tells targets of opt-outs. Its fields are set before the first use; it is
// safe for concurrent use.
type Chain struct {
	Targets Targets
	Records Records
	Events  Events
	Caller  Caller
	Own     Own
	Spool   Spool
	Writer  Writer           // of mail to mailto targets
	Wake    func()           // called when mail is spooled; nil: the queue finds it itself
	Now     func() time.Time // nil: time.Now
	// Sure is the time that has come for certain, whatever the clock shows: nobody's
	// opt-out is given up by a wrong clock. nil: Now.
	Sure  func() time.Time
	Log   *slog.Logger // nil: nothing is logged
	Stats *Stats       // nil: not counted

	silent silent
}

// Kind is how the outbox reaches the targets: one person's after another.
func (c *Chain) Kind() outbox.Kind {
	return outbox.Kind{
		Open:   func(store.Consumer) (outbox.Receiver, error) { return c, nil },
		Events: []store.EventKind{store.EventUnsubscribed, store.EventSuppressed},
	}
}

// Send tells the targets of the people of events what they opted out of (see
// outbox.Receiver). An error about a target concerns the events of that person
// alone: the targets of others may well answer.
func (c *Chain) Send(ctx context.Context, events []store.Event) (done int, err error) {
	for i, e := range events {
		if !optOut(e) {
			continue
		}
		if err := c.tell(ctx, e); err != nil {
			return i, err
		}
	}
	return len(events), nil
}

// optOut says whether an event is passed on: what the person did, or a complaint.
// What the operator recorded, or a program by the API, came from the sender's
// own system more often than not, and would go round in circles.
func optOut(e store.Event) bool {
	switch {
	case e.Way == store.Operator || e.Recipient == "":
		return false
	case e.Kind == store.EventUnsubscribed:
		return true
	}
	return e.Kind == store.EventSuppressed && e.Reason == store.ReasonComplained
}

// tell calls every target that an opt-out is about and that has not taken it yet.
func (c *Chain) tell(ctx context.Context, e store.Event) error {
	targets, err := c.Targets.TargetsOf(ctx, e.Recipient, e.List)
	if err != nil || len(targets) == 0 {
		return err
	}
	notified, err := c.notified(ctx, e)
	if err != nil {
		return err
	}
	var faults []error
	for _, t := range targets {
		if notified[t.List] {
			continue
		}
		if holds, err := c.holds(ctx, t); err != nil || !holds {
			faults = append(faults, err)
			continue
		}
		faults = append(faults, c.one(ctx, e, t))
	}
	return errors.Join(faults...)
}

// notified returns the lists whose targets took an opt-out.
func (c *Chain) notified(ctx context.Context, e store.Event) (map[string]bool, error) {
	events, err := c.Events.Events(ctx, store.EventFilter{Recipient: e.Recipient, After: e.ID, Kinds: []store.EventKind{store.EventNotified}})
	all := make(map[string]bool, len(events))
	for _, one := range events {
		if one.Ref == e.ID {
			all[one.List] = true
		}
	}
	return all, err
}

// holds says whether a person is still opted out of the list of a target: an
// opt-out that is passed on late must not undo what the person chose since.
func (c *Chain) holds(ctx context.Context, t store.Target) (bool, error) {
	s, err := c.Records.Standing(ctx, t.Recipient, t.List)
	if errors.Is(err, store.ErrUncertain) {
		return true, nil // nothing is sent to such a person
	}
	for _, ch := range s.Choices {
		if ch.State == store.Unsubscribed {
			return true, err
		}
	}
	for _, su := range s.Suppressions {
		if su.Reason == store.ReasonComplained && !su.Over(c.now()) {
			return true, err
		}
	}
	return false, err
}

// one calls one target and records what came of it. An error means that it is to
// be called again.
func (c *Chain) one(ctx context.Context, e store.Event, t store.Target) error {
	where := host(t.URI)
	err := c.silent.of(where, c.now())
	var a answer
	if err == nil {
		a, err = c.call(ctx, e, t)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil, errors.Is(err, errOurs):
		return err // it says nothing of the target
	case c.sure().Sub(e.Time) < GiveUp:
		c.Stats.orNone().Again.Add(1)
		c.silent.add(where, c.now(), err)
		c.log().Debug("the sender's own system did not take an opt-out, which is sent again", "event", e.ID, "host", where, "error", err)
		return &outbox.Failure{Text: where + ": " + plainly(err), Refused: true, Apart: true}
	default:
		a = answer{text: fmt.Sprintf("no success within %s: %s", GiveUp, plainly(err))}
	}
	return c.record(ctx, e, t, where, a)
}

// record adds the event that says what became of a call.
func (c *Chain) record(ctx context.Context, e store.Event, t store.Target, where string, a answer) error {
	done := store.Event{
		Time: c.now(), Kind: store.EventNotified, Recipient: e.Recipient, List: t.List, Ref: e.ID, QueueID: a.queueID,
		Detail: cut(where + ": " + a.text), Once: fmt.Sprintf("chain notified %d %s", e.ID, t.List),
	}
	if !a.taken {
		c.Stats.orNone().NotNotified.Add(1)
		done.Kind, done.Once = store.EventNotNotified, fmt.Sprintf("chain not notified %d %s", e.ID, t.List)
		c.log().Warn("the sender's own system was not notified of an opt-out", "event", e.ID, "list", t.List, "host", where, "error", a.text)
	}
	return c.Events.AddEvents(ctx, done)
}

// answer is what became of a call that is not made again.
type answer struct {
	taken   bool
	text    string // of the event
	queueID string // of a mail
}

// errOurs is wrapped by errors of our own store.
var errOurs = errors.New("cannot be recorded")

func (c *Chain) call(ctx context.Context, e store.Event, t store.Target) (answer, error) {
	if c.Own.has(t.URI) {
		c.Stats.orNone().Circles.Add(1)
		return answer{text: "leads back to this server, not called"}, nil
	}
	if strings.HasPrefix(t.URI, "mailto:") {
		return c.mail(ctx, e, t)
	}
	return c.post(ctx, t.URI)
}

// host is what is said of a target in events and logs: the rest of it may be a
// secret of the person's.
func host(uri string) string {
	if strings.HasPrefix(uri, "mailto:") {
		address, _, _ := strings.Cut(strings.TrimPrefix(uri, "mailto:"), "?")
		if text, err := url.PathUnescape(address); err == nil {
			if a, err := envelope.Parse(text); err == nil {
				return "mail to " + a.Domain()
			}
		}
		return "mail"
	}
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// cut bounds the text of an event.
func cut(text string) string {
	const most = 512
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

func (c *Chain) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c *Chain) sure() time.Time {
	if c.Sure == nil {
		return c.now()
	}
	return c.Sure()
}

func (c *Chain) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}
