package sqlite

import (
	"errors"
	"slices"
	"strings"
	"time"

	"offramp/store"
)

const (
	selectLegible = "SELECT " + eventColumns + ", salt, erased, digest, link FROM events WHERE recipient = ? ORDER BY id"
	// repairNote is why a pattern is stopped of which more may be lost than is known.
	repairNote = "stopped by repair: records of this pattern were damaged and cannot be proven complete"
)

// namesElsewhere are where names are written that may have lost their rows.
var namesElsewhere = []struct {
	of    class
	query string
}{
	{person, "SELECT DISTINCT recipient FROM events WHERE recipient IS NOT NULL"},
	{person, "SELECT DISTINCT recipient FROM contacts"},
	{person, "SELECT DISTINCT recipient FROM targets"},
	{person, "SELECT recipient FROM bounces"},
	{person, "SELECT recipient FROM codes WHERE recipient IS NOT NULL"},
	{aList, "SELECT DISTINCT list FROM events WHERE list <> ''"},
	{aList, "SELECT DISTINCT list FROM choices WHERE list <> ''"},
	{aList, "SELECT DISTINCT list FROM traffic WHERE list <> ''"},
}

// learn finds the names of guards that no row names any more.
func (r *repair) learn(concerned map[int64]bool) error {
	learn := func(of class, name string) {
		if id := r.k.id(of, name); concerned[id] {
			r.names[id] = sealedRow{of: of, name: name}
		}
	}
	for _, at := range namesElsewhere {
		if err := r.c.query(at.query, func(v row) error {
			name := v.text(0)
			if learn(at.of, name); at.of == person {
				learn(person, r.s.people.hash(name))
			}
			return nil
		}); err != nil && !errors.Is(err, store.ErrDamaged) {
			return err
		}
	}
	for _, name := range []string{metaPersonKey, metaStream} {
		learn(aValue, name)
	}
	return nil
}

// person puts a person's records back from the ledger, or stops the person.
func (r *repair) person(id int64, name string) error {
	all, err := readAll(r.c, r.k, name)
	if err != nil {
		if errors.Is(err, store.ErrDamaged) {
			return r.unnamed(id)
		}
		return err
	}
	if all.whole(r.k) {
		return r.guard(id, all.rows.count, all.rows.sum)
	}
	if err := r.replay(name, &all); err != nil {
		return err
	}
	if all, err = readAll(r.c, r.k, name); err != nil {
		return err
	}
	if all.whole(r.k) {
		return r.guard(id, all.rows.count, all.rows.sum)
	}
	return r.stop(id, name)
}

// stop has nobody but the person, or the operator for a pattern, decide that
// list mail is sent again, and vouches for that.
func (r *repair) stop(id int64, name string) error {
	err := r.reseal(name)
	if err == nil && store.IsPattern(name) {
		err = r.s.setSuppression(r.c, store.Suppression{Recipient: name, Reason: store.ReasonManual, Since: r.now, Note: repairNote}, 0)
	} else if err == nil {
		err = r.s.setChoice(r.c, store.Choice{Recipient: name, List: store.AllLists, State: store.Unsubscribed, Since: r.now, Way: store.Operator}, 0)
	}
	if err != nil {
		return err
	}
	all, err := readAll(r.c, r.k, name)
	if err != nil {
		return err
	}
	r.done.Stopped = append(r.done.Stopped, name)
	return r.guard(id, all.rows.count, all.rows.sum)
}

// reseal gives a person's legible rows the checksums of what they say now.
func (r *repair) reseal(name string) error {
	all, err := readAll(r.c, r.k, name)
	if err != nil {
		return err
	}
	for _, ch := range all.choices {
		if err := r.s.setChoice(r.c, ch, 0); err != nil {
			return err
		}
	}
	for _, su := range all.suppressions {
		if err := r.s.setSuppression(r.c, su, 0); err != nil {
			return err
		}
	}
	if all.sharing.Recipient != "" {
		if err := r.s.setSharing(r.c, all.sharing, 0); err != nil {
			return err
		}
	}
	if !all.erased {
		return nil
	}
	_, err = r.c.exec("UPDATE erased SET seal = ? WHERE hash = ?", int64(r.k.erased(name, all.since)), name)
	return err
}

