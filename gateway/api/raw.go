package api

import (
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"offramp/gateway/access"
)

// rawRoute is an operation whose body, or answer, is a file of any size.
type rawRoute struct {
	route
	params  []*huma.Param
	takes   bool         // the body is a file
	answers reflect.Type // of the record that is answered; nil: a file is
}

// fileType is that of a file in a body or an answer.
const fileType = "application/octet-stream"

// addRaw enters a route that huma only documents.
func addRaw(s *server, r rawRoute, h handle) {
	file := map[string]*huma.MediaType{fileType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	answered := &huma.Response{Description: "OK", Content: file}
	if r.answers != nil {
		answered.Content = map[string]*huma.MediaType{jsonType: {Schema: s.api.OpenAPI().Components.Schemas.Schema(r.answers, true, "")}}
	}
	need := need{scope: r.scope, lists: r.lists}
	op := &huma.Operation{
		Method: r.method, Path: root + r.path, OperationID: r.id, Tags: []string{r.tag}, Summary: r.summary, Description: r.doc,
		Metadata: map[string]any{metaNeed: need, metaLimit: r.maxBody}, Security: []map[string][]string{{"key": {}}},
		Parameters: r.params, Responses: s.refusals(),
	}
	op.Responses["200"] = answered
	if r.takes {
		op.Parameters = append(op.Parameters, idempotencyKey())
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{fileType: {Schema: file[fileType].Schema, Example: r.example}}}
	}
	s.api.OpenAPI().AddOperation(op)
	served := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := h(w, req); err != nil {
			s.fail(w, req, err)
		}
	})
	rule := access.Rule{MaxBody: r.maxBody, Stream: true}
	s.serve(op.Method, op.Path, s.guarded(s.admitted(need, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := checkQuery(op.Parameters, req.URL.RawQuery); err != nil {
			s.fail(w, req, err)
			return
		}
		req.Body = slowly{req.Body, http.NewResponseController(w)}
		s.once(rule, served).ServeHTTP(w, req)
	}))))
}

// param is a parameter of the query.
func param(name, kind, doc string, words ...string) *huma.Param {
	s := &huma.Schema{Type: kind}
	for _, word := range words {
		s.Enum = append(s.Enum, word)
	}
	return &huma.Param{Name: name, In: "query", Description: doc, Schema: s}
}

// fileStall is how long the other side may take for the next piece of a file. The
// limits of the server are for requests that are over at once.
const fileStall = time.Minute

// slowly reads a body whose sender may take its time, as long as something comes.
type slowly struct {
	io.ReadCloser
	ctl *http.ResponseController
}

func (s slowly) Read(p []byte) (int, error) {
	// An error says that there are no deadlines here, as in a process of its own.
	_ = s.ctl.SetReadDeadline(time.Now().Add(fileStall))
	return s.ReadCloser.Read(p)
}

// slowlyTo writes to a client that may take its time.
type slowlyTo struct {
	out     io.Writer
	ctl     *http.ResponseController
	written int64
}

func (s *slowlyTo) Write(p []byte) (int, error) {
	_ = s.ctl.SetWriteDeadline(time.Now().Add(fileStall))
	n, err := s.out.Write(p)
	s.written += int64(n)
	return n, err
}
