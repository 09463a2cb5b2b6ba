package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"offramp/gateway/access"
	"offramp/gateway/consent"
	"offramp/gateway/jobs"
	"offramp/gateway/record"
	"offramp/store"
)

func (s *server) suppressionRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/suppressions", id: "listSuppressions", tag: "Suppressions", summary: "What stops mail",
		doc: "Opt-outs, and what the operator or the recipients' servers said, by recipient. All records of one recipient are on one page. " +
			"For one recipient those of patterns that fit it follow. A key for some lists must name one of them.",
		scope: access.Read, lists: true,
	}, s.suppressions)
	add(s, route{
		method: http.MethodPost, path: "/suppressions", id: "suppress", tag: "Suppressions", summary: "Stop mail to somebody",
		doc:   "Records one more cause. Nothing that stops mail already is ended or shortened, so that it can be repeated.",
		scope: access.Write, lists: true, example: record.Suppress{Recipient: "ada@example.net", Reason: "unsubscribed", List: "news.example.org"},
	}, s.suppress)
	add(s, route{
		method: http.MethodDelete, path: "/suppressions", id: "unsuppress", tag: "Suppressions", summary: "Remove what stops mail",
		doc: "Without a reason all but the person's own choice go: that one must be named, since it is not the operator's to take back unasked. " +
			"The answer says what still stops mail.",
		scope: access.Write, lists: true,
	}, s.unsuppress)
	s.batchRoutes()
}

type suppressionsQuery struct {
	Recipient string    `query:"recipient" example:"ada@example.net" doc:"Only this address or pattern."`
	List      listParam `query:"list" example:"news.example.org" doc:"Only this list. Empty (list=): only what is for all lists."`
	Reason    string    `query:"reason" doc:"Only unsubscribed, unsubscribed-all, manual, bounced or complained; in a full listing paused and paused-all too."`
	Full      bool      `query:"full" doc:"With pauses, and with the event that recorded each."`
	Hash      string    `query:"hash" enum:"keyed" doc:"Keyed hashes in the place of addresses, to compare with those of a partner; without patterns."`
	CursorParam
	After string `query:"after" deprecated:"true" doc:"The next of the page before; use cursor."`
	LimitParam
}

func (s *server) suppressions(ctx context.Context, in *suppressionsQuery) (page record.SuppressionPage, err error) {
	f := store.RecordFilter{List: in.List.id, Limit: in.Limit}
	if err := within(ctx, in.List.id); err != nil {
		return page, err
	}
	if f.After, err = in.position("suppressions"); err != nil {
		return page, err
	}
	f.After = cmp.Or(f.After, in.After)
	if in.Recipient != "" {
		to, err := target(in.Recipient)
		if err != nil {
			return page, err
		}
		f.Recipient = keyOf(to)
		if err := s.whole(ctx, to); err != nil {
			return page, err
		}
	}
	reason := store.Reason(in.Reason)
	if reason != "" && !known(reason) && !(in.Full && paused(reason)) {
		return page, errReason
	}
	if page, err = s.stopped(ctx, f, in.Full); err != nil {
		return page, err
	}
	if reason != "" {
		page.Items = slices.DeleteFunc(page.Items, func(e record.Suppression) bool { return e.Reason != in.Reason })
	}
	if in.Full {
		if err := s.addEvents(ctx, page.Items); err != nil {
			return page, err
		}
	}
	if in.Hash != "" {
		page.Items = s.hashed(page.Items)
	}
	return page, nil
}

// hashed names people by their keyed hashes. Those who compare hashes have none
// of a whole domain.
func (s *server) hashed(all []record.Suppression) []record.Suppression {
	all = slices.DeleteFunc(all, func(e record.Suppression) bool { return store.IsPattern(e.Recipient) })
	for i, e := range all {
		if !isHash(e.Recipient) {
			all[i].Recipient = s.Records.Hash(e.Recipient)
		}
	}
	return all
}

// isHash says whether a recipient is that of an erased person: a keyed hash has
// no "@", see [store.Consent].
func isHash(recipient string) bool { return !strings.Contains(recipient, "@") }

// addEvents finds the event that recorded each of some records, which are
// sorted by recipient.
func (s *server) addEvents(ctx context.Context, all []record.Suppression) error {
	var recorded map[jobs.Cause]int64
	for i, e := range all {
		if i == 0 || e.Recipient != all[i-1].Recipient {
			var err error
			if recorded, err = jobs.Recorded(ctx, s.Records, e.Recipient); err != nil {
				return err
			}
		}
		all[i].Event = recorded[jobs.Cause{List: e.List, Reason: store.Reason(e.Reason)}]
	}
	return nil
}

var errReason = badRequest("reason must be unsubscribed, unsubscribed-all, manual, bounced or complained.")

func known(r store.Reason) bool { return own(r) || foreign(r) }

// own reasons are the person's choices.
func own(r store.Reason) bool {
	return r == store.ReasonUnsubscribed || r == store.ReasonUnsubscribedAll
}

func paused(r store.Reason) bool { return r == store.ReasonPaused || r == store.ReasonPausedAll }

func foreign(r store.Reason) bool {
	return r == store.ReasonManual || r == store.ReasonBounced || r == store.ReasonComplained
}

func forAll(r store.Reason) bool {
	return r == store.ReasonUnsubscribedAll || r == store.ReasonPausedAll
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
