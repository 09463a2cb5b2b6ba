// Package hook takes what a smarthost reports by webhook: where SendGrid,
// Postmark, Mailgun or Amazon SES delivers, bounces and complaints arrive only
// there. Each call is checked as its vendor signs it before anything in it is
// believed.
package hook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"offramp/gateway/feedback"
)

// Outcomes records reports. An error is temporary: the vendor calls again.
type Outcomes interface {
	Told(ctx context.Context, t feedback.Told) error
}

// Stats counts calls.
type Stats struct {
	Taken       atomic.Int64 // outcomes recorded, also again
	Refused     atomic.Int64 // calls without a right signature
	Malformed   atomic.Int64 // signed calls that could not be read
	Unavailable atomic.Int64 // calls that the vendor has to repeat
}

// Prefix begins the path of every hook.
const Prefix = "/hooks/"

const (
	maxBody = 1 << 20
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
	// errLater says that a signature cannot be checked for now.
	errLater = errors.New("signature cannot be checked now")
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

	certificates certificates
}

// call is one request, its body read.
type call struct {
	h      *Hooks
	ctx    context.Context
	header http.Header
	body   []byte
	now    time.Time
}

// vendor reads the calls of one smarthost.
type vendor struct {
	on   bool // it is configured
	read func(*call) ([]feedback.Told, error)
}

func (h *Hooks) vendors(name string) vendor {
	c := h.Config
	switch name {
	case "sendgrid":
		return vendor{c.SendGridKey != "", readSendGrid}
	case "postmark":
		return vendor{c.PostmarkLogin != "", readPostmark}
	case "mailgun":
		return vendor{c.MailgunKey != "", readMailgun}
	case "ses":
		return vendor{len(c.SESTopics) > 0, readSES}
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
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status = http.StatusRequestEntityTooLarge
		}
		answer(w, status, "The body is too large or incomplete.")
		return
	}
	told, err := v.read(&call{h: h, ctx: r.Context(), header: r.Header, body: body, now: h.now()})
	if err == nil {
		err = h.record(r.Context(), told)
	}
	h.finish(w, name, len(told), err)
}

func (h *Hooks) record(ctx context.Context, told []feedback.Told) error {
	for _, t := range told {
		if err := h.Outcomes.Told(ctx, t); err != nil {
			return err
		}
		h.stats().Taken.Add(1)
	}
	return nil
}

// finish is the one mapping of errors to answers.
func (h *Hooks) finish(w http.ResponseWriter, name string, told int, err error) {
	switch {
	case err == nil:
		h.log().Debug("hook", "vendor", name, "told", told)
		answer(w, http.StatusOK, "Recorded.")
	case errors.Is(err, errSignature):
		h.stats().Refused.Add(1)
		h.log().Warn("webwebhook refused; if it is from the vendor, check the OFFRAMP_HOOK_ setting", "vendor", name, "error", err)
		answer(w, http.StatusForbidden, "Invalid signature.")
	case errors.Is(err, errMalformed):
		h.stats().Malformed.Add(1)
		h.log().Warn("webhook with an invalid body", "vendor", name, "error", err)
		answer(w, http.StatusBadRequest, "The body is invalid.")
	default:
		h.stats().Unavailable.Add(1)
		h.log().Error("webhook not recorded, the vendor has to repeat it", "vendor", name, "error", err)
		w.Header().Set("Retry-After", "60")
		answer(w, http.StatusServiceUnavailable, "Temporarily unavailable; try again.")
	}
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

// fresh says whether a time in a signature is of our days.
func (c *call) fresh(t time.Time) bool {
	return c.now.Sub(t) <= tolerance && t.Sub(c.now) <= ahead
}

// digest names an event that its vendor gave no name.
func digest(event []byte) string {
	sum := sha256.Sum256(event)
	return hex.EncodeToString(sum[:16])
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
