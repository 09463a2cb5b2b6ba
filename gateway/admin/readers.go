package admin

import (
	"net/http"
	"time"

	"offramp/store"
)

// Reader is another system that follows the events.
type Reader struct {
	Name    string    `json:"name"`
	Through int64     `json:"through"` // ID of the last event it has taken over
	Since   time.Time `json:"since"`   // when it said so
}

// ReaderPage is the answer of GET /api/v1/readers, by name.
type ReaderPage struct {
	Items []Reader `json:"items"`
}

// Acknowledge is the body of PUT /api/v1/readers/{name}: that system has taken
// over every event up to Through.
type Acknowledge struct {
	Through int64 `json:"through"`
}

const maxReader = 64

func readerOf(r store.Reader) Reader {
	return Reader{Name: r.Name, Through: r.Through, Since: r.Since}
}

func (s *server) readers(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	all, err := s.Records.Readers(r.Context())
	if err != nil {
		return err
	}
	page := ReaderPage{Items: make([]Reader, 0, len(all))}
	for _, one := range all {
		page.Items = append(page.Items, readerOf(one))
	}
	return answer(w, page)
}

// acknowledge records how far a reader came. It may not be ahead of the
// ledger: what comes later would look as if it had been taken over.
func (s *server) acknowledge(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	var q Acknowledge
	if err := readJSON(r, &q); err != nil {
		return err
	}
	name := r.PathValue("name")
	if err := plain("name", name, maxReader); err != nil {
		return err
	}
	head, err := s.Records.Head(r.Context())
	if err != nil {
		return err
	}
	if q.Through < 0 || q.Through > head.ID {
		return badRequest("through must be the id of an event: the last one is %d.", head.ID)
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	if err := s.Records.Acknowledge(r.Context(), store.Reader{Name: name, Through: q.Through, Since: now}); err != nil {
		return err
	}
	s.log().InfoContext(r.Context(), "events acknowledged", "reader", name, "through", q.Through, "ip", peer(r).String())
	all, err := s.Records.Readers(r.Context())
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.Name == name {
			return answer(w, readerOf(one))
		}
	}
	return store.ErrNotFound // dismissed in this moment
}

func (s *server) dismiss(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	name := r.PathValue("name")
	if err := s.Records.Dismiss(r.Context(), name); err != nil {
		return err
	}
	s.log().InfoContext(r.Context(), "reader dismissed", "reader", name, "ip", peer(r).String())
	return answer(w, Changed{Changed: 1})
}
