package api

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the page of the documentation
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

var (
	//go:embed page/docs.html
	docsTemplate string
	//go:embed page/style.css
	docsStyle string
)

// docs is the page as its template shows it.
type docs struct {
	Title, Version, About, OpenAPI, Keys string
	Style                                template.CSS
	First                                string // a call to begin with
	Statuses                             []docsRow
	Tags                                 []docsTag
	Records                              []docsTable
}

type docsTag struct {
	Name, Anchor, Doc string
	Routes            []docsRoute
}

type docsRoute struct {
	ID, Method, Path, Summary, Doc, Scope string
	Lists                                 bool
	Params, Body                          docsTable
	Call                                  string // example for the shell
	Answer                                docsType
}

// docsTable is a record, or the parameters of a route.
type docsTable struct {
	Name string
	Rows []docsRow
}

type docsRow struct {
	Name, Doc      string
	Type           docsType
	Required, Gone bool // Gone: deprecated
}

// docsType is a type in words, the last of which may be the name of a record.
type docsType struct{ Before, Record string }

// page makes the documentation out of the document. It needs nothing from
// elsewhere, and no script.
func (s *server) page() served {
	doc := s.api.OpenAPI()
	view := docs{
		Title: doc.Info.Title, Version: doc.Info.Version, About: doc.Info.Description, OpenAPI: doc.OpenAPI,
		Keys: doc.Components.SecuritySchemes["key"].Description, Style: template.CSS(docsStyle),
		First: shellCall(&huma.Operation{Method: http.MethodGet, Path: root + "/suppressions"}, "?recipient=ada@example.net", nil), Statuses: statuses(),
	}
	for _, tag := range doc.Tags {
		one := docsTag{Name: tag.Name, Anchor: "tag-" + strings.ToLower(tag.Name), Doc: tag.Description}
		for _, op := range operations(doc) {
			if op.Tags[0] == tag.Name {
				one.Routes = append(one.Routes, docsOf(op, doc.Components.Schemas))
			}
		}
		view.Tags = append(view.Tags, one)
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		view.Records = append(view.Records, docsTable{Name: name, Rows: rowsOf(schemas[name])})
	}
	var html bytes.Buffer
	if err := template.Must(template.New("docs").Parse(docsTemplate)).Execute(&html, view); err != nil {
		panic("api: docs: " + err.Error()) // of our own template
	}
	hash := sha256.Sum256([]byte(docsStyle))
	return served{"text/html; charset=utf-8", "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", html.Bytes()}
}

func docsOf(op *huma.Operation, registry huma.Registry) docsRoute {
	n := needOf(op)
	r := docsRoute{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Doc: op.Description, Scope: n.scope.String(), Lists: n.lists,
		Params: docsTable{Name: "Parameters"}, Answer: docsType{Before: "a file"},
	}
	if content := op.Responses["200"].Content[jsonType]; content != nil {
		r.Answer = typeOf(content.Schema)
	}
	for _, p := range op.Parameters {
		if p.In == "header" {
			continue // that is said once for all
		}
		row := docsRow{Name: p.Name, Doc: facts(p.Description, p.Schema), Type: typeOf(p.Schema), Required: p.Required, Gone: p.Deprecated}
		row.Type.Before += map[string]string{"path": ", in the path"}[p.In]
		r.Params.Rows = append(r.Params.Rows, row)
	}
	r.Call = shellCall(op, "", nil)
	if op.RequestBody != nil && op.RequestBody.Content[fileType] != nil {
		r.Call = strings.Replace(r.Call, " \\\n", " --data-binary @FILE \\\n", 1)
	} else if op.RequestBody != nil {
		content := op.RequestBody.Content[jsonType]
		r.Body = docsTable{Name: "Body", Rows: rowsOf(registry.SchemaFromRef(content.Schema.Ref))}
		r.Call = shellCall(op, "", content.Example)
	}
	return r
}

// rowsOf are the fields of a record: those that must be there first.
func rowsOf(schema *huma.Schema) (rows []docsRow) {
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		rows = append(rows, docsRow{
			Name: name, Doc: facts(p.Description, p), Type: typeOf(p), Gone: p.Deprecated,
			Required: schema.AdditionalProperties == false && slices.Contains(schema.Required, name),
		})
	}
	slices.SortStableFunc(rows, func(a, b docsRow) int { return order(a) - order(b) })
	return rows
}

