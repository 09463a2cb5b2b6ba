package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

// Suppression is one cause for which a person gets no mail: the person's own
// choice, or what the operator or the recipient's server said.
type Suppression struct {
	Recipient string    `json:"recipient"` // lookup key
	List      string    `json:"list"`      // empty: all lists
	Reason    string    `json:"reason"`    // unsubscribed, unsubscribed-all, manual, bounced or complained
	Since     time.Time `json:"since"`
	Way       string    `json:"way,omitempty"` // of a choice: how it came
	Note      string    `json:"note,omitempty"`
}

// SuppressionPage is the answer of GET /api/v1/suppressions, by recipient.
type SuppressionPage struct {
	Items []Suppression `json:"items"`
	Next  string        `json:"next,omitempty"` // value of "after" for what follows; empty: that was all
}

// Suppress is the body of POST /api/v1/suppressions. Reason unsubscribed is
// recorded as the person's own choice, e.g. one told by telephone.
type Suppress struct {
	Recipient string `json:"recipient"`
	List      string `json:"list,omitempty"`   // empty: all lists
	Reason    string `json:"reason,omitempty"` // empty: manual
	Note      string `json:"note,omitempty"`
}

// Unsuppressed is the answer of DELETE /api/v1/suppressions: how many records
// were removed, and what still stops mail to that recipient.
type Unsuppressed struct {
	Changed   int           `json:"changed"`
	Remaining []Suppression `json:"remaining"`
}

const maxNote = 500

// suppressions lists what stops mail: ?recipient= ?list= ?reason= ?after=
// ?limit=. All records of one recipient come on one page.
func (s *server) suppressions(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "recipient", "list", "reason", "after", "limit")
	if err != nil {
		return err
	}
	f := store.RecordFilter{List: q.list("list"), After: q.text("after")}
	if f.Recipient, err = q.recipient("recipient"); err != nil {
		return err
	}
	if f.Limit, err = q.limit(); err != nil {
		return err
	}
	reason := q.text("reason")
	if reason != "" && !known(store.Reason(reason)) {
		return errReason
	}
	page, err := s.stopped(r.Context(), f)
	if err != nil {
		return err
	}
	if reason != "" {
		page.Items = slices.DeleteFunc(page.Items, func(e Suppression) bool { return e.Reason != reason })
	}
	return answer(w, page)
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
func (s *server) stopped(ctx context.Context, f store.RecordFilter) (SuppressionPage, error) {
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
				page.add(choice(c))
			}
		}
		for _, o := range others {
			if cut == "" || o.Recipient < cut {
				last = max(last, o.Recipient)
				page.add(Suppression{Recipient: o.Recipient, List: o.List, Reason: string(o.Reason), Since: o.Since, Note: o.Note})
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
		return page, nil
	}
}

// add adds a record; a choice to be subscribed stops nothing.
func (p *SuppressionPage) add(e Suppression) {
	if e.Reason != "" {
		p.Items = append(p.Items, e)
	}
}

func choice(c store.Choice) Suppression {
	e := Suppression{Recipient: c.Recipient, List: c.List, Since: c.Since, Way: string(c.Way)}
	switch {
	case c.State != store.Unsubscribed:
	case c.List == store.AllLists:
		e.Reason = string(store.ReasonUnsubscribedAll)
	default:
		e.Reason = string(store.ReasonUnsubscribed)
	}
	return e
}

// suppress records one more cause.
func (s *server) suppress(w http.ResponseWriter, r *http.Request) error {
	var q Suppress
	if err := readJSON(r, &q); err != nil {
		return err
	}
	to, err := address(q.Recipient)
	if err != nil {
		return err
	}
	if err := plain("note", q.Note, maxNote); err != nil {
		return err
	}
	subject := consent.Subject{Recipient: to, List: canonicalList(q.List)}
	reason := store.Reason(q.Reason)
	if reason == "" {
		reason = store.ReasonManual
	}
	var changed bool
	switch {
	case reason == store.ReasonUnsubscribedAll && subject.List != store.AllLists:
		return badRequest("reason unsubscribed-all has no list.")
	case own(reason) && q.Note != "":
		return badRequest("A person's own choice has no note.")
	case own(reason):
		changed, err = s.Consent.OptOut(r.Context(), subject, store.Operator, evidence(r))
	case foreign(reason):
		changed, err = s.Consent.Suppress(r.Context(), subject, reason, q.Note, evidence(r))
	default:
		return errReason
	}
	if err != nil {
		return err
	}
	return s.changed(w, r, "suppressed", to, Changed{Changed: count(changed)})
}

// unsuppress removes causes: ?recipient= ?list= ?reason=. Without a reason
// all but the person's own choice go: that one must be named, since it is not
// the operator's to take back unasked.
func (s *server) unsuppress(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "recipient", "list", "reason")
	if err != nil {
		return err
	}
	to, err := address(q.text("recipient"))
	if err != nil {
		return err
	}
	subject := consent.Subject{Recipient: to, List: canonicalList(q.text("list"))}
	reasons := []store.Reason{store.Reason(q.text("reason"))}
	switch {
	case reasons[0] == "":
		reasons = []store.Reason{store.ReasonManual, store.ReasonBounced, store.ReasonComplained}
	case !known(reasons[0]):
		return errReason
	case reasons[0] == store.ReasonUnsubscribedAll && subject.List != store.AllLists:
		return badRequest("reason unsubscribed-all has no list.")
	}
	n := 0
	for _, reason := range reasons {
		changed, err := s.lift(r, subject, reason)
		if err != nil {
			return err
		}
		n += count(changed)
	}
	page, err := s.stopped(r.Context(), store.RecordFilter{Recipient: to.Key(), Limit: maxLimit})
	if err != nil {
		return err
	}
	return s.changed(w, r, "suppression removed", to, Unsuppressed{Changed: n, Remaining: page.Items})
}

// lift removes one cause. A choice is taken back only where there is one, so
// that nobody is subscribed by the way.
func (s *server) lift(r *http.Request, subject consent.Subject, reason store.Reason) (bool, error) {
	if !own(reason) {
		return s.Consent.Unsuppress(r.Context(), subject, reason, evidence(r))
	}
	choices, err := s.Records.Choices(r.Context(), store.RecordFilter{Recipient: subject.Recipient.Key(), List: &subject.List, Limit: 1})
	if err != nil || len(choices) == 0 || choices[0].State != store.Unsubscribed {
		return false, err
	}
	return s.Consent.Resubscribe(r.Context(), subject, store.Operator, evidence(r))
}

func (s *server) changed(w http.ResponseWriter, r *http.Request, what string, to envelope.Address, result any) error {
	s.log().InfoContext(r.Context(), what, "to", to.Masked(), "ip", peer(r).String())
	return answer(w, result)
}

func count(changed bool) int {
	if changed {
		return 1
	}
	return 0
}
