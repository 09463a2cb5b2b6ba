package admin

import (
	"net/http"
	"time"

	"offramp/store"
)

// List is a list as the API shows it.
type List struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Description   string    `json:"description"`
	Transactional bool      `json:"transactional"`
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
}

const (
	maxName        = 200
	maxDescription = 500
)

func listOf(l store.List) List {
	return List{ID: l.ID, Name: l.Name, Description: l.Description, Transactional: l.Transactional, Created: l.Created}
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

func (s *server) describe(w http.ResponseWriter, r *http.Request) error {
	var p ListPatch
	if err := readJSON(r, &p); err != nil {
		return err
	}
	if p == (ListPatch{}) {
		return badRequest("Give name, description or transactional.")
	}
	l, err := s.find(r)
	if err != nil {
		return err
	}
	if p.Name != nil {
		if err := plain("name", *p.Name, maxName); err != nil {
			return err
		}
		l.Name = *p.Name
	}
	if p.Description != nil {
		if err := plain("description", *p.Description, maxDescription); err != nil {
			return err
		}
		l.Description = *p.Description
	}
	if p.Transactional != nil {
		l.Transactional = *p.Transactional
	}
	if err := s.Lists.UpdateList(r.Context(), l); err != nil {
		return err
	}
	s.log().InfoContext(r.Context(), "list changed", "list", l.ID, "transactional", l.Transactional, "ip", peer(r).String())
	return answer(w, listOf(l))
}
