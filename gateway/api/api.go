// Package api serves the operator: health, metrics and the JSON API that the
// commands use.
//
// Without a key it answers only clients on the same machine, and only under
// the machine's own names, so that a page in the operator's browser cannot
// reach it by a name that it made point here. Errors are problem details
// (RFC 9457); what went wrong inside stands in the log only.
//
// # Adding routes
//
// A room's routes are one file: a function "func (s *server) things()" that
// calls [add] once for each route, and is named in [server.routes]; its tag is one
// of [about]. See lists.go. A route is a method of server from an input to a record:
//
//	func (s *server) list(ctx context.Context, in *ListPath) (record.List, error)
//
// The fields of the input have the tags of huma ("path", "query", "doc"); its
// Body is the JSON body. Before the method is called, access is checked, and
// the query and the body are read strictly: what the document does not name is
// refused, and parameters are held to the types, enums and bounds of their
// tags. The method checks what else the body must be, with [plain], [oneOf] and
// [badRequest]: those texts are for the client. Any other error is answered
// and logged by [problemOf], which is where a new sentinel is entered. What the
// room is needs an interface in rooms.go and a field of [API].
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/ledger"
	"offramp/gateway/record"
	"offramp/store"
)

// Check is one condition of being ready to serve. Its error is shown to the
// operator.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// API is the operator's side. Its methods may be called once all fields are
// set; the fields must not change afterwards.
type API struct {
	Access  Access
	Keys    Keys    // those of Access
	Imports Imports // nil: none are taken
	Consent Consent
	Records Records
	Lists   Lists
	Queue   Queue
	// Messages says what became of mail; nil: that is not kept.
	Messages Messages
	Traffic  Traffic
	Counts   Counts
	Leaks    store.Leaks
	Clock    Clock
	// Webhooks are the systems that are sent events; nil: there are none.
	Webhooks Webhooks
	// DefaultStream is OFFRAMP_DEFAULT_STREAM as it was set.
	DefaultStream string
	// Receipts signs receipts; nil: none are given.
	Receipts *ledger.Signer
	// Checks are run by /readyz beside the spool's own: it must answer, and
	// have room for mail.
	Checks []Check
	// MinFree is how many bytes must be free on the spool's volume to be
	// ready, beside the twentieth that must always be. 0: the twentieth alone.
	MinFree uint64
	// Scrubber says how far what was erased is overwritten; nil: nothing is known.
	Scrubber Scrubber
	// EraseWithin is how long that may take, for the operator to see.
	EraseWithin time.Duration
	// Collectors are served at /metrics, beside those of the process and the runtime.
	Collectors []prometheus.Collector
	// Flush is called after an operator made queued mail due; nil: nobody needs it.
	Flush func()
	// Preview renders a message as its recipient would get it; nil: no server runs.
	Preview Preview
	// Reload reads the settings of the server again; nil: no server runs.
	Reload            func(ctx context.Context) record.Reloaded
	Version, Revision string           // of this program
	Log               *slog.Logger     // nil: nothing is logged
	Now               func() time.Time // nil: time.Now
}

// Server returns a server for the admin listener with every limit set. The
// caller adds TLSConfig and the listener, and shuts it down.
func (a *API) Server() *http.Server {
	return &http.Server{
		Handler:           a.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(a.log().Handler(), slog.LevelDebug),
	}
}

// Handler returns the handler of the admin listener. It panics when Collectors
// hold a metric twice.
func (a *API) Handler() http.Handler {
	s := newServer(a)
	s.routes()
	s.finish()
	s.documentRoutes()
	s.plainRoutes()
	s.otherMethods()
	return s.mux
}

func (a *API) log() *slog.Logger {
	if a.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Log
}

func (a *API) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}
