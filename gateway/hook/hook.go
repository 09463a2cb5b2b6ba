// Package hook takes what a smarthost reports by webhook: where SendGrid,
// Postmark, Mailgun or Amazon SES delivers, bounces and complaints arrive only
// there. Each call is checked as its vendor signs it before anything in it is
// believed.
package hook

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"offramp/gateway/feedback"
)

// Outcomes records reports; recorded is false for one that names nobody. An
// error is temporary: the vendor calls again.
type Outcomes interface {
	Told(ctx context.Context, t feedback.Told) (recorded bool, err error)
}

// Stats counts calls.
type Stats struct {
	Taken       atomic.Int64 // outcomes recorded, also again
	Refused     atomic.Int64 // calls without a right signature
	Malformed   atomic.Int64 // signed calls that could not be read
	Unavailable atomic.Int64 // calls that the vendor has to repeat
	Slips       atomic.Int64 // calls that the vendor has to repeat until a setting or the clock is right
}

// Prefix begins the path of every hook.
const Prefix = "/hooks/"

// The vendors, as the last part of the path names them.
const (
	sendGrid = "sendgrid"
	postmark = "postmark"
	mailgun  = "mailgun"
	ses      = "ses"
)

const (
	// tolerance is how old a signature may be. Vendors repeat a call for hours,
	// some with the signature of the first one; what was reported already changes
	// nothing.
	tolerance = 24 * time.Hour
	// ahead is how far the clock of a vendor may be ahead of ours.
	ahead = 5 * time.Minute
)

var (
	errSignature = errors.New("invalid signature")
	errMalformed = errors.New("invalid body")
	errTooLarge  = errors.New("body too large")
	errBroken    = errors.New("incomplete body")
	// errLater says that a call cannot be checked for now.
	errLater = errors.New("cannot be checked now")
	// errFull says that other bodies have the memory.
	errFull = errors.New("too many bodies at once")
)

// Hooks answers the calls. Its fields are set before the first use.
type Hooks struct {
	Config   Config
	Base     string // path of the public URL, without a slash at its end
	Outcomes Outcomes
	Client   *http.Client     // fetches certificates and confirms subscriptions; nil: one of our own
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: nothing is logged
	Stats    *Stats           // nil: not counted

	roots        *x509.CertPool // nil: those of the system
	certificates certificates
	tokens       tokens
	slips        slips
	memory       memory
}

// call is one request.
type call struct {
	h      *Hooks
	ctx    context.Context
	header http.Header
	now    time.Time
	vendor string
	body   body
	told   int
}

// vendor reads the calls of one smarthost.
type vendor struct {
	on bool // it is configured
	// admit says by the header alone that a call can be from the vendor, before
	// its body is read; nil: the header says nothing. most is how large the body
	// may be.
	admit func(*call) (most int64, err error)
	read  func(*call) error
}

func (h *Hooks) vendors(name string) vendor {
	c := h.Config
	switch name {
	case sendGrid:
		return vendor{c.SendGridKey != "", admitSendGrid, readSendGrid}
	case postmark:
		return vendor{c.PostmarkLogin != "", admitPostmark, readPostmark}
	case mailgun:
		return vendor{c.MailgunKey != "", nil, readMailgun}
	case ses:
		return vendor{len(c.SESTopics) > 0, nil, readSES}
	}
	return vendor{}
}

// In returns a handler that answers hooks and leaves the rest to next.
func (h *Hooks) In(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(strings.TrimPrefix(r.URL.Path, h.Base), Prefix) {
			h.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ServeHTTP answers 200 once everything in a call is recorded. The texts say
// nothing about what was wrong: who does not have the key learns nothing.
func (h *Hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if fault := recover(); fault != nil {
			h.log().Error("panic in a webhook", "error", fault, "stack", string(debug.Stack()))
			answer(w, http.StatusInternalServerError, "Internal error; try again.")
		}
	}()
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, h.Base), Prefix)
	v := h.vendors(name)
	switch {
	case !v.on:
		answer(w, http.StatusNotFound, "Unknown or disabled webhook.")
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, "Webhooks take POST only.")
		return
	}
	c := &call{h: h, ctx: r.Context(), header: r.Header, now: h.now(), vendor: name}
	c.body.memory = &h.memory
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.body.from = from.Addr().Unmap()
	}
	defer c.body.free()
	h.finish(w, c, c.take(v, w, r))
}

// take checks, reads and records a call.
func (c *call) take(v vendor, w http.ResponseWriter, r *http.Request) error {
	most := int64(maxBody)
	if v.admit != nil {
		var err error
		if most, err = v.admit(c); err != nil {
			return err
		}
	}
	if err := c.body.fill(http.MaxBytesReader(w, r.Body, most)); err != nil {
		return err
	}
	if err := v.read(c); err != nil {
		return err
	}
	c.h.slips.right(name(c.vendor, causeClock), name(c.vendor, causeLogin))
	return nil
}

// tell records one report.
func (c *call) tell(t feedback.Told) error {
	t.Vendor = c.vendor
	recorded, err := c.h.Outcomes.Told(c.ctx, t)
	if err != nil {
		return err
	}
	if recorded {
		c.told++
		c.h.stats().Taken.Add(1)
	}
	return nil
}

// finish is the one mapping of errors to answers. docs/feedback.md says what each
// vendor does with them.
func (h *Hooks) finish(w http.ResponseWriter, c *call, err error) {
	log := h.log().With("vendor", c.vendor, "ip", c.body.from.String())
	if slip, ok := errors.AsType[*slipError](err); ok {
		h.stats().Slips.Add(1)
		h.slips.wrong(name(c.vendor, slip.cause), slip.behind, c.now)
		log.Error("webhook refused for a setting or the clock of this server, the vendor has to repeat it", "cause", slip.cause, "error", err)
		later(w, "Not accepted at the moment; try again.")
		return
	}
	switch {
	case err == nil:
		log.Debug("webhook", "told", c.told)
		text := "Recorded."
		if c.told == 0 {
			text = "Nothing to record."
		}
		answer(w, http.StatusOK, text)
	case errors.Is(err, errSignature):
		h.stats().Refused.Add(1)
		log.Warn("webhook refused; if it is from the vendor, check the OFFRAMP_HOOK_ setting", "error", err)
		answer(w, http.StatusForbidden, "Invalid signature.")
	case errors.Is(err, errMalformed):
		h.stats().Malformed.Add(1)
		log.Warn("webhook with an invalid body", "error", err)
		answer(w, http.StatusBadRequest, "The body is invalid.")
	case errors.Is(err, errTooLarge):
		answer(w, http.StatusRequestEntityTooLarge, "The body is too large.")
	case errors.Is(err, errBroken):
		answer(w, http.StatusBadRequest, "The body is incomplete.")
	case errors.Is(err, errFull):
		h.stats().Unavailable.Add(1)
		log.Warn("webhook not read, other calls have the memory; the vendor has to repeat it")
		later(w, "Temporarily unavailable; try again.")
	default:
		h.stats().Unavailable.Add(1)
		log.Error("webhook not recorded, the vendor has to repeat it", "error", err)
		later(w, "Temporarily unavailable; try again.")
	}
}

// later has the vendor repeat the call: all of them do that for 503.
func later(w http.ResponseWriter, text string) {
	w.Header().Set("Retry-After", "60")
	answer(w, http.StatusServiceUnavailable, text)
}

func answer(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

func (h *Hooks) log() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}

func (h *Hooks) stats() *Stats {
	if h.Stats == nil {
		return &Stats{}
	}
	return h.Stats
}

func (h *Hooks) now() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}