func order(r docsRow) int {
	switch {
	case r.Required:
		return 0
	case r.Gone:
		return 2
	}
	return 1
}

// typeOf says what a value is.
func typeOf(s *huma.Schema) docsType {
	switch {
	case s.Ref != "":
		return docsType{Record: strings.TrimPrefix(s.Ref, schemaRoot)}
	case s.Type == huma.TypeArray:
		of := typeOf(s.Items)
		return docsType{"list of " + of.Before, of.Record}
	case s.Type == huma.TypeObject:
		if of, ok := s.AdditionalProperties.(*huma.Schema); ok {
			return docsType{Before: "object of " + typeOf(of).Before}
		}
	case s.Format == "date-time":
		return docsType{Before: "time"}
	case s.Format == "date":
		return docsType{Before: "date"}
	case s.ContentEncoding == "base64":
		return docsType{Before: "base64"}
	case s.Type == huma.TypeString:
		return docsType{Before: "text"}
	case s.Type == huma.TypeBoolean:
		return docsType{Before: "true or false"}
	case s.Type == huma.TypeInteger || s.Type == huma.TypeNumber:
		return docsType{Before: "number"}
	}
	return docsType{Before: cmp.Or(s.Type, "any value")}
}

// facts adds to a description what the schema says beside it.
func facts(doc string, s *huma.Schema) string {
	parts := []string{doc}
	if len(s.Enum) == 1 {
		parts = append(parts, fmt.Sprintf("Only %v.", s.Enum[0]))
	} else if len(s.Enum) > 1 {
		words := make([]string, len(s.Enum))
		for i, word := range s.Enum {
			words[i] = fmt.Sprint(word)
		}
		parts = append(parts, "One of "+strings.Join(words, ", ")+".")
	}
	if s.MaxLength != nil {
		parts = append(parts, fmt.Sprintf("Characters: at most %d.", *s.MaxLength))
	}
	if s.MaxItems != nil {
		parts = append(parts, fmt.Sprintf("Items: at most %d.", *s.MaxItems))
	}
	if s.Minimum != nil && s.Maximum != nil {
		parts = append(parts, fmt.Sprintf("From %.0f to %.0f.", *s.Minimum, *s.Maximum))
	}
	if s.Default != nil {
		parts = append(parts, fmt.Sprintf("Default %v.", s.Default))
	}
	if len(s.Examples) > 0 {
		parts = append(parts, fmt.Sprintf("For example %v.", s.Examples[0]))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// shellCall is a call as one types it.
func shellCall(op *huma.Operation, query string, body any) string {
	path := op.Path
	for _, p := range op.Parameters {
		switch {
		case len(p.Schema.Examples) == 0:
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(p.Schema.Examples[0]))
		case p.In == "query" && p.Required:
			query = "?" + p.Name + "=" + fmt.Sprint(p.Schema.Examples[0])
		}
	}
	call := "curl -H \"Authorization: Bearer $KEY\""
	if op.Method != http.MethodGet {
		call += " -X " + op.Method
	}
	if body != nil {
		raw, err := json.MarshalIndent(body, "  ", "  ")
		if err != nil {
			panic("api: " + err.Error()) // our own examples
		}
		call += " -H 'Content-Type: application/json' \\\n  -d '" + string(raw) + "'"
	}
	return call + " \\\n'http://127.0.0.1:8081" + path + query + "'"
}

// statuses are those that an answer may have.
func statuses() []docsRow {
	return []docsRow{
		{Name: "400", Doc: "Something in the request is wrong; nothing was changed."},
		{Name: "401", Doc: "The key is missing or wrong."},
		{Name: "403", Doc: "The key is not for this: another scope or other lists; or the client is elsewhere and no key is set."},
		{Name: "404", Doc: "There is no such record or path."},
		{Name: "405", Doc: "The path has other methods: see Allow."},
		{Name: "409", Doc: "Another request was faster, or the record is there already."},
		{Name: "413", Doc: "The body is too large."},
		{Name: "415", Doc: "The body is not said to be JSON."},
		{Name: "422", Doc: "The Idempotency-Key was used with another request."},
		{Name: "429", Doc: "Too many requests: wait for Retry-After seconds."},
		{Name: "500", Doc: "An error of the server; its log has more."},
		{Name: "503", Doc: "The store is not reached or damaged; detail says which."},
	}
}
