package admin

import (
	"errors"
	"net/http"
	"time"

	"golang.org/x/text/language"

	"offramp/listunsub"
	"offramp/store"
)

// List is a list as the API shows it.
type List struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Description   string    `json:"description"`
	Transactional bool      `json:"transactional"`
	Public        bool      `json:"public"`      // shown to everybody, not only to those who get it
	ThirdParty    bool      `json:"third_party"` // not sent to people who opted out of sharing
	Language      string    `json:"language"`    // BCP 47 tag; empty: the operator's
	Sender        string    `json:"sender"`      // empty: the operator
	Footer        string    `json:"footer"`
	Created       time.Time `json:"created"`
}

// ListPage is the answer of GET /api/v1/lists, by id.
type ListPage struct {
	Items []List `json:"items"`
}

// ListPatch is the body of PATCH /api/v1/lists/{id}: what is left out stays.
type ListPatch struct {
	Name          *string `json:"name,omitempty"`
	Description   *string `json:"description,omitempty"`
	Transactional *bool   `json:"transactional,omitempty"`
	Public        *bool   `json:"public,omitempty"`
	ThirdParty    *bool   `json:"third_party,omitempty"`
	Language      *string `json:"language,omitempty"`
	Sender        *string `json:"sender,omitempty"`
	Footer        *string `json:"footer,omitempty"`
}

// NewList is the body of POST /api/v1/lists, for a list that no mail was seen
// of yet.
type NewList struct {
	ID string `json:"id"`
	ListPatch
}

// The most characters of a list's texts.
const (
	maxName        = 200
	maxDescription = 500
	maxSender      = 200
	maxFooter      = 500
	maxListID      = 255 // RFC 2919 section 2
)

func listOf(l store.List) List {
	return List{
		ID: l.ID, Name: l.Name, Description: l.Description, Transactional: l.Transactional, Public: l.Public,
		ThirdParty: l.ThirdParty, Language: l.Language, Sender: l.Sender, Footer: l.Footer, Created: l.Created,
	}
}

func (s *server) lists(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	all, err := s.Lists.Lists(r.Context())
	if err != nil {
		return err
	}
	page := ListPage{Items: make([]List, 0, len(all))}
	for _, l := range all {
		page.Items = append(page.Items, listOf(l))
	}
	return answer(w, page)
}

func (s *server) list(w http.ResponseWriter, r *http.Request) error {
	l, err := s.find(r)
	if err != nil {
		return err
	}
	return answer(w, listOf(l))
}

func (s *server) find(r *http.Request) (store.List, error) {
	if _, err := readQuery(r); err != nil {
		return store.List{}, err
	}
	id := canonicalList(r.PathValue("id"))
	if id == "" {
		return store.List{}, store.ErrNotFound
	}
	return s.Lists.List(r.Context(), id)
}

// addList adds a list; one that is there already is a conflict, so that nobody
// describes another's list by mistake.
func (s *server) addList(w http.ResponseWriter, r *http.Request) error {
	var n NewList
	if err := readJSON(r, &n); err != nil {
		return err
	}
	if err := plain("id", n.ID, maxListID); err != nil {
		return err
	}
	id := canonicalList(n.ID)
	if id == "" {
		return badRequest("id is missing.")
	}
	l := store.List{ID: id, Key: listunsub.ListKey(id), Created: s.now().UTC()}
	if err := n.apply(&l); err != nil {
		return err
	}
	switch _, err := s.Lists.List(r.Context(), id); {
	case err == nil:
		return refusal{status: http.StatusConflict, detail: "A list with this id already exists."}
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	l, err := s.Lists.EnsureList(r.Context(), l)
	if err != nil {
		return err
	}
	return s.listChanged(w, r, "list added", l)
}

func (s *server) describe(w http.ResponseWriter, r *http.Request) error {
	var p ListPatch
	if err := readJSON(r, &p); err != nil {
		return err
	}
	if p == (ListPatch{}) {
		return badRequest("Give name, description, transactional, public, third_party, language, sender or footer.")
	}
	l, err := s.find(r)
	if err != nil {
		return err
	}
	if err := p.apply(&l); err != nil {
		return err
	}
	if err := s.Lists.UpdateList(r.Context(), l); err != nil {
		return err
	}
	return s.listChanged(w, r, "list changed", l)
}

func (s *server) listChanged(w http.ResponseWriter, r *http.Request, what string, l store.List) error {
	s.log().InfoContext(r.Context(), what, "list", l.ID, "transactional", l.Transactional, "public", l.Public,
		"third_party", l.ThirdParty, "ip", peer(r).String())
	return answer(w, listOf(l))
}

// apply checks what is given and puts it into l.
func (p ListPatch) apply(l *store.List) error {
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
