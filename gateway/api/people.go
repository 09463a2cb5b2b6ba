package api

import (
	"context"
	"net/http"

	"offramp/gateway/access"
	"offramp/gateway/consent"
	"offramp/gateway/record"
	"offramp/store"
)

func (s *server) peopleRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/recipients/{address}", id: "getRecipient", tag: "People", summary: "All about one person",
		doc:   "All that is recorded about one person but the events: choices, suppressions, and what mail they were sent.",
		scope: access.Read,
	}, s.person)
	add(s, route{
		method: http.MethodDelete, path: "/recipients/{address}", id: "eraseRecipient", tag: "People", summary: "Erase a person",
		doc:   "Forgets who the person is. The opt-outs stay under a keyed hash, and every list is unsubscribed, so that mail stays away. It cannot be undone.",
		scope: access.Admin,
	}, s.erase)
	add(s, route{
		method: http.MethodPost, path: "/recipients/{address}/choices", id: "choose", tag: "People", summary: "Record what a person chose",
		doc:   "Records what a person asked the operator for, for example by telephone. All of it is recorded or nothing; what is left out stays.",
		scope: access.Write, lists: true,
		example: record.Choose{Choices: []record.Wish{{List: "news.example.org", State: "limited", Every: "week"}}},
	}, s.choose)
	add(s, route{
		method: http.MethodGet, path: "/recipients/{address}/receipts", id: "listReceipts", tag: "People", summary: "Receipts of opt-outs",
		doc:   "Signs a receipt of each of the person's newest 100 opt-outs. Only what is in the ledger can be signed: of a person who had everything erased there is nothing.",
		scope: access.Read, lists: true,
	}, s.receipts)
	add(s, route{
		method: http.MethodGet, path: "/receipts/key", id: "getReceiptKey", tag: "People", summary: "Key of the receipts",
		scope: access.Read, lists: true,
	}, s.receiptKey)
}

// AddressPath names a person in a path.
type AddressPath struct {
	Address string `path:"address" example:"ada@example.net" doc:"The person's address."`
}

// maxWishes is more than any person gets lists.
const maxWishes = 500

func (s *server) person(ctx context.Context, in *AddressPath) (record.Person, error) {
	to, err := address(in.Address)
	if err != nil {
		return record.Person{}, err
	}
	p, err := s.Consent.Person(ctx, to)
	if err != nil {
		return record.Person{}, err
	}
	key := to.Key()
	if p.Erased {
		key = s.Records.Hash(key)
	}
	return record.PersonOf(key, p), nil
}

func (s *server) choose(ctx context.Context, in *struct {
	AddressPath
	Body record.Choose
}) (chosen record.Chosen, err error) {
	to, err := address(in.Address)
	if err != nil {
		return chosen, err
	}
	d, err := decision(ctx, in.Body)
	if err != nil {
		return chosen, err
	}
	d.Recipient = to
	for _, wish := range d.Wishes {
		if err := s.ensure(ctx, wish.List); err != nil {
			return chosen, err
		}
	}
	events, err := s.Consent.Decide(ctx, d, store.Operator, evidence(ctx))
	if err != nil {
		return chosen, err
	}
	s.stopChanged(ctx, "choices recorded", consent.Stop{Subject: consent.Subject{Recipient: to}})
	return record.Chosen{Events: append([]int64{}, events...)}, nil
}

// decision reads what a person asked for.
func decision(ctx context.Context, q record.Choose) (consent.Decision, error) {
	d := consent.Decision{RefuseSharing: q.RefuseSharing}
	if len(q.Choices) == 0 && q.RefuseSharing == nil {
		return d, badRequest("Give choices or refuse_sharing.")
	}
	if len(q.Choices) > maxWishes {
		return d, badRequest("At most %d choices are allowed.", maxWishes)
	}
	if q.RefuseSharing != nil {
		if err := within(ctx, nil); err != nil {
			return d, err
		}
	}
	for _, c := range q.Choices {
		wish, err := wishOf(c)
		if err == nil {
			err = within(ctx, &wish.List)
		}
		if err != nil {
			return d, err
		}
		d.Wishes = append(d.Wishes, wish)
	}
	return d, nil
}

// wishOf refuses what does not belong to a state: whoever gave it meant
// something else.
func wishOf(c record.Wish) (consent.Wish, error) {
	wish := consent.Wish{List: canonicalList(c.List), State: store.State(c.State), Until: c.Until, Every: store.Frequency(c.Every)}
	if err := oneOf("state", wish.State, store.Subscribed, store.Unsubscribed, store.Paused, store.Limited); err != nil {
		return wish, err
	}
	if c.Every != "" {
		if err := oneOf("every", wish.Every, store.Daily, store.Weekly, store.Monthly); err != nil {
			return wish, err
		}
	}
	switch {
	case wish.State != store.Paused && !c.Until.IsZero():
		return wish, badRequest("until is allowed with the state paused only.")
	case wish.State != store.Paused && wish.State != store.Limited && c.Every != "":
		return wish, badRequest("every is allowed with the states limited and paused only.")
	case wish.State == store.Limited && c.Every == "":
		return wish, badRequest("every is missing: day, week or month.")
	}
	return wish, nil
}

// erase forgets who a person is; the choices stay under a keyed hash.
func (s *server) erase(ctx context.Context, in *AddressPath) (out record.Erased, err error) {
	to, err := address(in.Address)
	if err != nil {
		return out, err
	}
	if err := s.Consent.Erase(ctx, to, store.Operator, evidence(ctx)); err != nil {
		return out, err
	}
	// Not even masked: the log would outlive what was erased.
	out.Recipient = s.Records.Hash(to.Key())
	s.log().InfoContext(ctx, "recipient erased", "hash", out.Recipient, "ip", callerOf(ctx).ip.String())
	if s.Scrubber == nil {
		return out, nil
	}
	scrubbed, err := s.Scrubber.Scrubbed(ctx)
	if err == nil && scrubbed.Due() {
		out.Scrub = scrubbed.Asked
	}
	return out, err
}

// maxReceipts is how many receipts one answer has.
const maxReceipts = 100

var errNoReceipts = refusal{status: http.StatusNotFound, detail: "This server signs no receipts."}

type receiptsQuery struct {
	AddressPath
	List listParam `query:"list" example:"news.example.org" doc:"Only this list."`
}

func (s *server) receipts(ctx context.Context, in *receiptsQuery) (page record.ReceiptPage, err error) {
	if s.Receipts == nil {
		return page, errNoReceipts
	}
	to, err := address(in.Address)
	if err != nil {
		return page, err
	}
	if err := within(ctx, in.List.id); err != nil {
		return page, err
	}
	optOuts, err := s.Records.Events(ctx, store.EventFilter{
		Recipient: to.Key(), List: in.List.id, Kinds: []store.EventKind{store.EventUnsubscribed}, Latest: true, Limit: maxReceipts,
	})
	if err != nil {
		return page, err
	}
	page.Items = make([]record.Receipt, 0, len(optOuts))
	for _, e := range optOuts {
		text, err := s.Receipts.Issue(ctx, s.Records, e)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, record.Receipt{Event: e.ID, List: e.List, Time: e.Time, Text: string(text)})
	}
	return page, nil
}

func (s *server) receiptKey(context.Context, *noInput) (record.ReceiptKey, error) {
	if s.Receipts == nil {
		return record.ReceiptKey{}, errNoReceipts
	}
	return record.ReceiptKey{Key: s.Receipts.Verifier()}, nil
}
