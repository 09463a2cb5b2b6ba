package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"offramp/gateway/access"
)

// about is the document without its routes.
func about(version string) *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Offramp API", Version: version,
			Description: "What stops mail, lists, people, events and the queue of an Offramp server. The commands of offramp use nothing else.",
			License:     &huma.License{Name: "MIT", Identifier: "MIT"},
		},
		Servers: []*huma.Server{{URL: "/", Description: "The server that this document comes from (OFFRAMP_ADMIN_ADDR)."}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry(schemaRoot, huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"key": {Type: "http", Scheme: "bearer", Description: "An API key, or OFFRAMP_ADMIN_TOKEN. Where that is not set, clients on the same machine need none."},
			},
		},
		// In the order of the page.
		Tags: []*huma.Tag{
			{Name: "Suppressions", Description: "What stops mail, and stopping it."},
			{Name: "People", Description: "All about one person: showing, choosing, erasing, receipts."},
			{Name: "Lists", Description: "What people can leave."},
			{Name: "Messages", Description: "What became of mail."},
			{Name: "Events", Description: "What happened, and who has taken it over."},
			{Name: "Webhooks", Description: "Other systems that are sent what happens."},
			{Name: "Imports", Description: "Files of suppressions, in and out."},
			{Name: "Reports", Description: "Figures and deadlines."},
			{Name: "Queue", Description: "Mail that waits for delivery."},
			{Name: "Keys", Description: "Who may use the API."},
			{Name: "Server", Description: "The server itself."},
		},
	}
}

const schemaRoot = "#/components/schemas/"

// finish puts right what huma cannot know: lists are never null, records may get
// more fields one day, and errors have our form.
func (s *server) finish() {
	doc := s.api.OpenAPI()
	schemas := doc.Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, schema := range schemas {
		for _, p := range schema.Properties {
			p.Nullable = p.Nullable && p.Type != huma.TypeArray
		}
	}
	used := map[string]bool{}
	for _, op := range operations(doc) {
		used[op.Tags[0]] = true
		for _, p := range op.Parameters {
			p.Deprecated = p.Schema.Deprecated
		}
		for _, response := range op.Responses {
			for _, content := range response.Content {
				s.loosen(content.Schema)
			}
		}
	}
	doc.Tags = slices.DeleteFunc(doc.Tags, func(tag *huma.Tag) bool { return !used[tag.Name] })
}

// loosen allows unknown fields in what is answered.
func (s *server) loosen(schema *huma.Schema) {
	if schema == nil {
		return
	}
	if schema.Ref != "" {
		schema = s.api.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
		if schema.AdditionalProperties != false { // it was here before
			return
		}
		schema.AdditionalProperties = nil
	}
	s.loosen(schema.Items)
	for _, p := range schema.Properties {
		s.loosen(p)
	}
}

// operations are all of a document, by path, then in the order of methods.
func operations(doc *huma.OpenAPI) (all []*huma.Operation) {
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				all = append(all, op)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *huma.Operation) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// served is a document that never changes.
type served struct {
	contentType string
	policy      string // Content-Security-Policy; empty: the usual one
	content     []byte
}

// documentRoutes serve the document, for programs and for people. Both are made
// when they are asked for first: commands build this server, too.
func (s *server) documentRoutes() {
	s.serveDocument("/openapi.json", func() served {
		raw, err := json.Marshal(s.api.OpenAPI())
		if err != nil {
			panic("api: " + err.Error()) // our own types
		}
		return served{contentType: jsonType, content: append(raw, '\n')}
	})
	s.serveDocument("/docs", s.page)
}

// serveDocument serves what never changes to those who may use the API. A browser
// asks for the key by itself: it is the password, with any name.
func (s *server) serveDocument(path string, make func() served) {
	made := sync.OnceValue(make)
	admitted := s.admitted(need{scope: access.Read, lists: true}, s.plain(func(w http.ResponseWriter, _ *http.Request) error {
		document := made()
		w.Header().Del("WWW-Authenticate")
		w.Header().Set("Content-Type", document.contentType)
		if document.policy != "" {
			w.Header().Set("Content-Security-Policy", document.policy)
		}
		_, _ = w.Write(document.content)
		return nil
	}))
	s.serve(http.MethodGet, root+path, s.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="offramp: the API key is the password"`)
		if _, key, ok := r.BasicAuth(); ok {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		admitted.ServeHTTP(w, r)
	})))
}
