package store

import (
	"context"
	"strings"
	"time"
)

// Drops counts mail that was dropped because people had left, of one list and one
// application.
type Drops struct {
	// An application is known by its login, or, where it had none, by the IP address
	// it came from; and by the domain of the reverse-path of its mail, which is empty
	// for the null one and in events of releases that did not keep it.
	Login, Client, Sender string

	List   string
	Count  int64 // recipients of messages
	People int64 // how many different ones
	First  time.Time
	Last   time.Time
	Newest int64 // ID of the last event
}

// MaxDrops is how many drops are counted at most: the newest.
const MaxDrops = 1_000_000

// DropDetail is the Detail of an event of kind [EventDropped]: the domain of the
// reverse-path of the mail.
func DropDetail(reversePath string) string {
	at := strings.LastIndexByte(reversePath, '@')
	if at < 0 {
		return ""
	}
	return dropFrom + reversePath[at+1:]
}

const dropFrom = "from "

// DropSender reads a [DropDetail]; empty: the text is not one.
func DropSender(detail string) string {
	sender, ok := strings.CutPrefix(detail, dropFrom)
	if !ok {
		return ""
	}
	return sender
}

// Notified is since when a [Reader] had taken over an event.
type Notified struct {
	Reader string
	At     time.Time // up to an hour too late, never too early
}

// Leaks says who still sends mail to people who left.
type Leaks interface {
	// Drops returns drops not before since for a reason that the person gave for
	// good: an opt-out, a complaint, the refusal of sharing, an erasure. The most
	// frequent come first; limit 0: 1000. partial is true when there were more than
	// MaxDrops, of which the oldest are not counted.
	Drops(ctx context.Context, since time.Time, limit int) (all []Drops, partial bool, err error)
	// Notified returns, by name, the readers that have taken over the event with that ID.
	// It knows of what was acknowledged within 400 days.
	Notified(ctx context.Context, event int64) ([]Notified, error)
}
