// Package confirmation asks people by mail whether they want what somebody
// asked for on their page.
//
// Whoever holds a link of a message can open the preference page: the person,
// but also everybody the message was forwarded to. What takes an opt-out back
// therefore needs a yes from the address itself (double opt-in). The mail has
// a link to a page; only the button of that page acts. What cannot be taken
// back, or shows all that is stored, needs a code of that mail too, typed by
// hand: a scanner that follows links and presses buttons does not type. The
// package writes and spools the mail, no more: it changes nothing.
package confirmation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// How long a link is good for.
const (
	Life     = 7 * 24 * time.Hour
	CodeLife = 24 * time.Hour // where a code is typed
)

// Claims.List of links that are about no list, nor all lists. Each holds a
// space, so it is the canonical identifier of no list.
const (
	Sharing = "* sharing" // allows sharing again
	Erasure = "* erase"   // erases the person
	Access  = "* data"    // shows all that is stored
)

// Coded says whether a link with that Claims.List acts only with the code of
// its mail.
func Coded(list string) bool { return list == Erasure || list == Access }

// LifeOf is how long a link with that Claims.List is good for. The page refuses
// a token whose Claims.Issued is longer ago.
func LifeOf(list string) time.Duration {
	if Coded(list) {
		return CodeLife
	}
	return Life
}

// ErrAsked says that the person has had as many mails as may be sent for now:
// one for the same question in 10 minutes, and in 24 hours 3 with a code and 5
// without one.
var ErrAsked = errors.New("asked already")

// What is what a person is to confirm.
type What int

// The questions. Zero is not one.
const (
	ListAgain    What = iota + 1 // mail of one list
	AllAgain                     // mail of all lists that the person did not leave one by one
	SharingAgain                 // data may be shared with third parties
	EraseAll                     // everything about the person
	ShowAll                      // that is stored about the person
)

// Question is what Ask asks, and the person asked.
type Question struct {
	Recipient envelope.Address // who is asked
	What      What
	List      string  // canonical identifier; of ListAgain alone
	ListName  string  // for people; empty: List
	Sender    string  // name of the list's sender; empty: not shown
	Speaker   Speaker // the recipient's language
}

// Speaker says things in one language.
type Speaker interface {
	// Say returns the plain text with that key, with the values of pairs of
	// names and values put in as they are.
	Say(key string, pairs ...any) string
	// Moment is a day and a time of day, with its zone.
	Moment(t time.Time) string
	// Tag is the language's BCP 47 tag.
	Tag() string
}

// Spool is where the mail goes.
type Spool interface {
	Create(ctx context.Context) (store.Draft, error)
}

// Tokens seals links, and derives the codes that belong to them.
type Tokens interface {
	Seal(c listunsub.Claims) (string, error)
	Digits(label string, data ...[]byte) string
}

// Confirmation asks. Its fields are set before the first use; it is safe for
// concurrent use.
type Confirmation struct {
	Spool     Spool            // needed
	Tokens    Tokens           // needed
	Keys      *dkim.Keys       // nil: mail leaves unsigned
	PublicURL string           // https URL of the recipients' listener
	From      envelope.Address // sender of the mail; required
	Operator  string           // name of the operator for people; empty: the domain of From
	Wake      func()           // called when mail is spooled; nil: the queue finds it itself
	Now       func() time.Time // nil: time.Now
	Rand      io.Reader        // of the Message-ID; nil: crypto/rand

	asked asked
}

// Ask spools the mail that asks q. It returns ErrAsked when that is one too
// many, and wraps every error of the spool, after which the person may be asked
// again at once. Any other error is a mistake of the caller, or an address too
// long for a token (listunsub.ErrTooLong). No error names the person.
func (c *Confirmation) Ask(ctx context.Context, q Question) error {
	if err := q.check(); err != nil {
		return err
	}
	if c.From.Domain() == "" {
		return errors.New("ask: no address to ask from")
	}
	now := c.now()
	taken, ok := c.asked.take(&q, now)
	if !ok {
		return ErrAsked
	}
	if err := c.send(ctx, &q, now); err != nil {
		c.asked.giveBack(taken)
		return err
	}
	if c.Wake != nil {
		c.Wake()
	}
	return nil
}

func (q *Question) check() error {
	switch {
	case q.Recipient.Domain() == "":
		return errors.New("ask: no address to ask")
	case q.Speaker == nil:
		return errors.New("ask: no language to ask in")
	case q.What < ListAgain || q.What > ShowAll:
		return fmt.Errorf("ask: no question %d", q.What)
	case q.What == ListAgain && (q.List == "" || q.List != listunsub.CanonicalID(q.List)):
		return errors.New("ask: the list has no canonical identifier")
	}
	return nil
}

// list is Claims.List of the link.
func (q *Question) list() string {
	switch q.What {
	case ListAgain:
		return q.List
	case SharingAgain:
		return Sharing
	case EraseAll:
		return Erasure
	case ShowAll:
		return Access
	default:
		return ""
	}
}

// send composes the mail and makes it durable.
func (c *Confirmation) send(ctx context.Context, q *Question, now time.Time) error {
	m, body, err := c.compose(q, now)
	if err != nil {
		return err
	}
	draft, err := c.Spool.Create(ctx)
	if err != nil {
		return fmt.Errorf("begin confirmation: %w", err)
	}
	defer draft.Abort()
	if _, err := draft.Write(body); err != nil {
		return fmt.Errorf("keep confirmation: %w", err)
	}
	err = draft.Commit(ctx, m, []store.Recipient{{
		Address: q.Recipient.String(),
		Person:  q.Recipient.Key(),
		Domain:  q.Recipient.Domain(),
		Notify:  "NEVER",
		State:   store.Queued,
		Next:    now,
	}})
	if err != nil {
		return fmt.Errorf("commit confirmation: %w", err)
	}
	return nil
}

func (c *Confirmation) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
