package admin

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// query is the query of a request, read strictly: a mistyped name would
// otherwise select everything.
type query struct{ values url.Values }

func readQuery(r *http.Request, names ...string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, badRequest("The query string is invalid.")
	}
	for name, v := range values {
		if !slices.Contains(names, name) {
			return query{}, badRequest("Unknown parameter %q; known: %s.", name, strings.Join(names, ", "))
		}
		if len(v) > 1 {
			return query{}, badRequest("Parameter %q is given twice.", name)
		}
	}
	return query{values}, nil
}

func (q query) text(name string) string { return q.values.Get(name) }

// list returns the list of the query in canonical form, nil when none is
// named. An empty value means the scope of all lists.
func (q query) list(name string) *string {
	if !q.values.Has(name) {
		return nil
	}
	id := canonicalList(q.text(name))
	return &id
}

func canonicalList(id string) string {
	if strings.TrimSpace(id) == "" {
		return store.AllLists
	}
	return listunsub.CanonicalID(id)
}

// recipient returns the lookup key of an address, empty when none is named.
func (q query) recipient(name string) (string, error) {
	if q.text(name) == "" {
		return "", nil
	}
	a, err := address(q.text(name))
	return a.Key(), err
}

func address(s string) (envelope.Address, error) {
	a, err := envelope.Parse(s)
	if err == nil && a.IsNull() {
		err = envelope.ErrAddress
	}
	return a, err
}

const (
	defaultLimit = 1000
	maxLimit     = 10000
)

// limit returns how many records are asked for.
func (q query) limit() (int, error) {
	if !q.values.Has("limit") {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(q.text("limit"))
	if err != nil || n < 1 || n > maxLimit {
		return 0, badRequest("limit must be a number from 1 to %d.", maxLimit)
	}
	return n, nil
}

func (q query) number(name string) (int64, error) {
	if !q.values.Has(name) {
		return 0, nil
	}
	n, err := strconv.ParseInt(q.text(name), 10, 64)
	if err != nil || n < 0 {
		return 0, badRequest("%s must be a number.", name)
	}
	return n, nil
}

// flag returns whether name is true; it is false when it is not given.
func (q query) flag(name string) (bool, error) {
	switch q.text(name) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		if !q.values.Has(name) {
			return false, nil
		}
	}
	return false, badRequest("%s must be true or false.", name)
}

func (q query) time(name string) (time.Time, error) {
	if !q.values.Has(name) {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, q.text(name))
	if err != nil {
		return time.Time{}, badRequest("%s must be a time like 2026-11-23T18:00:00Z.", name)
	}
	return t, nil
}

// readJSON decodes the body into v: one value, of the right type, without
// unknown fields. The type is asked for because a browser cannot send it to
// another site unasked.
func readJSON(r *http.Request, v any) error {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return refusal{status: http.StatusUnsupportedMediaType, detail: "Send JSON, with Content-Type application/json."}
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err = d.Decode(v)
	if err == nil {
		if _, err = d.Token(); err == nil {
			return badRequest("The body contains more than one JSON value.")
		}
	}
	var tooLarge *http.MaxBytesError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF) && d.InputOffset() > 0:
		return nil
	case errors.As(err, &tooLarge):
		return err
	case errors.As(err, &wrongType):
		if wrongType.Field == "" {
			return badRequest("The body must be one JSON object.")
		}
		return badRequest("%s must not be a JSON %s.", wrongType.Field, wrongType.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("The body is empty or ends early.")
	default:
		// The decoder's own text names fields and bytes of the request only.
		return badRequest("The body is invalid: %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
}

// plain refuses text that would break a line or a page, or is too long.
func plain(name, s string, most int) error {
	if utf8.RuneCountInString(s) > most {
		return badRequest("%s may have at most %d characters.", name, most)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return badRequest("%s must be one line of text.", name)
	}
	return nil
}

// evidence is what the operator's changes are recorded with.
func evidence(r *http.Request) consent.Evidence {
	ev := consent.Evidence{UserAgent: r.UserAgent(), Who: "admin"}
	if a := peer(r); a.IsValid() {
		ev.IP = a.String()
	}
	return ev
}
