// Package web serves recipients: the one-click endpoint of RFC 8058, and one
// plain page on which a person leaves a list.
//
// GET, HEAD and OPTIONS change nothing. A POST to /u/TOKEN with a valid token
// is an opt-out whatever its body looks like, because mail clients send broken
// ones; the page's own form is the exception, it says what it wants. A POST to
// /p/TOKEN, the link in message bodies, acts only through the page's own form.
// No answer is ever a redirect, sets a cookie or carries a script.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"offramp/gateway/consent"
	"offramp/listunsub"
	"offramp/store"
)

// Tokens opens links and authenticates the page's own forms.
// *listunsub.KeyRing is the one that serves.
type Tokens interface {
	Open(token string, p listunsub.Purpose) (listunsub.Claims, error)
	MAC(label string, data ...[]byte) []byte
	Verify(mac []byte, label string, data ...[]byte) bool
}

// Consent changes and tells what a person chose. *consent.Consent is the one
// that serves; a nil error means that the change is durable.
type Consent interface {
	OptOut(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (changed bool, err error)
	Resubscribe(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (changed bool, err error)
	Standing(ctx context.Context, s consent.Subject) (store.Standing, error)
}

// Lists names lists for the page. A list that is not found is shown by its
// identifier, so that links outlive the database.
type Lists interface {
	List(ctx context.Context, id string) (store.List, error)
}

// Site is the recipients' side of the web. Its methods may be called once
// all fields are set; the fields must not change afterwards.
type Site struct {
	Config
	// PublicURL is the https URL that links carry, without "/u/". A path in it
	// is accepted with and without a proxy that removes it. Empty: none.
	PublicURL string
	Tokens    Tokens
	Consent   Consent
	Lists     Lists
	Log       *slog.Logger     // nil: nothing is logged
	Stats     *Stats           // nil: nothing is counted for others to see
	Now       func() time.Time // nil: time.Now
}

// Limits of the recipients' listener, against slow and large requests.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeader         = 16 << 10
	maxBody           = 16 << 10
	maxStreams        = 100 // requests at once on one HTTP/2 connection
	// changeTimeout bounds one change or page. It is shorter than writeTimeout,
	// so that the answer still leaves.
	changeTimeout = 10 * time.Second
)

// Server returns a server for the recipients' listener with every limit set.
// The caller adds TLSConfig and the listener, and shuts it down.
func (s *Site) Server() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		// What net/http has to say is about strangers' handshakes and broken
		// connections; our own faults are logged by the handler.
		ErrorLog: slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}
}

// Handler returns the handler of the recipients' listener. It panics when
// Config was not validated. Requests share no state but the counts of invalid
// tokens for each client network.
func (s *Site) Handler() http.Handler {
	return newHandler(s)
}

func (s *Site) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
