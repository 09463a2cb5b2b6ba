package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// Suppression is one cause for which a person gets no mail: the person's own
// choice, or what the operator or the recipient's server said.
type Suppression struct {
	Recipient string    `json:"recipient"` // lookup key or pattern; of an erased person, or where hashes are asked for, a keyed hash
	List      string    `json:"list"`      // empty: all lists
	Reason    string    `json:"reason"`    // unsubscribed, unsubscribed-all, manual, bounced or complained
	Since     time.Time `json:"since"`
	Way       string    `json:"way,omitempty"` // of a choice: how it came
	Note      string    `json:"note,omitempty"`

	Until time.Time `json:"until,omitzero"` // when it ends by itself; omitted: it does not

	// In a full listing alone, which also has pauses, with reason paused or
	// paused-all: the event that recorded it.
	Event int64 `json:"event,omitempty"` // 0: not among the person's newest events
}

// SuppressionPage is the answer of GET /api/v1/suppressions, by recipient.
type SuppressionPage struct {
	Items []Suppression `json:"items"`
	Next  string        `json:"next,omitempty"` // value of "after" for what follows; empty: that was all
}

// suppressions lists what stops mail: ?recipient= ?list= ?reason= ?after=
// ?limit= ?full= ?hash=keyed. All records of one recipient come on one page.
func (s *server) suppressions(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "recipient", "list", "reason", "after", "limit", "full", "hash")
	if err != nil {
		return err
	}
	f := store.RecordFilter{List: q.list("list"), After: q.text("after")}
	if text := q.text("recipient"); text != "" {
		to, err := target(text)
		if err != nil {
			return err
		}
		f.Recipient = keyOf(to)
		if err := s.whole(r.Context(), to); err != nil {
			return err
		}
	}
	if f.Limit, err = q.limit(); err != nil {
		return err
	}
	full, err := q.flag("full")
	if err != nil {
		return err
	}
	reason := q.text("reason")
	if reason != "" && !known(store.Reason(reason)) && !(full && paused(store.Reason(reason))) {
		return errReason
	}
	hash := q.text("hash")
	if hash != "" && hash != "keyed" {
		return badRequest("hash must be keyed.")
	}
	page, err := s.stopped(r.Context(), f, full)
	if err != nil {
		return err
	}
	if reason != "" {
		page.Items = slices.DeleteFunc(page.Items, func(e Suppression) bool { return e.Reason != reason })
	}
	if full {
		if err := s.addEvents(r.Context(), page.Items); err != nil {
			return err
		}
	}
	if hash != "" {
		// Those who compare hashes have none of a whole domain.
		page.Items = slices.DeleteFunc(page.Items, func(e Suppression) bool { return store.IsPattern(e.Recipient) })
		for i, e := range page.Items {
			if !isHash(e.Recipient) {
				page.Items[i].Recipient = s.Records.Hash(e.Recipient)
			}
		}
	}
	return answer(w, page)
}

// isHash says whether a recipient is that of an erased person: a keyed hash has
// no "@", see [store.Consent].
func isHash(recipient string) bool { return !strings.Contains(recipient, "@") }

// personEvents is how many of a person's newest events are looked through.
const personEvents = 200

// addEvents finds the event that recorded each of some records, which are
// sorted by recipient.
func (s *server) addEvents(ctx context.Context, all []Suppression) error {
	type cause struct{ list, reason string }
	recorded, of := map[cause]int64{}, ""
	for i, e := range all {
		if e.Recipient != of {
			clear(recorded)
			of = e.Recipient
			events, err := s.Records.Events(ctx, store.EventFilter{
				Recipient: of, Latest: true, Limit: personEvents,
				Kinds: []store.EventKind{store.EventUnsubscribed, store.EventPaused, store.EventSuppressed},
			})
			if err != nil {
				return err
			}
			for _, ev := range slices.Backward(events) { // the newest stays
				recorded[cause{ev.List, string(ev.Reason)}] = ev.ID
			}
		}
		all[i].Event = recorded[cause{e.List, e.Reason}]
	}
	return nil
}

var errReason = badRequest("reason must be unsubscribed, unsubscribed-all, manual, bounced or complained.")

func known(r store.Reason) bool { return own(r) || foreign(r) }

