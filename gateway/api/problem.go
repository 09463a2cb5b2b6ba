package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"offramp/gateway/access"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/record"
	"offramp/store"
)

const problemType = "application/problem+json"

// problem is an error as it is answered. It implements what huma asks of one.
type problem struct{ record.Problem }

// Error implements error.
func (p problem) Error() string { return p.Detail }

// GetStatus implements [huma.StatusError].
func (p problem) GetStatus() int { return p.Status }

// ContentType implements [huma.ContentTypeFilter].
func (p problem) ContentType(string) string { return problemType }

// GetHeaders implements [huma.HeadersError].
func (p problem) GetHeaders() http.Header {
	h := http.Header{}
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="offramp"`)
	case http.StatusTooManyRequests:
		h.Set("Retry-After", "60") // where nobody knows better
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "10")
	}
	return h
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

var errNothingHere = refusal{status: http.StatusNotFound, detail: "Not found."}

// problemOf is the one mapping from errors to what a client sees.
func problemOf(err error) (p problem, ours bool) {
	var own refusal
	var tooLarge *http.MaxBytesError
	status, detail, refused := access.Refusal(err)
	switch {
	case refused:
		p.Status, p.Detail = status, detail
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

// problem returns what a client sees of err. Internal errors are logged, in
// full.
func (s *server) problem(ctx context.Context, path string, err error) problem {
	p, ours := problemOf(err)
	if ours && !errors.Is(ctx.Err(), context.Canceled) {
		s.log().ErrorContext(ctx, "API request failed", "path", path, "status", p.Status, "error", err)
	}
	return p
}

// fail answers with a problem.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r.Context(), r.Pattern, err)
	for name, values := range p.GetHeaders() {
		if w.Header().Get(name) == "" {
			w.Header()[name] = values
		}
	}
	writeJSON(w, p.Status, problemType, p)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		// Only our own types are written, and all of them have a JSON form.
		panic("api: " + err.Error())
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	// An error here means that the client is gone.
	_, _ = w.Write(append(b, '\n'))
}
