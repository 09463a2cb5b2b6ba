package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"offramp/gateway/access"
	"offramp/store"
)

// every returns the operations of the document as it is served, so that no route
// is left out of the tests below.
func every(t *testing.T, w *world) (*server, []*huma.Operation) {
	t.Helper()
	s := newServer(w.api)
	s.routes()
	s.finish()
	var served struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	_, text := w.send(request("GET", "/api/v1/openapi.json", ""))
	if err := json.Unmarshal([]byte(text), &served); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, methods := range served.Paths {
		n += len(methods)
	}
	all := operations(s.api.OpenAPI())
	if n != len(all) || n < 25 {
		t.Fatalf("the document has %d operations, and %d are known", n, len(all))
	}
	return s, all
}

// target is a path and query with the examples of the document.
func exampleTarget(t *testing.T, op *huma.Operation) string {
	t.Helper()
	path, query := op.Path, url.Values{}
	for _, p := range op.Parameters {
		if p.In == "header" || p.In == "query" && !p.Required && len(p.Schema.Examples) == 0 {
			continue
		}
		if len(p.Schema.Examples) == 0 {
			t.Fatalf("%s: the parameter %s has no example", op.OperationID, p.Name)
		}
		text := fmt.Sprint(p.Schema.Examples[0])
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(text))
		} else {
			query.Set(p.Name, text)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// exampleBody is the body that the document shows; empty: there is none.
func exampleBody(t *testing.T, op *huma.Operation) string {
	t.Helper()
	if op.RequestBody == nil {
		return ""
	}
	if file := op.RequestBody.Content[fileType]; file != nil {
		return fmt.Sprint(file.Example)
	}
	example := op.RequestBody.Content[jsonType].Example
	if example == nil {
		t.Fatalf("%s: the body has no example", op.OperationID)
	}
	raw, err := json.Marshal(example)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// trial is one request that must be refused.
type trial struct {
	name   string
	change func(r *http.Request)
	target string // added to the target
	body   string // in place of the example's; empty: that
	status int
}

// trials are what is wrong with requests to any operation, beside their keys: see
// TestEveryRouteNeedsItsScope.
func trials(op *huma.Operation, body string) []trial {
	all := []trial{
		{name: "another site", change: func(r *http.Request) { r.Method = "POST"; r.Header.Set("Origin", "https://evil.example") }, status: 403},
		{name: "unknown parameter", target: "surprise=1", status: 400},
		{name: "wrong query", target: "%zz", status: 400},
		{name: "wrong method", change: func(r *http.Request) { r.Method = "TRACE" }, status: 405},
	}
	if op.RequestBody == nil || op.RequestBody.Content[jsonType] == nil {
		return all // a file can be anything
	}
	return append(all,
		trial{name: "no body", body: " ", status: 400},
		trial{name: "half a body", body: body[:len(body)-1], status: 400},
		trial{name: "no object", body: "[]", status: 400},
		trial{name: "two bodies", body: body + body, status: 400},
		trial{name: "no JSON", body: "hello", status: 400},
		trial{name: "an empty object", body: "{}", status: 400},
		trial{name: "an unknown field", body: `{"surprise":1,` + body[1:], status: 400},
		trial{name: "too large", body: body + strings.Repeat(" ", int(limitOf(op))), status: 413},
		trial{name: "another type", change: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, status: 415},
	)
}

// inner are texts that say how the program is made.
var inner = []string{"json:", "strconv", "huma", "record.", "offramp/gateway", ".go", "goroutine", "runtime", "unmarshal", "validation failed", "sql"}

// Every route refuses what is wrong, with the right status, without a word about
// its inside, and without any change.
func TestEveryRouteRefuses(t *testing.T) {
	w := newWorld(t)
	_, all := every(t, w)
	w.grant()
	for _, op := range all {
		target, body := exampleTarget(t, op), exampleBody(t, op)
		for _, c := range trials(op, body) {
			path := target
			if c.target != "" {
				path += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + c.target
			}
			r := request(op.Method, path, body)
			if c.body != "" {
				r = request(op.Method, path, c.body)
			}
			r.Header.Set("Authorization", "Bearer "+key)
			if c.change != nil {
				c.change(r)
			}
			p := w.refused(r, c.status)
			for _, word := range inner {
				if strings.Contains(strings.ToLower(p.Detail), word) {
					t.Errorf("%s, %s: %q", op.OperationID, c.name, p.Detail)
				}
			}
			if len(w.calls) > 0 {
				t.Fatalf("%s, %s: changes %q", op.OperationID, c.name, w.calls)
			}
		}
	}
}

// A key whose scope is enough is not refused, and one for another list than that
// of the examples learns and changes nothing, on every route.
func TestEveryRouteKeepsToLists(t *testing.T) {
	const ours, theirs = "other.example.org", "news.example.org"
	_, all := every(t, newWorld(t))
	for _, op := range all {
		n, w := needOf(op), newWorld(t)
		w.choices = []store.Choice{{Recipient: "ada@example.net", List: theirs, State: store.Unsubscribed}, {Recipient: "ada@example.net", State: store.Unsubscribed}}
		w.all = []store.Event{{ID: 1, List: theirs}}
		// A key for some lists is never an admin's.
		keys := w.grant(access.Spec{Name: "a", Scope: n.scope}, access.Spec{Name: "b", Scope: min(n.scope, access.Write), Lists: []string{ours}})
		send := func(key string) (*http.Response, string) {
			r := request(op.Method, exampleTarget(t, op), exampleBody(t, op))
			r.Header.Set("Authorization", "Bearer "+key)
			return w.send(r)
		}
		if res, text := send(keys[1]); res.StatusCode != 403 && (!n.lists || strings.Contains(text, theirs)) || len(w.calls) > 0 {
			t.Errorf("%s with the key of another list: %s %s, changes %q", op.OperationID, res.Status, text, w.calls)
		}
		if res, text := send(keys[0]); res.StatusCode == 401 || res.StatusCode == 403 {
			t.Errorf("%s with the scope %s: %s %s", op.OperationID, n.scope, res.Status, text)
		}
	}
}

// Every example of the document is answered, and the answer is as documented.
func TestEveryExampleIsAnswered(t *testing.T) {
	s, all := every(t, newWorld(t))
	for _, op := range all {
		w := newWorld(t)
		target := exampleTarget(t, op)
		res, text := w.send(request(op.Method, target, exampleBody(t, op)))
		if op.Responses["200"].Content[fileType] != nil && res.StatusCode == 200 {
			continue
		}
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != jsonType {
			t.Errorf("%s: %s %s", op.OperationID, res.Status, text)
			continue
		}
		var answer any
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		checked := huma.ValidateResult{}
		huma.Validate(s.api.OpenAPI().Components.Schemas, op.Responses["200"].Content[jsonType].Schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeReadFromServer, answer, &checked)
		for _, err := range checked.Errors {
			t.Errorf("%s: the answer is not as documented: %v in %s", op.OperationID, err, text)
		}
	}
}

// What the document says of a body is held to: words, lengths, and what must be
// there.
func TestDocumentedBoundsHold(t *testing.T) {
	w := newWorld(t)
	s, all := every(t, w)
	for _, op := range all {
		if op.RequestBody == nil || op.RequestBody.Content[jsonType] == nil {
			continue
		}
		schema := s.api.OpenAPI().Components.Schemas.SchemaFromRef(op.RequestBody.Content[jsonType].Schema.Ref)
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			p := schema.Properties[name]
			for what, value := range wrongValues(p, slices.Contains(schema.Required, name)) {
				var body map[string]any
				if err := json.Unmarshal([]byte(exampleBody(t, op)), &body); err != nil {
					t.Fatal(err)
				}
				delete(body, name)
				if value != nil {
					body[name] = value
				}
				raw, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				if res, text := w.send(request(op.Method, exampleTarget(t, op), string(raw))); res.StatusCode != 400 || len(w.calls) > 0 {
					t.Errorf("%s: %s %s: %s %.200s, changes %q", op.OperationID, name, what, res.Status, text, w.calls)
					w.calls = nil
				}
			}
		}
	}
}

// wrongValues are values that a schema does not allow, by what is wrong with
// them; nil: the value is left out.
func wrongValues(s *huma.Schema, required bool) map[string]any {
	wrong := map[string]any{"is an object": map[string]any{"a": 1}}
	if s.Type == huma.TypeObject || s.Ref != "" {
		wrong = map[string]any{"is a number": 1}
	}
	if required && s.Type == huma.TypeString {
		wrong["is missing"] = nil
	}
	if len(s.Enum) > 0 {
		wrong["is another word"] = "surprise"
	}
	if s.MaxLength != nil {
		wrong["is too long"] = strings.Repeat("x", *s.MaxLength+1)
	}
	if s.MaxItems != nil {
		wrong["has too many"] = make([]any, *s.MaxItems+1)
	}
	if s.MinItems != nil {
		wrong["is empty"] = []any{}
	}
	if s.Minimum != nil {
		wrong["is too small"] = *s.Minimum - 1
	}
	return wrong
}

// The document is whole: every operation is explained, its id is its own, and its
// tag is one of the page.
func TestDocumentIsWhole(t *testing.T) {
	s, all := every(t, newWorld(t))
	tags, ids := map[string]bool{}, map[string]bool{}
	for _, tag := range s.api.OpenAPI().Tags {
		if tags[tag.Name] {
			t.Errorf("the tag %s is there twice", tag.Name)
		}
		tags[tag.Name] = true
	}
	for _, op := range all {
		if op.Summary == "" || strings.HasSuffix(op.Summary, ".") || ids[op.OperationID] || len(op.Tags) != 1 || !tags[op.Tags[0]] || needOf(op).scope == 0 {
			t.Errorf("%s: summary %q, tags %q, scope %s", op.OperationID, op.Summary, op.Tags, needOf(op).scope)
		}
		ids[op.OperationID] = true
		for _, p := range op.Parameters {
			if p.Description == "" {
				t.Errorf("%s: the parameter %s is not explained", op.OperationID, p.Name)
			}
			for i, word := range p.Schema.Enum {
				if slices.Contains(p.Schema.Enum[:i], word) {
					t.Errorf("%s: the parameter %s may be %v twice", op.OperationID, p.Name, word)
				}
			}
		}
	}
	for name, schema := range s.api.OpenAPI().Components.Schemas.Map() {
		for field, p := range schema.Properties {
			if p.Nullable {
				t.Errorf("%s.%s may be null", name, field)
			}
		}
	}
}

// A browser asks for the key, and only of those who may have the documentation.
func TestDocsNeedTheKey(t *testing.T) {
	w := newWorld(t)
	w.access.Token = key
	w.handler = w.api.Handler()
	for _, path := range []string{"/api/v1/docs", "/api/v1/openapi.json"} {
		r := request("GET", path, "")
		w.refused(r, 401)
		if res, _ := w.send(r); !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: %v", path, res.Header)
		}
		r.SetBasicAuth("me", key)
		if res, _ := w.send(r); res.StatusCode != 200 || res.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %s %v", path, res.Status, res.Header)
		}
		r.SetBasicAuth(key, "me")
		w.refused(r, 401)
		if res, _ := w.send(request("POST", path, "")); res.StatusCode != 401 {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}
