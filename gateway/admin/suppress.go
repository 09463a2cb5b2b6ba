package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// Suppress is the body of POST /api/v1/suppressions. Reason unsubscribed is
// recorded as the person's own choice, e.g. one made by telephone, and so is
// reason paused, as a pause. Nothing here ever ends what stops mail already.
type Suppress struct {
	// Recipient is an address, or where the reason is no choice of a person
	// "@example.org" for every address of that domain, and "*.example.org" for
	// those of every domain below it.
	Recipient string `json:"recipient"`
	List      string `json:"list,omitempty"`   // empty: all lists
	Reason    string `json:"reason,omitempty"` // empty: manual
	Note      string `json:"note,omitempty"`
	// Until is when it ends by itself, unless more than that is recorded. A pause
	// needs it; manual, bounced and complained may have it.
	Until time.Time `json:"until,omitzero"`
	// Since is when it was recorded where it comes from, in the past; zero: now.
	Since time.Time `json:"since,omitzero"`
}

// Unsuppressed is the answer of DELETE /api/v1/suppressions: how many records
// were removed, and what still stops mail to that recipient.
type Unsuppressed struct {
	Changed   int           `json:"changed"`
	Remaining []Suppression `json:"remaining"`
}

// target reads the address or pattern that a suppression stops.
func target(s string) (consent.Stop, error) {
	if envelope.LikePattern(s) {
		p, err := envelope.ParsePattern(s)
		return consent.Stop{Pattern: p}, err
	}
	a, err := address(s)
	return consent.Stop{Subject: consent.Subject{Recipient: a}}, err
}

// keyOf is what records have for it.
func keyOf(to consent.Stop) string {
	if key := to.Pattern.Key(); key != "" {
		return key
	}
	return to.Recipient.Key()
}

// maxNote is the most characters of a note: as many bytes as a record keeps.
const maxNote = 512

// suppress records one more cause.
func (s *server) suppress(w http.ResponseWriter, r *http.Request) error {
	var q Suppress
	if err := readJSON(r, &q); err != nil {
		return err
	}
	to, err := target(q.Recipient)
	if err != nil {
		return err
	}
	if to.Pattern.Public() {
		return envelope.ErrPublic
	}
	if err := plain("note", q.Note, maxNote); err != nil {
		return err
	}
	if q.Since.After(s.now()) {
		return badRequest("since must be in the past.")
	}
	subject := consent.Subject{Recipient: to.Recipient, List: canonicalList(q.List)}
	reason := store.Reason(q.Reason)
	if reason == "" {
		reason = store.ReasonManual
	}
	ev := evidence(r)
	ev.Since = q.Since
	var changed bool
	switch {
	case forAll(reason) && subject.List != store.AllLists:
		return badRequest("reason %s takes no list.", reason)
	case paused(reason) && q.Until.IsZero():
		return badRequest("until is required with the reason paused.")
	case own(reason) && !q.Until.IsZero():
		return badRequest("until is the end of a suppression or a pause: a person who unsubscribed stays so.")
	case !q.Until.IsZero() && !q.Until.After(s.now()):
		return badRequest("until must be in the future.")
	case to.Pattern != (envelope.Pattern{}) && !foreign(reason):
		return badRequest("A pattern of a domain takes the reasons manual, bounced and complained: only a person unsubscribes or pauses.")
	case (own(reason) || paused(reason)) && q.Note != "":
		return badRequest("A person's own choice takes no note.")
	}
	if !own(reason) && !paused(reason) && !foreign(reason) {
		return errReason
	}
	if err := s.ensure(r.Context(), subject.List); err != nil {
		return err
	}
	switch {
	case own(reason):
		changed, err = s.Consent.OptOut(r.Context(), subject, store.Operator, ev)
	case paused(reason):
		changed, err = s.pause(r.Context(), subject, q.Until, ev)
	default:
		to.List, to.Reason, to.Note, to.Until = subject.List, reason, q.Note, q.Until
		changed, err = s.Consent.Suppress(r.Context(), to, ev)
	}
	if err != nil {
		return err
	}
	return s.changed(w, r, "suppressed", to, Changed{Changed: count(changed)})
}

