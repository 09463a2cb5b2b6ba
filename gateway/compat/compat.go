// Package compat answers the suppression APIs of SendGrid, Mailgun and Postmark
// under /compat/VENDOR, so that a client of theirs needs another base URL and an
// API key of this server, and nothing else.
//
// What their APIs call unsubscribed is a person's choice here, recorded with the
// way "operator" where a client makes it. A client takes a person's own choice
// back only where the vendor's API means that person and that list; what
// removes many at once leaves it as it is.
package compat

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/consent"
	"offramp/store"
)

// Prefix is the path under which all of them are.
const Prefix = "/compat/"

// Access knows who sends a request, how often it may, and what it was answered
// before; *access.Access does.
type Access interface {
	Identify(ctx context.Context, c access.Client) (access.Grant, error)
	Spend(g access.Grant) (q access.Quota, limited, ok bool)
	Once(w http.ResponseWriter, r *http.Request, rule access.Rule, next http.Handler) error
}

// Choices changes what a person chose; *consent.Consent does.
type Choices interface {
	OptOut(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (changed bool, err error)
	Resubscribe(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (changed bool, err error)
}

// Suppressions changes what else stops mail; *consent.Consent does.
type Suppressions interface {
	Suppress(ctx context.Context, s consent.Stop, ev consent.Evidence) (changed bool, err error)
	Unsuppress(ctx context.Context, s consent.Stop, ev consent.Evidence) (changed bool, err error)
}

// Records reads what is recorded; a [store.Consent] does.
type Records interface {
	Choices(ctx context.Context, f store.RecordFilter) ([]store.Choice, error)
	Suppressions(ctx context.Context, f store.RecordFilter) ([]store.Suppression, error)
}

// Lists reads and adds lists; a [store.Consent] does.
type Lists interface {
	Lists(ctx context.Context) ([]store.List, error)
	EnsureList(ctx context.Context, l store.List) (store.List, error)
	UpdateList(ctx context.Context, l store.List) error
}

// Compat answers the vendors' APIs. All fields without a word about nil are set.
type Compat struct {
	Access       Access
	Choices      Choices
	Suppressions Suppressions
	Records      Records
	Lists        Lists
	Imports      Imports          // nil: files are not taken
	Log          *slog.Logger     // nil: nothing is logged
	Now          func() time.Time // nil: time.Now
}

// In returns a handler that answers the vendors' APIs and leaves the rest to next.
func (c *Compat) In(next http.Handler) http.Handler {
	ours := c.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Prefix) {
			ours.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Handler returns a handler of the vendors' APIs alone.
func (c *Compat) Handler() http.Handler {
	mux := http.NewServeMux()
	guard := http.NewCrossOriginProtection()
	for _, v := range []vendor{sendgrid, mailgun, postmark} {
		for _, r := range v.routes {
			method, path, _ := strings.Cut(r.pattern, " ")
			mux.Handle(method+" "+Prefix+v.name+path, c.admitted(v, guard, r))
		}
		mux.Handle(Prefix+v.name+"/", c.admitted(v, guard, route{scope: access.Read, lists: true, serve: func(*call) error { return errNoRoute }}))
	}
	return mux
}

// vendor is one of the APIs.
type vendor struct {
	name       string
	routes     []route
	credential func(r *http.Request) string // what the client sent as its key; empty: none
	refuse     func(w http.ResponseWriter, status int, detail string)
}

// route is one call of a vendor's API.
type route struct {
	pattern string // method and path after /compat/VENDOR
	scope   access.Scope
	// lists says that a key for some lists may call it: it then asks for each list
	// that it shows or changes.
	lists bool
	file  bool // the body is a file, which is not kept in memory
	serve func(c *call) error
}

// call is one request.
type call struct {
	*Compat
	w     http.ResponseWriter
	r     *http.Request
	ctx   context.Context
	grant access.Grant
	v     vendor
}

// maxBody is more than 1000 records need, the most that a vendor takes at once.
const maxBody = 2 << 20

// admitted lets those through who may call a route.
func (c *Compat) admitted(v vendor, guard *http.CrossOriginProtection, route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == http.ErrAbortHandler {
				panic(cause) // an answer that was cut on purpose
			}
			if cause != nil {
				c.log().ErrorContext(r.Context(), "panic in a compatible API", "error", cause, "stack", string(debug.Stack()))
				v.refuse(w, http.StatusInternalServerError, detailInternal)
			}
		}()
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		one := &call{Compat: c, w: w, r: r, ctx: r.Context(), v: v}
		if err := one.admit(guard, route); err != nil {
			one.fail(err)
			return
		}
		rule := access.Rule{MaxBody: maxBody}
		if route.file {
			rule = access.Rule{MaxBody: maxFile, Stream: true}
			// An error says that there are no deadlines here.
			ctl := http.NewResponseController(w)
			_, _ = ctl.SetReadDeadline(time.Now().Add(fileTime)), ctl.SetWriteDeadline(time.Now().Add(fileTime))
		}
		r.Body = http.MaxBytesReader(w, r.Body, rule.MaxBody)
		r = r.WithContext(access.With(r.Context(), one.grant))
		err := c.Access.Once(w, r, rule, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			one.w, one.r, one.ctx = w, r, r.Context()
			if err := route.serve(one); err != nil {
				one.fail(err)
			}
		}))
		if err != nil {
			one.fail(err)
		}
	})
}

// admit says whether the client may call a route.
func (c *call) admit(guard *http.CrossOriginProtection, route route) error {
	if guard.Check(c.r) != nil {
		return refusal{http.StatusForbidden, "Cross-site browser requests are refused."}
	}
	client := access.ClientOf(c.r)
	client.Credential = c.v.credential(c.r)
	g, err := c.Access.Identify(c.ctx, client)
	if err != nil {
		return err
	}
	q, limited, ok := c.Access.Spend(g)
	if limited {
		q.SetHeader(c.w.Header(), !ok)
	}
	switch {
	case !ok:
		return access.ErrRate
	case g.Scope < route.scope:
		return access.ErrScope
	case g.Lists != nil && !route.lists:
		return access.ErrBound
	}
	c.grant = g
	return nil
}

// within says whether the client's key is for a list.
func (c *call) within(list string) error {
	if !c.grant.Allows(list) {
		return access.ErrBound
	}
	return nil
}

func (c *call) evidence() consent.Evidence {
	ev := consent.Evidence{UserAgent: c.r.UserAgent(), Who: c.grant.Who()}
	if a := access.Peer(c.r); a.IsValid() {
		ev.IP = a.String()
	}
	return ev
}

func (c *Compat) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c *Compat) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}
