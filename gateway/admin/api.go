// Package admin serves the operator: health, metrics and the JSON API that
// the commands use.
//
// Without a token it answers only clients on the same machine, and only under
// the machine's own names, so that a page in the operator's browser cannot
// reach it by a name that it made point here. Errors are problem details
// (RFC 9457); what went wrong inside stands in the log only.
package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"offramp/gateway/preview"
	"offramp/gateway/receipt"
)

// Check is one condition of being ready to serve. Its error is shown to the
// operator.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Config holds the settings of the admin listener.
type Config struct {
	Token string `env:"ADMIN_TOKEN" secret:"true" doc:"key for the admin listener, sent as a bearer token; empty: only clients on the same machine are answered"`
}

// minToken keeps out keys that can be guessed.
const minToken = 20

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	if c.Token != "" && len(c.Token) < minToken {
		return errors.New("OFFRAMP_ADMIN_TOKEN: shorter than 20 characters: use a random one, for example from openssl rand -base64 32")
	}
	return nil
}

// API is the operator's side. Its methods may be called once all fields are
// set; the fields must not change afterwards.
type API struct {
	Config
	Consent Consent
	Records Records
	Lists   Lists
	Queue   Queue
	Traffic Traffic
	Clock   Clock
	// DefaultStream is OFFRAMP_DEFAULT_STREAM as it was set.
	DefaultStream string
	// Receipts signs receipts; nil: none are given.
	Receipts *receipt.Signer
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
	// Metrics are served beside those of the queue, the process and the
	// runtime.
	Metrics []Metric
	// Series are served beside them.
	Series []Series
	// Flush is called after an operator made queued mail due; nil: nobody needs it.
	Flush func()
	// Preview renders a message; nil: no server runs.
	Preview func(ctx context.Context, m preview.Mail) (preview.Rendered, error)
	// Reload reads the settings again; nil: no server runs.
	Reload            func(ctx context.Context) Reloaded
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

// Handler returns the handler of the admin listener. It panics when Metrics
// or Series hold a name twice or an invalid metric name.
func (a *API) Handler() http.Handler {
	s := &server{API: a, guard: http.NewCrossOriginProtection()}
	mux := http.NewServeMux()
	for pattern, methods := range s.routes() {
		mux.Handle(pattern, s.route(methods))
	}
	return mux
}

// routes are all paths. Those that are open reveal nothing about anybody.
func (s *server) routes() map[string]methods {
	return map[string]methods{
		"/livez":                {http.MethodGet: open(s.live)},
		"/readyz":               {http.MethodGet: open(s.ready)},
		"/healthz":              {http.MethodGet: open(s.ready)},
		"/metrics":              {http.MethodGet: closed(s.metrics())},
		"/api/v1/queue":         {http.MethodGet: closed(s.queue), http.MethodPost: closed(s.act)},
		"/api/v1/suppressions":  {http.MethodGet: closed(s.suppressions), http.MethodPost: closed(s.suppress), http.MethodDelete: closed(s.unsuppress)},
		"/api/v1/lists":         {http.MethodGet: closed(s.lists), http.MethodPost: closed(s.addList)},
		"/api/v1/lists/{id...}": {http.MethodGet: closed(s.list), http.MethodPatch: closed(s.describe)},
		"/api/v1/events":        {http.MethodGet: closed(s.events)},
		"/api/v1/ledger":        {http.MethodGet: closed(s.ledger)},
		"/api/v1/ledger/head":   {http.MethodGet: closed(s.ledgerHead)},
		"/api/v1/readers":       {http.MethodGet: closed(s.readers)},
		"/api/v1/readers/{name}": {
			http.MethodPut: closed(s.acknowledge), http.MethodDelete: closed(s.dismiss),
		},
		"/api/v1/recipients/{address}": {
			http.MethodGet: closed(s.recipient), http.MethodDelete: closed(s.erase),
		},
		"/api/v1/recipients/{address}/choices":  {http.MethodPost: closed(s.choose)},
		"/api/v1/recipients/{address}/receipts": {http.MethodGet: closed(s.receipts)},
		"/api/v1/receipts/key":                  {http.MethodGet: closed(s.receiptKey)},
		"/api/v1/scrub":                         {http.MethodGet: closed(s.scrub)},
		"/api/v1/streams":                       {http.MethodGet: closed(s.streams)},
		"/api/v1/clock":                         {http.MethodGet: closed(s.clock), http.MethodPost: closed(s.acceptClock)},
		"/api/v1/report":                        {http.MethodGet: closed(s.report)},
		"/api/v1/preview":                       {http.MethodPost: closed(s.previewed)},
		"/api/v1/config/reload":                 {http.MethodPost: closed(s.reload)},
		"/":                                     {http.MethodGet: open(nothing)},
	}
}

// server is an API made ready to serve.
type server struct {
	*API
	guard *http.CrossOriginProtection
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
