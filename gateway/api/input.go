package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// maxBody is more than any request needs that is no batch.
const maxBody = 64 << 10

// strict refuses what the document does not name, before the route reads the
// rest: a mistyped name would otherwise select everything.
func (s *server) strict(op *huma.Operation, next http.Handler) http.Handler {
	limit := limitOf(op)
	body, _ := op.Metadata[metaBody].(reflect.Type)
	var required []string
	if op.RequestBody != nil {
		required = s.api.OpenAPI().Components.Schemas.SchemaFromRef(op.RequestBody.Content[jsonType].Schema.Ref).Required
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		err := checkQuery(op.Parameters, r.URL.RawQuery)
		if err == nil && body != nil {
			err = checkBody(r, reflect.New(body).Interface(), required)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkBody reads the body as readJSON does, with the fields that must be there,
// and leaves it to be read again.
func checkBody(r *http.Request, v any, required []string) error {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != jsonType {
		return refusal{status: http.StatusUnsupportedMediaType, detail: "Send JSON, with Content-Type application/json."}
	}
	r.Header.Set("Content-Type", jsonType)
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return badRequest("The body is empty or ends early.")
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	if err := readJSON(raw, v); err != nil {
		return err
	}
	return checkRequired(raw, required)
}

// checkRequired says which field is missing of an object. Names are compared as
// encoding/json does.
func checkRequired(raw []byte, required []string) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return badRequest("The body must be one JSON object.")
	}
	for _, name := range required {
		given := func(other string) bool { return strings.EqualFold(other, name) }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(fields)), given) {
			return badRequest("%s is missing.", name)
		}
	}
	return nil
}

const jsonType = "application/json"

// readJSON decodes raw into v: one value, of the right type, without unknown
// fields.
func readJSON(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); err == nil {
			return badRequest("The body contains more than one JSON value.")
		}
	}
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF) && d.InputOffset() > 0:
		return nil
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

// oneOf refuses what is none of some words.
func oneOf[S ~string](name string, s S, words ...S) error {
	texts := make([]string, len(words))
	for i, word := range words {
		if s == word {
			return nil
		}
		texts[i] = string(word)
	}
	return badRequest("%s must be %s.", name, either(texts))
}

// either joins words as in a sentence.
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// address reads a recipient's address.
func address(s string) (envelope.Address, error) {
	a, err := envelope.Parse(s)
	if err == nil && a.IsNull() {
		err = envelope.ErrAddress
	}
	return a, err
}

func canonicalList(id string) string {
	if strings.TrimSpace(id) == "" {
		return store.AllLists
	}
	return listunsub.CanonicalID(id)
}
