package api

import (
	"cmp"
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"offramp/gateway/access"
	"offramp/gateway/record"
)

// root is the path under which the API is.
const root = "/api/v1"

// route is one operation of the API, with what it needs.
type route struct {
	method, path string // the path without root
	id           string // unique, such as listQueue: generated clients call it so
	tag          string // one of the tags of [about]
	summary      string // a few words
	doc          string // sentences
	scope        access.Scope
	// lists says that a key that is for some lists alone may call it: the route
	// then asks [within] for each list that it shows or changes.
	lists   bool
	secret  bool  // the answer is for once, so it is not kept for the same Idempotency-Key
	maxBody int64 // bytes of the body at most; 0: 64 KiB
	example any   // body that succeeds
}

// answer is what huma writes: a record as the body.
type answer[T any] struct{ Body T }

// add enters a route. The document has its types.
func add[I, O any](s *server, r route, serve func(context.Context, *I) (O, error)) {
	op := huma.Operation{
		Method: r.method, Path: root + r.path, OperationID: r.id, Tags: []string{r.tag}, Summary: r.summary, Description: r.doc,
		Metadata: map[string]any{metaNeed: need{scope: r.scope, lists: r.lists}, metaLimit: r.maxBody, metaSecret: r.secret},
		Security: []map[string][]string{{"key": {}}},
		// What comes in was read by [server.strict].
		SkipValidateParams: true, SkipValidateBody: true, MaxBodyBytes: -1, BodyReadTimeout: -1,
		Responses: s.refusals(),
	}
	if r.method != http.MethodGet && r.scope != access.None {
		op.Parameters = append(op.Parameters, idempotencyKey())
	}
	if body, ok := reflect.TypeFor[I]().FieldByName("Body"); ok {
		op.Metadata[metaBody] = body.Type
		if r.example != nil {
			op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: r.example}}}
		}
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := serve(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, op.Path, err)
		}
		return &answer[O]{out}, nil
	})
}

// Keys of [huma.Operation.Metadata].
const (
	metaNeed   = "need"   // need
	metaLimit  = "limit"  // int64: bytes of the body; 0: maxBody
	metaSecret = "secret" // bool
	metaBody   = "body"   // reflect.Type of the body; absent: there is none
)

func needOf(op *huma.Operation) need {
	n, _ := op.Metadata[metaNeed].(need)
	return n
}

// limitOf is the most bytes that the body of an operation may have.
func limitOf(op *huma.Operation) int64 {
	limit, _ := op.Metadata[metaLimit].(int64)
	return cmp.Or(limit, maxBody)
}

// ruleOf is what an Idempotency-Key does for an operation.
func ruleOf(op *huma.Operation) access.Rule {
	secret, _ := op.Metadata[metaSecret].(bool)
	return access.Rule{MaxBody: limitOf(op), Secret: secret}
}

// refusals are the answers that every operation may give.
func (s *server) refusals() map[string]*huma.Response {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[record.Problem](), true, "")
	problem := func(doc string) *huma.Response {
		return &huma.Response{Description: doc, Content: map[string]*huma.MediaType{problemType: {Schema: schema}}}
	}
	return map[string]*huma.Response{
		"4XX": problem("Refused: detail says why."),
		"5XX": problem("Not done: 503 may be tried again after Retry-After seconds."),
	}
}

// idempotencyKey is a header field that all routes take which change something.
func idempotencyKey() *huma.Param {
	most := 255
	return &huma.Param{
		Name: access.Field, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &most},
		Description: "A text that is new for each request, such as a UUID. The same request with the same text gets the same answer for 24 hours, and changes nothing again; another request with it is refused (422).",
		Example:     "8e03978e-40d5-43e8-bc93-6894a57f9324",
	}
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
