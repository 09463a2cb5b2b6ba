package api

import (
	"io"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// rawRoute is an operation whose body, or answer, is a file of any size.
type rawRoute struct {
	route
	params  []*huma.Param
	takes   bool         // the body is a file
	answers reflect.Type // of the record that is answered; nil: a file is
	status  int
}

// addRaw enters a route that huma only documents.
func addRaw(s *server, r rawRoute, h handle) {
	file := map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	responses := s.refusals()
	answered := &huma.Response{Description: http.StatusText(r.status), Content: file}
	if r.answers != nil {
		answered.Content = map[string]*huma.MediaType{jsonType: {Schema: s.api.OpenAPI().Components.Schemas.Schema(r.answers, true, "")}}
	}
	responses[statusText(r.status)] = answered
	op := &huma.Operation{
		Method: r.method, Path: root + r.path, OperationID: r.id, Tags: []string{r.tag}, Summary: r.summary, Description: r.doc,
		Security: []map[string][]string{{"key": {}}}, Parameters: r.params, Responses: responses,
	}
	if r.takes {
		op.RequestBody = &huma.RequestBody{Required: true, Content: file}
	}
	s.api.OpenAPI().AddOperation(op)
	need := need{scope: r.scope, lists: r.lists}
	s.serve(op.Method, op.Path, s.guarded(s.admitted(need, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		err := checkQuery(op.Parameters, req.URL.RawQuery)
		if err == nil {
			err = h(w, req)
		}
		if err != nil {
			s.fail(w, req, err)
		}
	}))))
}

func statusText(status int) string {
	return strconv.Itoa(status)
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
	in  io.Reader
	ctl *http.ResponseController
}

func (s slowly) Read(p []byte) (int, error) {
	// An error says that there are no deadlines here, as in a process of its own.
	_ = s.ctl.SetReadDeadline(time.Now().Add(fileStall))
	return s.in.Read(p)
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
