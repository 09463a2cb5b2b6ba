package compat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"offramp/gateway/access"
	"offramp/gateway/envelope"
	"offramp/store"
)

// refusal is an error whose text is meant for the client.
type refusal struct {
	status int
	detail string
}

func (e refusal) Error() string { return e.detail }

func badRequest(format string, args ...any) error {
	return refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

const detailInternal = "Internal error; see the log."

// errNoRoute is the answer to what a vendor may have and this server does not.
var errNoRoute = refusal{http.StatusNotFound, "Not found: of this API only suppressions are answered here."}

// problemOf is the one mapping from errors to what a client sees.
func problemOf(err error) (status int, detail string, ours bool) {
	var own refusal
	var tooLarge *http.MaxBytesError
	if status, detail, ok := access.Refusal(err); ok {
		return status, detail, false
	}
	switch {
	case errors.As(err, &own):
		return own.status, own.detail, false
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have at most %d bytes.", tooLarge.Limit), false
	case errors.Is(err, envelope.ErrAddress):
		return http.StatusBadRequest, "This is not a valid mail address.", false
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, "Not found.", false
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrFull), errors.Is(err, store.ErrUncertain), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, "Not done, or not all of it; try again later.", true
	}
	return http.StatusInternalServerError, detailInternal, true
}

// fail answers with an error in the vendor's form. Internal errors are logged.
func (c *call) fail(err error) {
	status, detail, ours := problemOf(err)
	if ours && !errors.Is(c.r.Context().Err(), context.Canceled) {
		c.log().ErrorContext(c.ctx, "request to a compatible API failed", "vendor", c.v.name, "status", status, "error", err)
	}
	switch h := c.w.Header(); {
	case status == http.StatusServiceUnavailable:
		h.Set("Retry-After", "10")
	case status == http.StatusTooManyRequests && h.Get("Retry-After") == "":
		h.Set("Retry-After", "60")
	case status == http.StatusUnauthorized && c.v.name == mailgun.name:
		h.Set("WWW-Authenticate", `Basic realm="offramp"`)
	}
	c.v.refuse(c.w, status, detail)
}

// answer writes v as JSON.
func (c *call) answer(status int, v any) error {
	writeJSON(c.w, status, v)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		// Only our own types are written, and all of them have a JSON form.
		panic("compat: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means that the client is gone.
	_, _ = w.Write(append(b, '\n'))
}