// ensure adds a list that no mail was seen of yet: posts of a discussion list
// meet the records of lists that are known.
func (s *server) ensure(ctx context.Context, id string) error {
	if id == store.AllLists {
		return nil
	}
	_, err := s.Lists.EnsureList(ctx, store.List{ID: id, Key: listunsub.ListKey(id), Created: s.now().UTC()})
	return err
}

func forAll(r store.Reason) bool {
	return r == store.ReasonUnsubscribedAll || r == store.ReasonPausedAll
}

func paused(r store.Reason) bool { return r == store.ReasonPaused || r == store.ReasonPausedAll }

// pause stops mail until a moment, unless the person left the list or paused it
// for longer. A limit holds again afterwards. What was looked at must still
// stand when it is changed, so that no opt-out is lost between; else it is
// looked at again.
func (s *server) pause(ctx context.Context, subject consent.Subject, until time.Time, ev consent.Evidence) (changed bool, err error) {
	const tries = 10
	for range tries {
		if changed, err = s.tryPause(ctx, subject, until, ev); !errors.Is(err, store.ErrChanged) {
			break
		}
	}
	return changed, err
}

func (s *server) tryPause(ctx context.Context, subject consent.Subject, until time.Time, ev consent.Evidence) (bool, error) {
	seen, err := s.Consent.Person(ctx, subject.Recipient)
	if err != nil {
		return false, err
	}
	wish := consent.Wish{List: subject.List, State: store.Paused, Until: until}
	for _, c := range seen.Choices {
		if c.List != subject.List {
			continue
		}
		if c.State == store.Unsubscribed || c.State == store.Paused && !c.Until.Before(until) {
			return false, nil
		}
		wish.Every = c.Every
	}
	events, err := s.Consent.Decide(ctx, consent.Decision{Recipient: subject.Recipient, Wishes: []consent.Wish{wish}, If: &seen}, store.Operator, ev)
	return len(events) > 0, err
}

// unsuppress removes causes: ?recipient= ?list= ?reason=. Without a reason
// all but the person's own choice go: that one must be named, since it is not
// the operator's to take back unasked.
func (s *server) unsuppress(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "recipient", "list", "reason")
	if err != nil {
		return err
	}
	to, err := target(q.text("recipient"))
	if err != nil {
		return err
	}
	to.List = canonicalList(q.text("list"))
	reasons := []store.Reason{store.Reason(q.text("reason"))}
	switch {
	case reasons[0] == "":
		reasons = []store.Reason{store.ReasonManual, store.ReasonBounced, store.ReasonComplained}
	case !known(reasons[0]):
		return errReason
	case reasons[0] == store.ReasonUnsubscribedAll && to.List != store.AllLists:
		return badRequest("reason unsubscribed-all takes no list.")
	}
	n := 0
	for _, reason := range reasons {
		to.Reason = reason
		changed, err := s.lift(r, to)
		if err != nil {
			return err
		}
		n += count(changed)
	}
	page, err := s.stopped(r.Context(), store.RecordFilter{Recipient: keyOf(to), Limit: maxLimit}, false)
	if err != nil {
		return err
	}
	return s.changed(w, r, "suppression removed", to, Unsuppressed{Changed: n, Remaining: page.Items})
}

// lift removes one cause. A choice is taken back only where there is one, so
// that nobody is subscribed by the way.
func (s *server) lift(r *http.Request, to consent.Stop) (bool, error) {
	if !own(to.Reason) {
		return s.Consent.Unsuppress(r.Context(), to, evidence(r))
	}
	if to.Recipient.IsNull() {
		return false, nil // a pattern chooses nothing
	}
	choices, err := s.Records.Choices(r.Context(), store.RecordFilter{Recipient: to.Recipient.Key(), List: &to.List, Limit: 1})
	if err != nil || len(choices) == 0 || choices[0].State != store.Unsubscribed {
		return false, err
	}
	return s.Consent.Resubscribe(r.Context(), to.Subject, store.Operator, evidence(r))
}

func (s *server) changed(w http.ResponseWriter, r *http.Request, what string, to consent.Stop, result any) error {
	name := to.Pattern.Key()
	if name == "" {
		name = to.Recipient.Masked()
	}
	s.log().InfoContext(r.Context(), what, "to", name, "ip", peer(r).String())
	return answer(w, result)
}

func count(changed bool) int {
	if changed {
		return 1
	}
	return 0
}
