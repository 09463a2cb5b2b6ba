package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// checkQuery holds a query to the parameters that an operation has: each known,
// once, and of its type.
func checkQuery(params []*huma.Param, raw string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return badRequest("The query string is invalid.")
	}
	known := map[string]*huma.Schema{}
	var names []string
	for _, p := range params {
		if p.In == "query" {
			known[p.Name], names = p.Schema, append(names, p.Name)
		}
	}
	for name, v := range values {
		schema, ok := known[name]
		switch {
		case !ok && len(names) == 0:
			return badRequest("Unknown parameter %q: none are known here.", name)
		case !ok:
			return badRequest("Unknown parameter %q; known: %s.", name, strings.Join(names, ", "))
		case len(v) > 1:
			return badRequest("Parameter %q is given twice.", name)
		}
		if err := checkParam(name, v[0], schema); err != nil {
			return err
		}
	}
	return nil
}

// checkParam holds a value to the type and the bounds that are documented.
// Empty text is as if the parameter were not given.
func checkParam(name, value string, s *huma.Schema) error {
	switch {
	case s.Type == huma.TypeBoolean:
		if value != "true" && value != "false" {
			return badRequest("%s must be true or false.", name)
		}
	case s.Type == huma.TypeInteger:
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err == nil && (s.Minimum == nil || float64(n) >= *s.Minimum) && (s.Maximum == nil || float64(n) <= *s.Maximum):
		case s.Minimum != nil && s.Maximum != nil:
			return badRequest("%s must be a number from %.0f to %.0f.", name, *s.Minimum, *s.Maximum)
		default:
			return badRequest("%s must be a number.", name)
		}
	case s.Format == "date-time":
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return badRequest("%s must be a time like 2026-11-23T18:00:00Z.", name)
		}
	case value != "" && len(s.Enum) > 0 && !slices.Contains(s.Enum, any(value)):
		words := make([]string, len(s.Enum))
		for i, word := range s.Enum {
			words[i], _ = word.(string)
		}
		return badRequest("%s must be %s.", name, either(words))
	}
	return nil
}

// listParam is the list that a query names, in canonical form. A parameter that
// is given empty means the scope of all lists, and one that is not given any
// list.
type listParam struct{ id *string }

// Schema implements [huma.SchemaProvider].
func (listParam) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// UnmarshalText implements [encoding.TextUnmarshaler]; Resolve does the work.
func (*listParam) UnmarshalText([]byte) error { return nil }

// Resolve implements [huma.Resolver].
func (p *listParam) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	if q := u.Query(); q.Has("list") {
		id := canonicalList(q.Get("list"))
		p.id = &id
	}
	return nil
}

// LimitParam is how many records a page has at most. What inputs embed is
// exported, since huma sees nothing else.
type LimitParam struct {
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"How many records a page has at most."`
}

// maxLimit is what LimitParam allows.
const maxLimit = 10000

// noInput is the input of a route without any.
type noInput struct{}

// pageOf makes records of what a store returned; never nil.
func pageOf[S, R any](all []S, of func(S) R) []R {
	items := make([]R, 0, len(all))
	for _, one := range all {
		items = append(items, of(one))
	}
	return items
}
