package api

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"offramp/gateway/access"
)

// server is an API made ready to serve.
type server struct {
	*API
	guard   *http.CrossOriginProtection
	mux     *http.ServeMux
	api     huma.API
	allowed map[string][]string // methods of each path of the mux
}

// routes enters those of every room.
func (s *server) routes() {
	s.suppressionRoutes()
	s.peopleRoutes()
	s.listRoutes()
	s.eventRoutes()
	s.reportRoutes()
	s.leakRoutes()
	s.queueRoutes()
	s.messageRoutes()
	s.serverRoutes()
	s.keyRoutes()
	s.runningRoutes()
	s.webhookRoutes()
	s.importRoutes()
	s.exportRoutes()
}

// plainRoutes are those that are no part of the API.
func (s *server) plainRoutes() {
	s.serveGet("/livez", open, s.live)
	s.serveGet("/readyz", open, s.ready)
	s.serveGet("/healthz", open, s.ready)
	s.serveGet("/metrics", need{scope: access.Read}, s.metrics())
	s.mux.Handle("/", s.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errNothingHere)
	})))
}

func newServer(a *API) *server {
	s := &server{API: a, guard: http.NewCrossOriginProtection(), mux: http.NewServeMux(), allowed: map[string][]string{}}
	format := huma.Format{Marshal: func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }, Unmarshal: json.Unmarshal}
	s.api = huma.NewAPI(huma.Config{
		OpenAPI: about(a.Version),
		// "json" is that of problem+json.
		Formats: map[string]huma.Format{jsonType: format, "json": format}, DefaultFormat: jsonType,
	}, adapter{s})
	return s
}

// adapter connects huma with the mux, with what every request goes through.
type adapter struct{ *server }

// ServeHTTP implements [huma.Adapter].
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Handle implements [huma.Adapter].
func (a adapter) Handle(op *huma.Operation, handle func(huma.Context)) {
	h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(humago.NewContext(op, r, w)) }))
	a.serve(op.Method, op.Path, a.guarded(a.admitted(needOf(op), a.once(ruleOf(op), a.strict(op, h)))))
}

// serveGet enters a route of GET that the document does not name.
func (s *server) serveGet(path string, n need, h handle) {
	s.serve(http.MethodGet, path, s.guarded(s.admitted(n, s.plain(h))))
}

// plain has what a handle returns answered.
func (s *server) plain(h handle) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// handle answers a request, or returns why it cannot.
type handle func(w http.ResponseWriter, r *http.Request) error

func (s *server) serve(method, path string, h http.Handler) {
	pattern := path
	if strings.HasSuffix(path, "/lists/{id}") { // the id of a list may have slashes
		pattern = strings.TrimSuffix(path, "}") + "...}"
	}
	s.allowed[pattern] = append(s.allowed[pattern], method)
	s.mux.Handle(method+" "+pattern, h)
}

// otherMethods refuses the methods that a path does not have. Who may not use
// the path learns nothing about it.
func (s *server) otherMethods() {
	for pattern, methods := range maps.All(s.allowed) {
		methods = slices.Sorted(slices.Values(methods))
		if slices.Contains(methods, http.MethodGet) {
			methods = append(methods, http.MethodHead)
		}
		allow, n := strings.Join(methods, ", "), need{scope: access.Read}
		if !strings.HasPrefix(pattern, root) && pattern != "/metrics" {
			n = open
		}
		s.mux.Handle(pattern, s.guarded(s.admitted(n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			s.fail(w, r, refusal{status: http.StatusMethodNotAllowed, detail: "Allowed here: " + allow + "."})
		}))))
	}
}
