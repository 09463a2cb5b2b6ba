package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/record"
	"offramp/listunsub"
	"offramp/store"
)

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
func (s *server) suppress(ctx context.Context, in *struct{ Body record.Suppress }) (record.Changed, error) {
	to, changed, err := s.stop(ctx, in.Body)
	if err != nil {
		return record.Changed{}, err
	}
	s.stopChanged(ctx, "suppressed", to)
	return record.Changed{Changed: count(changed)}, nil
}

// stop checks a cause and records it.
func (s *server) stop(ctx context.Context, q record.Suppress) (to consent.Stop, changed bool, err error) {
	if to, err = s.check(ctx, &q); err != nil {
		return to, false, err
	}
	if err := s.ensure(ctx, to.List); err != nil {
		return to, false, err
	}
	ev := evidence(ctx)
	ev.Since = q.Since
	switch {
	case own(to.Reason):
		changed, err = s.Consent.OptOut(ctx, to.Subject, store.Operator, ev)
	case paused(to.Reason):
		changed, err = s.pause(ctx, to.Subject, q.Until, ev)
	default:
		to.Note, to.Until = q.Note, q.Until
		changed, err = s.Consent.Suppress(ctx, to, ev)
	}
	return to, changed, err
}

// check refuses a cause that cannot be, and one that is not the caller's to
// record.
func (s *server) check(ctx context.Context, q *record.Suppress) (consent.Stop, error) {
	to, err := target(q.Recipient)
	if err != nil {
		return to, err
	}
	if to.Pattern.Public() {
		return to, envelope.ErrPublic
	}
	if err := plain("note", q.Note, maxNote); err != nil {
		return to, err
	}
	if q.Since.After(s.now()) {
		return to, badRequest("since must be in the past.")
	}
	to.List, to.Reason = canonicalList(q.List), store.Reason(q.Reason)
	if to.Reason == "" {
		to.Reason = store.ReasonManual
	}
	switch reason := to.Reason; {
	case forAll(reason) && to.List != store.AllLists:
		err = badRequest("reason %s takes no list.", reason)
	case paused(reason) && q.Until.IsZero():
		err = badRequest("until is required with the reason paused.")
	case own(reason) && !q.Until.IsZero():
		err = badRequest("until is the end of a suppression or a pause: a person who unsubscribed stays so.")
	case !q.Until.IsZero() && !q.Until.After(s.now()):
		err = badRequest("until must be in the future.")
	case to.Pattern != (envelope.Pattern{}) && !foreign(reason):
		err = badRequest("A pattern of a domain takes the reasons manual, bounced and complained: only a person unsubscribes or pauses.")
	case (own(reason) || paused(reason)) && q.Note != "":
		err = badRequest("A person's own choice takes no note.")
	case !known(reason) && !paused(reason):
		err = errReason
	default:
		err = within(ctx, &to.List)
	}
	return to, err
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

type unsuppressQuery struct {
	Recipient string    `query:"recipient" required:"true" example:"ada@example.net" doc:"Address or pattern."`
	List      listParam `query:"list" example:"news.example.org" doc:"The list; left out or empty: what is for all lists."`
	Reason    string    `query:"reason" enum:"unsubscribed,unsubscribed-all,manual,bounced,complained" doc:"Left out: manual, bounced and complained."`
}

func (s *server) unsuppress(ctx context.Context, in *unsuppressQuery) (out record.Unsuppressed, err error) {
	to, err := target(in.Recipient)
	if err != nil {
		return out, err
	}
	if in.List.id != nil {
		to.List = *in.List.id
	}
	reasons := []store.Reason{store.Reason(in.Reason)}
	switch {
	case in.Reason == "":
		reasons = []store.Reason{store.ReasonManual, store.ReasonBounced, store.ReasonComplained}
	case reasons[0] == store.ReasonUnsubscribedAll && to.List != store.AllLists:
		return out, badRequest("reason unsubscribed-all takes no list.")
	}
	if err := within(ctx, &to.List); err != nil {
		return out, err
	}
	for _, to.Reason = range reasons {
		changed, err := s.lift(ctx, to)
		if err != nil {
			return out, err
		}
		out.Changed += count(changed)
	}
	page, err := s.stopped(ctx, store.RecordFilter{Recipient: keyOf(to), Limit: maxLimit}, false)
	if err != nil {
		return out, err
	}
	out.Remaining = slices.DeleteFunc(append([]record.Suppression{}, page.Items...), func(e record.Suppression) bool {
		return within(ctx, &e.List) != nil
	})
	s.stopChanged(ctx, "suppression removed", to)
	return out, nil
}

// lift removes one cause. A choice is taken back only where there is one, so
// that nobody is subscribed by the way.
func (s *server) lift(ctx context.Context, to consent.Stop) (bool, error) {
	if !own(to.Reason) {
		return s.Consent.Unsuppress(ctx, to, evidence(ctx))
	}
	if to.Recipient.IsNull() {
		return false, nil // a pattern chooses nothing
	}
	choices, err := s.Records.Choices(ctx, store.RecordFilter{Recipient: to.Recipient.Key(), List: &to.List, Limit: 1})
	if err != nil || len(choices) == 0 || choices[0].State != store.Unsubscribed {
		return false, err
	}
	return s.Consent.Resubscribe(ctx, to.Subject, store.Operator, evidence(ctx))
}

func (s *server) stopChanged(ctx context.Context, what string, to consent.Stop) {
	name := to.Pattern.Key()
	if name == "" {
		name = to.Recipient.Masked()
	}
	s.log().InfoContext(ctx, what, "to", name, "ip", callerOf(ctx).ip.String())
}

func count(changed bool) int {
	if changed {
		return 1
	}
	return 0
}
