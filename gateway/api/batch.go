package api

import (
	"context"
	"net/http"
	"slices"

	"offramp/gateway/access"
	"offramp/gateway/record"
	"offramp/store"
)

// Limits of batches.
const (
	maxBatch      = 1000
	maxBatchBytes = 2 << 20
)

func (s *server) batchRoutes() {
	add(s, route{
		method: http.MethodPost, path: "/suppressions/batch", id: "suppressBatch", tag: "Suppressions", summary: "Stop mail to many",
		doc: "Records up to 1,000 causes, each on its own and in their order: one that is refused stops none of the others. " +
			"The answer has what became of each. Where the store fails on the way, the rest is answered with that problem; it may be sent again as a whole.",
		scope: access.Write, lists: true, maxBody: maxBatchBytes,
		example: record.Batch{Items: []record.Suppress{{Recipient: "ada@example.net"}, {Recipient: "bob@example.net", Reason: "bounced", Note: "550 5.1.1"}}},
	}, s.suppressBatch)
	add(s, route{
		method: http.MethodPost, path: "/suppressions/check", id: "checkSuppressions", tag: "Suppressions", summary: "Who gets no mail",
		doc: "Says of up to 1,000 addresses whether list mail to them is stopped at this moment, and why: for a list, or without one for what is for all lists. " +
			"It changes nothing. Mail through Offramp is held to the same records without asking.",
		scope: access.Read, lists: true, maxBody: maxBatchBytes,
		example: record.Ask{Emails: []string{"ada@example.net", "bob@example.net"}, List: "news.example.org"},
	}, s.standings)
}

func (s *server) suppressBatch(ctx context.Context, in *struct{ Body record.Batch }) (out record.BatchResult, err error) {
	items := in.Body.Items
	if len(items) == 0 || len(items) > maxBatch {
		return out, badRequest("items must be from 1 to %d.", maxBatch)
	}
	out.Items = make([]record.ItemResult, len(items))
	var down *record.Problem // why the store takes nothing
	for i, item := range items {
		if down == nil {
			_, changed, err := s.stop(ctx, item)
			if err == nil {
				out.Items[i].Changed = count(changed)
				out.Changed += count(changed)
				continue
			}
			var ours bool
			if out.Items[i].Problem, ours = s.itemProblem(ctx, "/suppressions/batch", err); ours {
				down = out.Items[i].Problem
			}
		}
		if down != nil {
			out.Items[i].Problem = down
		}
		out.Failed++
	}
	s.log().InfoContext(ctx, "batch suppressed", "items", len(items), "changed", out.Changed, "failed", out.Failed, "ip", callerOf(ctx).ip.String())
	return out, nil
}

// itemProblem is what is wrong with one item, and whether that is not the
// client's doing.
func (s *server) itemProblem(ctx context.Context, path string, err error) (*record.Problem, bool) {
	p := s.problem(ctx, root+path, err).Problem
	return &p, p.Status >= http.StatusInternalServerError
}

func (s *server) standings(ctx context.Context, in *struct{ Body record.Ask }) (out record.Answers, err error) {
	q := in.Body
	if len(q.Emails) == 0 || len(q.Emails) > maxBatch {
		return out, badRequest("emails must be from 1 to %d.", maxBatch)
	}
	list, err := s.asked(ctx, q.List)
	if err != nil {
		return out, err
	}
	out.Items = make([]record.Standing, 0, len(q.Emails))
	for _, email := range q.Emails {
		one := record.Standing{Email: email, Reasons: []string{}}
		reasons, err := s.reasons(ctx, email, list)
		if err != nil {
			if one.Problem, _ = s.itemProblem(ctx, "/suppressions/check", err); one.Problem.Status == http.StatusInternalServerError {
				return out, err
			}
			one.Suppressed = true
		}
		for _, reason := range reasons {
			one.Suppressed, one.Reasons = true, append(one.Reasons, string(reason))
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

// asked returns the list that standings are asked for; without one, the scope of
// all lists. One that is not known has the id alone.
func (s *server) asked(ctx context.Context, id string) (store.List, error) {
	l := store.List{ID: canonicalList(id)}
	if err := within(ctx, &l.ID); err != nil || l.ID == store.AllLists {
		return l, err
	}
	all, err := s.Lists.Lists(ctx)
	if i := slices.IndexFunc(all, func(o store.List) bool { return o.ID == l.ID }); i >= 0 {
		l = all[i]
	}
	return l, err
}

// reasons are why mail of a list is stopped to an address at this moment, each
// once.
func (s *server) reasons(ctx context.Context, email string, list store.List) (all []store.Reason, err error) {
	to, err := address(email)
	if err != nil {
		return nil, err
	}
	p, err := s.Consent.Person(ctx, to)
	switch {
	case err != nil:
		return nil, err
	case p.Damaged:
		return nil, store.ErrUncertain
	}
	add := func(of, reason string) {
		if r := store.Reason(reason); r != "" && (of == list.ID || of == store.AllLists) && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	for _, c := range p.Choices {
		add(c.List, s.choice(c).Reason)
	}
	for _, o := range p.Suppressions {
		add(o.List, s.suppression(o).Reason)
	}
	if p.Sharing.Refused && list.ThirdParty {
		add(list.ID, string(store.ReasonSharing))
	}
	return all, nil
}
