package web

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// Options of a choice. Frequencies are options by their own names.
const (
	optAll        = "all"         // no limit
	optOff        = "off"         // unsubscribed
	optAgain      = "again"       // of a list that was left: subscribed, after a confirmation
	optKeep       = "keep"        // the pause that stands
	optPause      = "pause-"      // and a number of days
	optPauseUntil = "pause-until" // the date of the form
)

// pauses are the lengths, in days, that the page offers.
var pauses = [...]int64{30, 60, 90}

var (
	errDate   = errors.New("not a date a pause can end at")
	errList   = errors.New("not a list of the form")
	errOption = errors.New("not an option")
)

// option is how a wish shows in a form: the option that changes nothing.
func option(w consent.Wish) string {
	switch w.State {
	case store.Unsubscribed:
		return optOff
	case store.Paused:
		return optKeep
	case store.Limited:
		return string(w.Every)
	}
	return optAll
}

// chosen is what a form asks for that did not stand when it was made.
type chosen struct {
	decision consent.Decision
	again    []string // lists that were left and are wanted again
}

// read returns what the fields of f ask for, compared with what its seal says.
func (f form) read(s sealed) (chosen, error) {
	var c chosen
	for field := range f.values {
		list, ok := strings.CutPrefix(field, fieldList)
		if !ok {
			continue
		}
		if _, ok := s.before(list); !ok {
			return c, errList
		}
	}
	// In the order of the page, so that events have it too.
	for _, was := range s.was {
		was = effective(was, s.issued)
		value := f.values.Get(fieldList + was.List)
		switch {
		case value == "" || value == option(was):
		case value == optAgain && was.State == store.Unsubscribed:
			c.again = append(c.again, was.List)
		default:
			wish, err := f.wish(was, value, s.issued)
			if err != nil {
				return c, err
			}
			c.decision.Wishes = append(c.decision.Wishes, wish)
		}
	}
	if s.refused != nil && !*s.refused && f.values.Get(fieldSharing) != "" {
		refuse := true
		c.decision.RefuseSharing = &refuse
	}
	return c, nil
}

// wish is what one option asks for. Pauses count from when the form was made,
// so that a button pressed twice asks for the same thing twice.
func (f form) wish(was consent.Wish, value string, issued time.Time) (consent.Wish, error) {
	w := consent.Wish{List: was.List}
	switch {
	case was.State == store.Unsubscribed:
		// Whatever lets mail of a list come again is confirmed first.
		return w, errOption
	case value == optAll:
		w.State = store.Subscribed
	case value == optOff && was.List != store.AllLists:
		w.State = store.Unsubscribed
	case store.Frequency(value).Period() > 0:
		w.State, w.Every = store.Limited, store.Frequency(value)
	case value == optPauseUntil:
		last, err := time.ParseInLocation(time.DateOnly, f.values.Get(fieldUntil), time.UTC)
		if err != nil {
			return w, errDate
		}
		w.State, w.Every, w.Until = store.Paused, was.Every, last.AddDate(0, 0, 1)
	case strings.HasPrefix(value, optPause):
		days, err := strconv.Atoi(value[len(optPause):])
		if err != nil || !slices.Contains(pauses[:], int64(days)) {
			return w, errOption
		}
		w.State, w.Every, w.Until = store.Paused, was.Every, issued.Add(time.Duration(days)*24*time.Hour)
	default:
		return w, errOption
	}
	return w, nil
}

// lastDay is the last day of a pause, for people: it ends when that day has.
func lastDay(until time.Time) time.Time { return until.Add(-time.Second).UTC() }