// own reasons are the person's choices.
func own(r store.Reason) bool {
	return r == store.ReasonUnsubscribed || r == store.ReasonUnsubscribedAll
}

func foreign(r store.Reason) bool {
	return r == store.ReasonManual || r == store.ReasonBounced || r == store.ReasonComplained
}

// stopped reads one page of choices and suppressions together. Each source
// may have been cut within a recipient, so the page ends before the first
// recipient that may be incomplete; where that leaves nothing, more is read.
//
// Pauses that have not ended are in it when they are asked for, and suppressions
// that have ended are not. For one recipient, those of patterns follow.
func (s *server) stopped(ctx context.Context, f store.RecordFilter, pauses bool) (SuppressionPage, error) {
	for {
		choices, err := s.Records.Choices(ctx, f)
		if err != nil {
			return SuppressionPage{}, err
		}
		others, err := s.Records.Suppressions(ctx, f)
		if err != nil {
			return SuppressionPage{}, err
		}
		cut, last := "", ""
		if len(choices) == f.Limit {
			cut = choices[len(choices)-1].Recipient
		}
		if len(others) == f.Limit {
			if to := others[len(others)-1].Recipient; cut == "" || to < cut {
				cut = to
			}
		}
		page := SuppressionPage{Items: []Suppression{}}
		for _, c := range choices {
			if cut == "" || c.Recipient < cut {
				last = max(last, c.Recipient)
				if e := s.choice(c); e.Until.IsZero() || pauses {
					page.add(e)
				}
			}
		}
		for _, o := range others {
			if cut == "" || o.Recipient < cut {
				last = max(last, o.Recipient)
				page.add(s.suppression(o))
			}
		}
		if cut != "" && last == "" {
			f.Limit *= 2
			continue
		}
		if cut != "" {
			page.Next = last
		}
		slices.SortFunc(page.Items, func(a, b Suppression) int {
			return strings.Compare(a.Recipient+"\x00"+a.List+"\x00"+a.Reason, b.Recipient+"\x00"+b.List+"\x00"+b.Reason)
		})
		return page, s.ofPatterns(ctx, f, &page)
	}
}

// add adds a record; a choice to be subscribed stops nothing.
func (p *SuppressionPage) add(e Suppression) {
	if e.Reason != "" {
		p.Items = append(p.Items, e)
	}
}

func (s *server) choice(c store.Choice) Suppression {
	e := Suppression{Recipient: c.Recipient, List: c.List, Since: c.Since, Way: string(c.Way)}
	all := c.List == store.AllLists
	switch state := c.At(s.now()); {
	case state == store.Unsubscribed && all:
		e.Reason = string(store.ReasonUnsubscribedAll)
	case state == store.Unsubscribed:
		e.Reason = string(store.ReasonUnsubscribed)
	case state == store.Paused && all:
		e.Reason, e.Until = string(store.ReasonPausedAll), c.Until
	case state == store.Paused:
		e.Reason, e.Until = string(store.ReasonPaused), c.Until
	}
	return e
}

// suppression is a suppression, without a reason when it has ended.
func (s *server) suppression(o store.Suppression) Suppression {
	e := suppressionOf(o)
	if o.Over(s.now()) {
		e.Reason = ""
	}
	return e
}

func suppressionOf(o store.Suppression) Suppression {
	return Suppression{Recipient: o.Recipient, List: o.List, Reason: string(o.Reason), Since: o.Since, Note: o.Note, Until: o.Until}
}

// whole refuses to say what stops mail to a person whose records are damaged: more
// may than is legible.
func (s *server) whole(ctx context.Context, to consent.Stop) error {
	if to.Recipient.IsNull() {
		return nil
	}
	p, err := s.Consent.Person(ctx, to.Recipient)
	if err == nil && p.Damaged {
		err = store.ErrUncertain
	}
	return err
}

// ofPatterns adds what patterns that fit the recipient say.
func (s *server) ofPatterns(ctx context.Context, f store.RecordFilter, page *SuppressionPage) error {
	for _, pattern := range store.Patterns(f.Recipient) {
		all, err := s.Records.Suppressions(ctx, store.RecordFilter{Recipient: pattern, List: f.List, Limit: maxLimit})
		if err != nil {
			return err
		}
		for _, o := range all {
			page.add(s.suppression(o))
		}
	}
	return nil
}
