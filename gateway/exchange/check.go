package exchange

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// ownRecord is a record of our own files, which say all of it.
func ownRecord(r *Reader, f fields) ([]Record, Skip, error) {
	record := Record{
		Recipient: f.text("email"), List: r.o.List, Reason: store.Reason(strings.ToLower(f.text("reason"))), Note: f.text("note"),
		Source: f.text("source"),
	}
	// A file with the column says for every row what list it is about.
	if list, named := listOf(f); named {
		record.List = listunsub.CanonicalID(list)
	}
	if record.Reason == "" {
		record.Reason = r.o.Reason
	}
	var err error
	if record.Since, err = r.date(f.text("created_at")); err != nil {
		return nil, "", err
	}
	if record.Until, err = moment(f.text("expires_at")); err != nil {
		return nil, "", fmt.Errorf("expires_at: %w", err)
	}
	return []Record{record}, "", nil
}

func listOf(f fields) (list string, named bool) {
	switch f := f.(type) {
	case *table:
		named = len(f.at["list"]) > 0
	case object:
		named = f["list"] != nil
	}
	return f.text("list"), named
}

func plainLine(r *Reader, f fields) ([]Record, Skip, error) {
	return []Record{{Recipient: f.text(""), List: r.o.List, Reason: r.o.Reason, Since: r.o.Since}}, "", nil
}

// finish checks a record and puts it into the form that records have.
func (r *Reader) finish(line int64, record Record) Row {
	row := Row{Line: line, Record: record}
	if err := row.Record.check(r.o.Now); err != nil {
		return Row{Line: line, Fault: err.Error()}
	}
	if !row.Record.Until.IsZero() && !row.Record.Until.After(r.o.Now) {
		return Row{Line: line, Skip: SkipEnded}
	}
	return row
}

func (r *Record) check(now time.Time) error {
	pattern, err := r.name()
	if err != nil {
		return err
	}
	if !r.scope() {
		return unknownReason(string(r.Reason), "manual, bounced, complained, unsubscribed, unsubscribed-all, paused or paused-all")
	}
	r.Note = oneLine(r.Note)
	if len(r.Source) > maxSource {
		return fmt.Errorf("source is longer than %d bytes", maxSource)
	}
	pause := r.Reason == store.ReasonPaused || r.Reason == store.ReasonPausedAll
	switch {
	case !r.Own():
	case pattern:
		return fmt.Errorf("reason %s: only a person unsubscribes or pauses; a domain takes manual, bounced or complained", r.Reason)
	case pause == r.Until.IsZero():
		return errors.New("expires_at is the end of a pause or suppression: required for a pause, not allowed for an opt-out")
	case pause && r.Until.Sub(now) > LongestPause:
		return errors.New("expires_at: a pause is at most two years long")
	}
	return nil
}

// name makes the recipient a lookup key or the key of a pattern.
func (r *Record) name() (pattern bool, err error) {
	text := strings.TrimSpace(r.Recipient)
	if text == "" {
		return false, errors.New("no mail address")
	}
	if envelope.LikePattern(text) {
		p, err := envelope.ParsePattern(text)
		switch {
		case err != nil:
			return true, errors.New("invalid pattern: write @example.org, or *.example.org for the domains below it")
		case p.Public():
			return true, envelope.ErrPublic
		}
		r.Recipient = p.Key()
		return true, nil
	}
	a, err := envelope.Parse(text)
	if err != nil || a.IsNull() {
		return false, errors.New("invalid mail address")
	}
	r.Recipient = a.Key()
	return false, nil
}

// scope gives a person's own choice the reason that fits its list. It says whether the
// reason is known.
func (r *Record) scope() bool {
	switch r.Reason {
	case store.ReasonManual, store.ReasonBounced, store.ReasonComplained:
	case store.ReasonUnsubscribedAll, store.ReasonPausedAll:
		r.List = store.AllLists
	case store.ReasonUnsubscribed:
		if r.List == store.AllLists {
			r.Reason = store.ReasonUnsubscribedAll
		}
	case store.ReasonPaused:
		if r.List == store.AllLists {
			r.Reason = store.ReasonPausedAll
		}
	default:
		return false
	}
	return true
}

// ahead is how far a date may be in the future: of a clock, or of a time zone that the
// file does not name.
const ahead = 24 * time.Hour

// date reads when a record was made; empty: the date of those that have none.
func (r *Reader) date(text string) (time.Time, error) {
	t, err := moment(text)
	switch {
	case err != nil:
		return t, err
	case t.IsZero():
		return r.o.Since, nil
	case t.After(r.o.Now.Add(ahead)):
		return t, fmt.Errorf("date %s is in the future", quoted(text))
	case t.After(r.o.Now):
		return r.o.Now, nil
	}
	return t, nil
}

// dates are the spellings of times; one without a zone is UTC. Go reads a fraction of
// a second after each.
var dates = []string{
	time.RFC3339, time.DateTime, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 UTC",
	"Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 UTC", "Mon, 2 Jan 2006 15:04:05 GMT", "2 Jan 2006 15:04:05 -0700",
	"2006-01-02T15:04:05-0700", "2006-01-02T15:04:05Z0700",
}

// moment reads a time; empty: the zero time.
func moment(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if seconds > 1e11 { // milliseconds
			seconds /= 1000
		}
		if seconds < 1 || seconds > 1e11 || math.IsNaN(seconds) {
			return time.Time{}, fmt.Errorf("invalid time %s", quoted(text))
		}
		return time.UnixMicro(int64(math.Round(seconds * 1e6))).UTC(), nil
	}
	for _, form := range dates {
		if t, err := time.Parse(form, text); err == nil && t.Year() >= 1970 && t.Year() < 9999 {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, fmt.Errorf("invalid time %s", quoted(text))
}
