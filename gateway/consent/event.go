package consent

import (
	"strings"
	"time"
	"unicode/utf8"

	"offramp/store"
)

// The most bytes of a text in an event.
const (
	maxUserAgent = 256
	maxDetail    = 512
	maxOther     = 256
)

func (c *Consent) event(kind store.EventKind, s Subject, way store.Way, ev Evidence) (store.Event, error) {
	if s.Recipient.IsNull() {
		return store.Event{}, ErrSubject
	}
	e := c.eventOf(kind, s.Recipient.Key(), way, ev)
	e.List = s.List
	return e, nil
}

func (c *Consent) eventOf(kind store.EventKind, recipient string, way store.Way, ev Evidence) store.Event {
	return store.Event{
		Time:      c.now(),
		Kind:      kind,
		Recipient: recipient,
		Way:       way,
		MessageID: cut(ev.MessageID, maxDetail),
		IP:        cut(ev.IP, maxOther),
		UserAgent: cut(ev.UserAgent, maxUserAgent),
		Who:       cut(ev.Who, maxOther),
	}
}

// since is the time a record of what was asked for with ev has; now is its
// event's.
func (ev Evidence) since(now time.Time) time.Time {
	if ev.Since.IsZero() || ev.Since.After(now) {
		return now
	}
	return ev.Since.UTC().Truncate(time.Microsecond)
}

// cut returns at most n bytes of a text that strangers wrote, in UTF-8 and
// without control characters, which not every engine stores.
func cut(text string, n int) string {
	// More than n bytes are of no use, however long the text is.
	text = text[:min(len(text), 4*n)]
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r // a byte that is not UTF-8 is utf8.RuneError here
	}, text)
	if len(text) <= n {
		return text
	}
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