// replay adds what the ledger says of a person and is not there.
func (r *repair) replay(name string, all *allRows) error {
	var said []store.Event
	if err := r.c.query(selectLegible, func(v row) error {
		e := eventOf(v)
		if digest := e.Digest(v.blob(14)); digest == sumOf(v.blob(16)) {
			said = append(said, e)
		}
		return nil
	}, name); err != nil && !errors.Is(err, store.ErrDamaged) {
		return err
	}
	for i, e := range said {
		if slices.ContainsFunc(said[i+1:], func(later store.Event) bool { return replaces(later, e) }) {
			continue
		}
		if err := r.again(name, e, all); err != nil {
			return err
		}
	}
	return nil
}

// replaces says whether a later event leaves nothing of what an earlier one did.
func replaces(later, e store.Event) bool {
	switch of := kindOf(e); of {
	case "":
		return false
	case "suppression":
		return kindOf(later) == of && later.List == e.List && later.Reason == e.Reason
	case "choice":
		return kindOf(later) == of && later.List == e.List
	default:
		return kindOf(later) == of
	}
}

// kindOf is what a kind of event changes.
func kindOf(e store.Event) string {
	switch e.Kind {
	case store.EventUnsubscribed, store.EventResubscribed, store.EventPaused, store.EventLimited:
		return "choice"
	case store.EventSuppressed, store.EventUnsuppressed:
		return "suppression"
	case store.EventSharingRefused, store.EventSharingAllowed:
		return "sharing"
	case store.EventErased:
		return "erased"
	}
	return ""
}

// again records what an event did, where nothing of the kind is there. What lets
// mail pass is not recorded again.
func (r *repair) again(name string, e store.Event, all *allRows) error {
	switch e.Kind {
	case store.EventUnsubscribed, store.EventPaused, store.EventLimited:
		if slices.ContainsFunc(all.choices, func(ch store.Choice) bool { return ch.List == e.List }) {
			return nil
		}
		r.done.FromLedger++
		return r.s.setChoice(r.c, choiceOfEvent(name, e), 0)
	case store.EventSuppressed:
		if slices.ContainsFunc(all.suppressions, func(s store.Suppression) bool { return s.List == e.List && s.Reason == e.Reason }) {
			return nil
		}
		r.done.FromLedger++
		return r.s.setSuppression(r.c, store.Suppression{Recipient: name, List: e.List, Reason: e.Reason, Since: e.Time, Note: e.Detail}, 0)
	case store.EventSharingRefused:
		if all.sharing.Recipient != "" {
			return nil
		}
		r.done.FromLedger++
		return r.s.setSharing(r.c, store.Sharing{Recipient: name, Refused: true, Since: e.Time, Way: e.Way}, 0)
	case store.EventErased:
		return r.erasedAgain(name, e, all)
	}
	return nil
}

// erasedAgain has a person be known as erased, and to have left all lists.
func (r *repair) erasedAgain(hash string, e store.Event, all *allRows) error {
	if !all.erased {
		r.done.FromLedger++
		if err := r.s.setErased(r.c, hash, micros(e.Time)); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(all.choices, func(ch store.Choice) bool { return ch.List == store.AllLists }) {
		return nil
	}
	r.done.FromLedger++
	return r.s.setChoice(r.c, store.Choice{Recipient: hash, List: store.AllLists, State: store.Unsubscribed, Since: e.Time, Way: e.Way}, 0)
}

// choiceOfEvent is the choice that an event recorded. Where it cannot be told for how
// long or how often, it is that the person left.
func choiceOfEvent(name string, e store.Event) store.Choice {
	ch := store.Choice{Recipient: name, List: e.List, State: store.Unsubscribed, Since: e.Time, Way: e.Way}
	switch e.Kind {
	case store.EventPaused:
		text, _, _ := strings.Cut(strings.TrimPrefix(e.Detail, "until "), ",")
		if until, err := time.Parse(time.RFC3339, text); err == nil {
			ch.State, ch.Until = store.Paused, until
		}
	case store.EventLimited:
		if every := store.Frequency(e.Detail); every.Period() > 0 {
			ch.State, ch.Every = store.Limited, every
		}
	}
	return ch
}
