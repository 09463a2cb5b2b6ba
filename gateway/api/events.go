package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/record"
	"offramp/store"
)

func (s *server) eventRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/events", id: "listEvents", tag: "Events", summary: "What happened",
		doc:   "Events by id, the oldest first. A key for some lists must name one of them.",
		scope: access.Read, lists: true,
	}, s.events)
	add(s, route{
		method: http.MethodGet, path: "/ledger", id: "listLedger", tag: "Events", summary: "The ledger",
		doc:   "Events with all that proves that none was changed or taken out; `offramp events verify` checks it.",
		scope: access.Read,
	}, s.ledger)
	add(s, route{
		method: http.MethodGet, path: "/ledger/head", id: "getLedgerHead", tag: "Events", summary: "How far the ledger reaches",
		scope: access.Read,
	}, s.ledgerHead)
	s.readerRoutes()
}

type eventsQuery struct {
	Recipient string    `query:"recipient" example:"ada@example.net" doc:"Only of this address."`
	List      listParam `query:"list" example:"news.example.org" doc:"Only of this list. Empty (list=): only what is for all lists."`
	Kind      string    `query:"kind" example:"unsubscribed,complained" doc:"Only these kinds, separated by commas."`
	Since     time.Time `query:"since" doc:"Only from then on."`
	Latest    bool      `query:"latest" doc:"The newest first."`
	CursorParam
	After  int64 `query:"after" minimum:"0" doc:"Only events with a greater id: for those who keep the id of the last event they know."`
	Before int64 `query:"before" minimum:"0" doc:"Only events with a smaller id."`
	LimitParam
}

func (s *server) events(ctx context.Context, in *eventsQuery) (page record.EventPage, err error) {
	f := store.EventFilter{List: in.List.id, After: in.After, Before: in.Before, Since: in.Since, Latest: in.Latest, Limit: in.Limit}
	if err := within(ctx, in.List.id); err != nil {
		return page, err
	}
	if f.Kinds, err = eventKinds(in.Kind); err != nil {
		return page, err
	}
	if in.Recipient != "" {
		to, err := address(in.Recipient)
		if err != nil {
			return page, err
		}
		f.Recipient = to.Key()
	}
	at, err := in.number("events")
	if err != nil {
		return page, err
	}
	if in.Latest {
		f.Before = cmp.Or(at, f.Before)
	} else {
		f.After = max(at, f.After)
	}
	all, err := s.Records.Events(ctx, f)
	if err != nil {
		return page, err
	}
	page.Items = pageOf(all, record.EventOf)
	if len(all) == f.Limit {
		page.Next = all[len(all)-1].ID
		page.Cursor = cursorOf("events", strconv.FormatInt(page.Next, 10))
	}
	return page, nil
}

// eventKinds reads kinds that are separated by commas; none: every kind.
func eventKinds(text string) ([]store.EventKind, error) {
	if text == "" {
		return nil, nil
	}
	var kinds []store.EventKind
	for name := range strings.SplitSeq(text, ",") {
		kind := store.EventKind(name)
		if !slices.Contains(store.EventKinds(), kind) {
			var all []string
			for _, k := range store.EventKinds() {
				all = append(all, string(k))
			}
			return nil, badRequest("kind must be one or more of %s.", strings.Join(all, ", "))
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}

type ledgerQuery struct {
	CursorParam
	After int64 `query:"after" minimum:"0" doc:"Only events with a greater id."`
	LimitParam
}

func (s *server) ledger(ctx context.Context, in *ledgerQuery) (page record.EntryPage, err error) {
	at, err := in.number("ledger")
	if err != nil {
		return page, err
	}
	all, err := s.Records.Entries(ctx, max(at, in.After), in.Limit)
	if err != nil {
		return page, err
	}
	page.Items = pageOf(all, record.EntryOf)
	if len(all) == in.Limit {
		page.Next = all[len(all)-1].Event.ID
		page.Cursor = cursorOf("ledger", strconv.FormatInt(page.Next, 10))
	}
	return page, nil
}

func (s *server) ledgerHead(ctx context.Context, _ *noInput) (record.LedgerHead, error) {
	h, err := s.Records.Head(ctx)
	return record.LedgerHead{ID: h.ID, Link: record.Sum(h.Link), First: h.First, FirstLink: record.Sum(h.FirstLink)}, err
}
