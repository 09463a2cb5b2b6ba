package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

// Problem is the body of every error (RFC 9457 section 3.1). Detail is for
// people and never holds the text of an inner error.
type Problem struct {
	Type   string `json:"type"` // always "about:blank": the status says it all
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// refusal is an error whose text is meant for the client.
type refusal struct {
	status int
	detail string
}

func (e refusal) Error() string { return e.detail }

func badRequest(format string, args ...any) error {
	return refusal{status: http.StatusBadRequest, detail: fmt.Sprintf(format, args...)}
}

const detailInternal = "Internal error; see the log."

// problemOf is the one mapping from errors to what a client sees.
func problemOf(err error) (p Problem, ours bool) {
	var own refusal
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		p.Status, p.Detail = own.status, own.detail
	case errors.As(err, &tooLarge):
		p.Status, p.Detail = http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have at most %d bytes.", tooLarge.Limit)
	case errors.Is(err, envelope.ErrPattern):
		p.Status, p.Detail = http.StatusBadRequest, "This is not a pattern of a domain: write @example.org, or *.example.org for the domains below it."
	case errors.Is(err, envelope.ErrPublic):
		p.Status, p.Detail = http.StatusBadRequest, "This pattern takes in a public suffix, under which many have their domains: name the domains instead."
	case errors.Is(err, envelope.ErrAddress):
		p.Status, p.Detail = http.StatusBadRequest, "This is not a valid mail address."
	case errors.Is(err, store.ErrNotFound):
		p.Status, p.Detail = http.StatusNotFound, "Not found."
	case errors.Is(err, store.ErrChanged):
		p.Status, p.Detail = http.StatusConflict, "Changed by another request; fetch it again."
	case errors.Is(err, consent.ErrDate):
		p.Status, p.Detail = http.StatusBadRequest, "until must be in the future, within two years."
	case errors.Is(err, consent.ErrWish):
		p.Status, p.Detail = http.StatusBadRequest, "state must be subscribed, unsubscribed, paused or limited, every be day, week or month, and each list be named once."
	case errors.Is(err, consent.ErrSending):
		p.Status, p.Detail = http.StatusServiceUnavailable, "Erased, except for a message that is being sent right now; erase again in a few minutes."
	case errors.Is(err, store.ErrUncertain):
		p.Status, p.Detail, ours = http.StatusServiceUnavailable, "Records that stop mail are damaged: stop the server and run `offramp repair`.", true
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrFull), errors.Is(err, context.DeadlineExceeded):
		p.Status, p.Detail, ours = http.StatusServiceUnavailable, "The store is unavailable; try again later.", true
	default:
		p.Status, p.Detail, ours = http.StatusInternalServerError, detailInternal, true
	}
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	return p, ours
}

// fail answers with a problem. Internal errors are logged, in full.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, ours := problemOf(err)
	if ours && !errors.Is(r.Context().Err(), context.Canceled) {
		s.log().ErrorContext(r.Context(), "API request failed", "path", r.URL.Path, "status", p.Status, "error", err)
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="offramp"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "10")
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

// answer writes v as the result of a request.
func answer(w http.ResponseWriter, v any) error {
	writeJSON(w, http.StatusOK, "application/json", v)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		// Only our own types are written, and all of them have a JSON form.
		panic("admin: " + err.Error())
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	// An error here means that the client is gone.
	_, _ = w.Write(append(b, '\n'))
}
