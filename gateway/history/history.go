// Package history says what became of mail: each message with its attempts and
// how it ended, from the store's own record, and what followed it, from the
// ledger. It also has what is too old leave the store.
package history

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Store keeps what became of mail; see [store.History].
type Store interface {
	Fates(ctx context.Context, f store.FateFilter) (store.Fates, error)
	RetireFates(ctx context.Context, before time.Time, most int64) (int64, error)
}

// Ledger reads what happened to people.
type Ledger interface {
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
}

// Space says how much room there is.
type Space interface {
	Usage(ctx context.Context) (store.Usage, error)
}

// History answers what became of mail. Store, Ledger and Space must be set.
type History struct {
	Config
	Store  Store
	Ledger Ledger
	Space  Space
	Sure   func() time.Time // the time by which records are old; nil: time.Now
	Log    *slog.Logger     // nil: nothing is logged
}

// Query asks for messages. At least one of Recipient, QueueID and MessageID is
// given; of several, all have to fit.
type Query struct {
	Recipient envelope.Address // null: any
	QueueID   string
	MessageID string    // with or without angle brackets
	Since     time.Time // accepted then or later
	Before    int64     // [Answer.More] of the answer before
	Limit     int       // 0: 100
}

// Answer is what became of messages.
type Answer struct {
	Messages []Message // those in the queue, newest first, then the last that ended first
	More     int64     // where the next answer begins; 0: that was all
	From     time.Time // what ended before then may not be known any more
	Damaged  int       // records that cannot be read
}

// Message is one message to one recipient.
type Message struct {
	store.Fate
	// Followed is what the person did or what came back after it, oldest first.
	Followed []Followed
}

// Followed is an event after a message.
type Followed struct {
	store.Event
	// Named says that the event names the message. Otherwise it is the next after
	// the last message of its list.
	Named bool
}

// Find answers a query.
func (h *History) Find(ctx context.Context, q Query) (Answer, error) {
	f := store.FateFilter{QueueID: q.QueueID, Since: q.Since, Before: q.Before, Limit: q.Limit}
	if q.MessageID != "" {
		f.MessageID = "<" + strings.Trim(q.MessageID, "<> ") + ">"
	}
	if !q.Recipient.IsNull() {
		f.Person = q.Recipient.Key()
	}
	found, err := h.Store.Fates(ctx, f)
	if err != nil {
		return Answer{}, fmt.Errorf("what became of mail: %w", err)
	}
	a := Answer{More: found.More, From: found.From, Damaged: found.Damaged, Messages: make([]Message, len(found.Fates))}
	byPerson := make(map[string][]*Message)
	for i, fate := range found.Fates {
		m := &a.Messages[i]
		m.Fate = fate
		person := personOf(fate.Recipient)
		byPerson[person] = append(byPerson[person], m)
	}
	for person, theirs := range byPerson {
		if err := h.follow(ctx, person, theirs, q.Before == 0); err != nil {
			return Answer{}, err
		}
	}
	return a, nil
}

// personOf is the lookup key of an address as the spool has it.
func personOf(wire string) string {
	a, err := envelope.Parse(wire)
	if err != nil {
		return strings.ToLower(wire)
	}
	return a.Key()
}

// following are the kinds of events that follow a message.
var following = []store.EventKind{
	store.EventUnsubscribed, store.EventResubscribed, store.EventPaused, store.EventLimited, store.EventReason, store.EventSuppressed,
	store.EventBounced, store.EventComplained, store.EventAnswered, store.EventProposed,
}

// mostFollowed bounds the events of one person that are looked at.
const mostFollowed = 1000

// follow adds to a person's messages what followed them; latest says that there
// is no message after them.
func (h *History) follow(ctx context.Context, person string, theirs []*Message, latest bool) error {
	since := theirs[0].Accepted
	for _, m := range theirs {
		if m.Accepted.Before(since) {
			since = m.Accepted
		}
	}
	events, err := h.Ledger.Events(ctx, store.EventFilter{Recipient: person, Since: since, Kinds: following, Limit: mostFollowed})
	if err != nil {
		return fmt.Errorf("what followed: %w", err)
	}
	for _, e := range events {
		if m := named(theirs, e); m != nil {
			m.Followed = append(m.Followed, Followed{e, true})
		} else if m := before(theirs, e, latest); m != nil {
			m.Followed = append(m.Followed, Followed{Event: e})
		}
	}
	return nil
}

// named is the message that an event names; nil: none of these.
func named(theirs []*Message, e store.Event) *Message {
	for _, m := range theirs {
		if e.QueueID != "" && e.QueueID == m.QueueID || e.MessageID != "" && e.MessageID == m.MessageID {
			return m
		}
	}
	return nil
}

// before is the last message of the event's list that was delivered before it;
// nil: none of these. Of a page behind others the newest is not known.
func before(theirs []*Message, e store.Event, latest bool) *Message {
	delivered := slices.DeleteFunc(slices.Clone(theirs), func(m *Message) bool {
		return m.End != store.EndDelivered || m.List == "" || e.List != store.AllLists && e.List != m.List
	})
	if len(delivered) == 0 {
		return nil
	}
	slices.SortStableFunc(delivered, func(a, b *Message) int { return a.Ended.Compare(b.Ended) })
	at, _ := slices.BinarySearchFunc(delivered, e.Time, func(m *Message, t time.Time) int { return cmp.Or(m.Ended.Compare(t), -1) })
	if at == 0 || at == len(delivered) && !latest {
		return nil
	}
	return delivered[at-1]
}

func (h *History) sure() time.Time {
	if h.Sure == nil {
		return time.Now()
	}
	return h.Sure()
}

func (h *History) log() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}
