package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"golang.org/x/text/language"

	"offramp/gateway/access"
	"offramp/gateway/record"
	"offramp/listunsub"
	"offramp/store"
)

func (s *server) listRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/lists", id: "listLists", tag: "Lists", summary: "All lists",
		doc:   "Lists are found in the mail that passes, or added here. A key for some lists sees those.",
		scope: access.Read, lists: true,
	}, s.allLists)
	add(s, route{
		method: http.MethodPost, path: "/lists", id: "addList", tag: "Lists", summary: "Add a list",
		doc:   "Adds a list that no mail was seen of yet. One that is there already is a conflict (409), so that nobody describes another's list by mistake.",
		scope: access.Write, example: record.NewList{ID: "offers.example.org", ListPatch: record.ListPatch{Name: new("Offers")}},
	}, s.addList)
	add(s, route{
		method: http.MethodGet, path: "/lists/{id}", id: "getList", tag: "Lists", summary: "One list",
		scope: access.Read, lists: true,
	}, s.list)
	add(s, route{
		method: http.MethodPatch, path: "/lists/{id}", id: "describeList", tag: "Lists", summary: "Describe a list",
		doc:   "Changes what is given; the rest stays.",
		scope: access.Write, lists: true, example: record.ListPatch{Description: new("Offers of the week.")},
	}, s.describe)
}

// ListPath names a list in a path.
type ListPath struct {
	ID string `path:"id" example:"news.example.org" doc:"The list's id; upper and lower case are the same."`
}

func (s *server) allLists(ctx context.Context, _ *noInput) (record.ListPage, error) {
	all, err := s.Lists.Lists(ctx)
	if err != nil {
		return record.ListPage{}, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(l store.List) bool { return within(ctx, &l.ID) != nil })
	return record.ListPage{Items: pageOf(all, record.ListOf)}, nil
}

func (s *server) list(ctx context.Context, in *ListPath) (record.List, error) {
	l, err := s.find(ctx, in)
	return record.ListOf(l), err
}

func (s *server) find(ctx context.Context, in *ListPath) (store.List, error) {
	id := canonicalList(in.ID)
	if id == "" {
		return store.List{}, store.ErrNotFound
	}
	if err := within(ctx, &id); err != nil {
		return store.List{}, err
	}
	return s.Lists.List(ctx, id)
}

func (s *server) addList(ctx context.Context, in *struct{ Body record.NewList }) (record.List, error) {
	if err := plain("id", in.Body.ID, maxListID); err != nil {
		return record.List{}, err
	}
	id := canonicalList(in.Body.ID)
	if id == "" {
		return record.List{}, badRequest("id is missing.")
	}
	l := store.List{ID: id, Key: listunsub.ListKey(id), Created: s.now().UTC()}
	if err := patch(&l, in.Body.ListPatch); err != nil {
		return record.List{}, err
	}
	switch _, err := s.Lists.List(ctx, id); {
	case err == nil:
		return record.List{}, refusal{status: http.StatusConflict, detail: "A list with this id already exists."}
	case !errors.Is(err, store.ErrNotFound):
		return record.List{}, err
	}
	l, err := s.Lists.EnsureList(ctx, l)
	if err != nil {
		return record.List{}, err
	}
	return s.listChanged(ctx, "list added", l), nil
}

func (s *server) describe(ctx context.Context, in *struct {
	ListPath
	Body record.ListPatch
}) (record.List, error) {
	if in.Body == (record.ListPatch{}) {
		return record.List{}, badRequest("Give name, description, transactional, public, third_party, language, sender or footer.")
	}
	l, err := s.find(ctx, &in.ListPath)
	if err != nil {
		return record.List{}, err
	}
	if err := patch(&l, in.Body); err != nil {
		return record.List{}, err
	}
	if err := s.Lists.UpdateList(ctx, l); err != nil {
		return record.List{}, err
	}
	return s.listChanged(ctx, "list changed", l), nil
}

func (s *server) listChanged(ctx context.Context, what string, l store.List) record.List {
	s.log().InfoContext(ctx, what, "list", l.ID, "transactional", l.Transactional, "public", l.Public,
		"third_party", l.ThirdParty, "ip", callerOf(ctx).ip.String())
	return record.ListOf(l)
}

// The most characters of a list's texts, as record.ListPatch documents them.
const (
	maxName        = 200
	maxDescription = 500
	maxSender      = 200
	maxFooter      = 500
	maxListID      = 255 // RFC 2919 section 2
)

// patch checks what is given and puts it into l.
func patch(l *store.List, p record.ListPatch) error {
	for _, text := range []struct {
		name  string
		given *string
		to    *string
		most  int
	}{
		{"name", p.Name, &l.Name, maxName}, {"description", p.Description, &l.Description, maxDescription},
		{"sender", p.Sender, &l.Sender, maxSender}, {"footer", p.Footer, &l.Footer, maxFooter},
	} {
		if text.given == nil {
			continue
		}
		if err := plain(text.name, *text.given, text.most); err != nil {
			return err
		}
		*text.to = *text.given
	}
	for _, is := range []struct{ given, to *bool }{{p.Transactional, &l.Transactional}, {p.Public, &l.Public}, {p.ThirdParty, &l.ThirdParty}} {
		if is.given != nil {
			*is.to = *is.given
		}
	}
	if p.Language == nil {
		return nil
	}
	l.Language = ""
	if *p.Language != "" {
		tag, err := language.Parse(*p.Language)
		if err != nil {
			return badRequest("language must be a language tag such as de or pt-BR.")
		}
		l.Language = tag.String()
	}
	return nil
}
