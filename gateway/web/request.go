package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/language"
	"offramp/gateway/throttle"
	"offramp/listunsub"
	"offramp/store"
)

// handler is a Site made ready to serve.
type handler struct {
	site     *Site
	log      *slog.Logger
	stats    *Stats
	now      func() time.Time
	proxies  proxies
	invalid  throttle.Networks
	base     string // path of PublicURL without a slash at its end
	operator string // for people
	pages    *pages
	logo     logo
	fixed    []field
	turns    [256]sync.Mutex // of people with a code

	downloads downloads
}

func newHandler(s *Site) (*handler, error) {
	trusted, err := parseProxies(s.TrustedProxies)
	if err != nil {
		return nil, err
	}
	h := &handler{
		site:     s,
		log:      s.log(),
		stats:    s.stats(),
		now:      s.clock(),
		proxies:  trusted,
		invalid:  throttle.Networks{PerMinute: s.InvalidPerMinute},
		operator: s.OperatorName,
	}
	if u, err := url.Parse(s.PublicURL); err == nil {
		h.base = strings.TrimRight(u.Path, "/")
		if h.operator == "" {
			h.operator = u.Hostname()
		}
	}
	if _, ok := s.Texts.Speaker(s.PageLanguage); !ok && s.PageLanguage != "" {
		return nil, fmt.Errorf("OFFRAMP_PAGE_LANGUAGE: invalid language %q: write one of en zh de fr es pt it nl pl ja ar", s.PageLanguage)
	}
	if h.logo, err = readLogo(s.PageLogo); err != nil {
		return nil, err
	}
	if h.pages, err = h.newPages(); err != nil {
		return nil, err
	}
	h.fixed = fixedHeaders(h.pages.css, h.logo.body != nil)
	return h, nil
}

// ServeHTTP routes by hand: http.ServeMux cleans paths by redirecting, and
// RFC 8058 section 3.1 allows no redirect.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.recover(w, r)
	p := h.proxies.peer(r)
	h.setHeaders(w, r, p)
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)

	if purpose, text, ok := linkPath(r.URL.Path, h.base); ok {
		h.link(w, r, visit{peer: p, token: text, purpose: purpose})
		return
	}
	h.file(w, r, strings.TrimPrefix(r.URL.Path, h.base))
}

// visit is one request for a link.
type visit struct {
	peer    peer
	token   string // as it came, until open has read it
	purpose listunsub.Purpose
	claims  listunsub.Claims
	subject consent.Subject // of a link that is about no list: all lists
}

const linkMethods = "GET, HEAD, POST, OPTIONS"

func (h *handler) link(w http.ResponseWriter, r *http.Request, v visit) {
	if v.purpose == listunsub.HeaderLink && (r.Method == http.MethodPost || r.Method == http.MethodOptions) {
		shareAnswer(w.Header())
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	case http.MethodOptions:
		w.Header().Set("Allow", linkMethods)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		w.Header().Set("Allow", linkMethods)
		h.notice(w, r, noticeMethod)
		return
	}
	if err := h.open(&v); err != nil {
		h.refuse(w, r, v.peer)
		return
	}
	switch {
	case r.Method == http.MethodPost:
		h.post(w, r, v)
	case v.purpose == listunsub.ConfirmLink:
		h.showConfirmation(w, r, v)
	default:
		h.show(w, r, v)
	}
}

// open finds the token in what came, verifies it and fills in what it says.
func (h *handler) open(v *visit) error {
	for token := range readings(v.token) {
		claims, err := h.site.Tokens.Open(token, v.purpose)
		if err == nil {
			v.token = token
			return v.claim(claims)
		}
	}
	return listunsub.ErrToken
}

// claim fills in what a token says.
func (v *visit) claim(claims listunsub.Claims) error {
	recipient, err := envelope.Parse(claims.Recipient)
	if err != nil {
		return err
	}
	if recipient.IsNull() || claims.List == store.AllLists && v.purpose != listunsub.ConfirmLink {
		// Nobody seals such a token; if one came up, it must not mean everything.
		return errors.New("token without a recipient or a list")
	}
	v.claims = claims
	v.subject = consent.Subject{Recipient: recipient, List: claims.List}
	if claims.List == confirmation.Sharing || confirmation.Coded(claims.List) {
		v.subject.List = store.AllLists
	}
	return nil
}

// speaker says things in the language that a request asks for, or that its list
// is written in.
func (h *handler) speaker(r *http.Request, list store.List) *language.Speaker {
	return h.site.Texts.Match(asked(r), r.Header.Get("Accept-Language"), list.Language, h.site.PageLanguage)
}

// longestLanguage is more than the tag of a language of the page takes.
const longestLanguage = 16

// asked is the language that was chosen on the page. It stands in every link and
// form of the page, so a long text is not one.
func asked(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	lang := r.URL.Query().Get("lang")
	if len(lang) > longestLanguage {
		return ""
	}
	return lang
}

// refuse answers a request with a wrong link: the same fixed answer whatever
// is wrong, and 429 to a network that sends too many of them. Requests with a
// valid link are never limited, since mailbox providers send them for many
// people from few addresses.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, p peer) {
	h.log.DebugContext(r.Context(), "invalid link", "ip", p.ip())
	if !h.invalid.Take(p.addr, h.now()) {
		h.stats.Throttled.Add(1)
		w.Header().Set("Retry-After", "60")
		h.notice(w, r, noticeThrottled)
		return
	}
	h.stats.Invalid.Add(1)
	h.notice(w, r, noticeInvalid)
}

// unavailable answers a request whose work could not be done. The cause is
// for the log only; whatever it is, asking again may help, so it is never a
// permanent refusal.
func (h *handler) unavailable(w http.ResponseWriter, r *http.Request, v visit, err error) {
	h.stats.Unavailable.Add(1)
	if v.coded() {
		// Nothing of a person who is about to be erased.
		h.log.ErrorContext(r.Context(), "page request failed", "list", v.claims.List, "error", err)
	} else {
		h.log.ErrorContext(r.Context(), "page request failed",
			"list", v.claims.List, "to", v.subject.Recipient.Masked(), "ip", v.peer.ip(), "error", err)
	}
	w.Header().Set("Retry-After", "60")
	h.notice(w, r, noticeUnavailable)
}

// bounded returns a context for one change. It does not end with the
// connection: a mail client that stops waiting still wants to be off the list.
func bounded(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), changeTimeout)
}

// recover turns a panic into 503. The answer may have started; then net/http
// ignores the second header and the client sees the connection close.
func (h *handler) recover(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	switch cause {
	case nil:
		return
	case http.ErrAbortHandler:
		panic(cause) // an answer that must not look whole
	}
	h.log.ErrorContext(r.Context(), "panic in a page request", "error", cause, "stack", string(debug.Stack()))
	h.stats.Unavailable.Add(1)
	w.Header().Set("Retry-After", "60")
	w.Header().Set("Connection", "close")
	h.notice(w, r, noticeUnavailable)
}
