// Package web serves recipients: the one-click endpoint of RFC 8058, and the
// page on which a person sees and decides what mail they get.
//
// GET, HEAD and OPTIONS change nothing, but for one thing that the law asks for:
// who opens the page with a browser that sends Sec-GPC: 1 refuses sharing, see
// honour. A POST to /u/TOKEN with a valid token is an opt-out whatever its body
// looks like, because mail clients send broken ones; the page's own forms are the exception, they say what they want. A POST
// to /p/TOKEN, the link in message bodies, and to /c/TOKEN, the link of a mail
// that asks for confirmation, acts only through the page's own forms. What takes
// an opt-out back is asked for by mail, but for the undo right after it. What
// erases, or shows more than choices and a short history, needs a code of such a
// mail, typed by hand.
// No answer is ever a redirect, sets a cookie or carries a script.
//
// Every request takes one way: request.go finds out who asks, by the link
// (link.go), and standing.go what holds for them. A mail program is answered in
// one_click.go. GET of a page goes on in page.go, a form in decision.go, to what the
// person came for: preferences*.go, history.go, download.go, erase.go, code.go,
// confirm.go; letter.go writes to them first where that is due. answer.go and the
// templates say what was done.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/language"
	"offramp/gateway/ledger"
	"offramp/listunsub"
	"offramp/store"
)

// Tokens opens links and authenticates the page's own forms.
// *listunsub.KeyRing is the one that serves.
type Tokens interface {
	Open(token string, p listunsub.Purpose) (listunsub.Claims, error)
	MAC(label string, data ...[]byte) []byte
	Verify(mac []byte, label string, data ...[]byte) bool
	confirmation.Verifier
}

// Consent reads and changes what a person chose. *consent.Consent is the one
// that serves; a nil error means that a change is durable and in force.
type Consent interface {
	Choices
	Notes
	Erase(ctx context.Context, recipient envelope.Address, way store.Way, ev consent.Evidence) error
}

// Choices are what a person chose, see [consent.Consent].
type Choices interface {
	OptOut(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (changed bool, err error)
	Decide(ctx context.Context, d consent.Decision, way store.Way, ev consent.Evidence) (events []int64, err error)
	Person(ctx context.Context, recipient envelope.Address) (store.Person, error)
}

// Notes are recorded beside choices, see [consent.Consent].
type Notes interface {
	Explain(ctx context.Context, s consent.Subject, text string, way store.Way, ev consent.Evidence) error
	Asked(ctx context.Context, s consent.Subject, detail string, ev consent.Evidence) error
	Typed(ctx context.Context, s consent.Subject, detail string, ev consent.Evidence) error
}

// Lists knows the lists. One that is not found is shown by its identifier, so
// that links outlive the database.
type Lists interface {
	ListsShown(ctx context.Context, ids []string) (shown []store.List, thirdParty bool, err error)
}

// Readers knows the other systems that follow what people choose; see
// [store.Consent].
type Readers interface {
	Readers(ctx context.Context) ([]store.Reader, error)
}

// Ledger has the history of people; see [store.Consent].
type Ledger interface {
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
	ledger.ReceiptSource
}

// Asker asks a person by mail. *confirmation.Confirmation is the one that serves.
type Asker interface {
	Ask(ctx context.Context, q confirmation.Question) error
}

// Site is the recipients' side of the web. Its methods may be called once
// all fields are set; the fields must not change afterwards.
type Site struct {
	Config
	// PublicURL is the https URL that links carry, without "/u/". A path in it
	// is accepted with and without a proxy that removes it. Empty: none.
	PublicURL   string
	Tokens      Tokens
	Consent     Consent
	Lists       Lists
	Readers     Readers // nil: no other system follows
	Ledger      Ledger
	Asker       Asker
	Contact     string // mail address of the operator, for people that no mail reaches
	Texts       *language.Catalogue
	Receipts    *ledger.Signer   // nil: none are given
	EraseWithin time.Duration    // until when what was erased is overwritten on the disk, for the page to say
	Retention   time.Duration    // how long events are kept, for the page to say; 0: for ever
	Log         *slog.Logger     // nil: nothing is logged
	Stats       *Stats           // nil: nothing is counted for others to see
	Now         func() time.Time // nil: time.Now
}

// Limits of the recipients' listener, against slow and large requests.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeader         = 16 << 10
	maxBody           = 32 << 10
	maxStreams        = 100 // requests at once on one HTTP/2 connection
	// changeTimeout bounds one change or page. It is shorter than writeTimeout,
	// so that the answer still leaves.
	changeTimeout = 10 * time.Second
)

// Server returns a server for the recipients' listener with every limit set.
// The caller adds TLSConfig and the listener, see
// Limit, and shuts it down. An error is a
// template, a text or the logo of the operator that cannot be used; it names
// the file.
func (s *Site) Server() (*http.Server, error) {
	handler, err := s.Handler()
	if err != nil {
		return nil, err
	}
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		// What net/http has to say is about strangers' handshakes and broken
		// connections; internal errors are logged by the handler.
		ErrorLog: slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}, nil
}

// Handler returns the handler of the recipients' listener; its error is that of
// Server. Requests share no state but the counts of invalid tokens for each
// client network.
func (s *Site) Handler() (http.Handler, error) {
	return newHandler(s)
}

func (s *Site) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

func (s *Site) stats() *Stats {
	if s.Stats == nil {
		return new(Stats)
	}
	return s.Stats
}

func (s *Site) clock() func() time.Time {
	if s.Now == nil {
		return time.Now
	}
	return s.Now
}
