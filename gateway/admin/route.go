package admin

import (
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"offramp/store"
)

// maxBody is more than any request of the API needs.
const maxBody = 64 << 10

// handle answers a request, or returns why it cannot.
type handle func(w http.ResponseWriter, r *http.Request) error

// endpoint is a handle and who may call it.
type endpoint struct {
	handle handle
	open   bool // anybody; it must reveal nothing that is not public
}

func open(h handle) endpoint   { return endpoint{handle: h, open: true} }
func closed(h handle) endpoint { return endpoint{handle: h} }

// methods are the endpoints of one path.
type methods map[string]endpoint

func (m methods) allowed() string {
	names := slices.Sorted(maps.Keys(m))
	if _, ok := m[http.MethodGet]; ok {
		names = append(names, http.MethodHead)
	}
	return strings.Join(names, ", ")
}

// route returns the handler of one path: access first, so that a stranger
// learns nothing, then the method.
func (s *server) route(m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recover(w, r)
		setHeaders(w)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		e, known := m[method]
		if !e.open {
			if err := s.admit(r); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		if !known {
			w.Header().Set("Allow", m.allowed())
			s.fail(w, r, refusal{status: http.StatusMethodNotAllowed, detail: "Allowed here: " + m.allowed() + "."})
			return
		}
		if err := e.handle(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// setHeaders puts on every answer that nothing keeps it and no page shows it.
func setHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (s *server) recover(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	s.log().ErrorContext(r.Context(), "panic in an API request", "error", cause, "stack", string(debug.Stack()))
	s.fail(w, r, refusal{status: http.StatusInternalServerError, detail: detailInternal})
}

func nothing(http.ResponseWriter, *http.Request) error {
	return fmt.Errorf("path: %w", store.ErrNotFound)
}
