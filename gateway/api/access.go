package api

import (
	"context"
	"net/http"
	"net/netip"
	"runtime/debug"

	"offramp/gateway/access"
	"offramp/gateway/consent"
)

// Access knows who sends a request, how often it may, and what it was answered
// before; *access.Access does.
type Access interface {
	Identify(ctx context.Context, c access.Client) (access.Grant, error)
	Spend(g access.Grant) (q access.Quota, limited, ok bool)
	Once(w http.ResponseWriter, r *http.Request, rule access.Rule, next http.Handler) error
}

// need is what a route asks of a key.
type need struct {
	scope access.Scope // access.None: anybody may call it; it must reveal nothing about anybody
	lists bool         // keys for some lists alone may call it
}

// open needs no key.
var open = need{}

// caller is who sent a request.
type caller struct {
	grant     access.Grant
	ip        netip.Addr // the zero address: a socket
	userAgent string
}

type callerKey struct{}

// callerOf returns who sent the request of ctx.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// evidence is what the operator's changes are recorded with.
func evidence(ctx context.Context) consent.Evidence {
	c := callerOf(ctx)
	ev := consent.Evidence{UserAgent: c.userAgent, Who: c.grant.Who()}
	if c.ip.IsValid() {
		ev.IP = c.ip.String()
	}
	return ev
}

// within says whether the caller's key is for the list: "" is the scope of all
// lists, and nil everything there is.
func within(ctx context.Context, list *string) error {
	g := callerOf(ctx).grant
	switch {
	case g.Lists == nil || list != nil && g.Allows(*list):
		return nil
	case list == nil:
		return refusal{status: http.StatusForbidden, detail: "This key is for some lists alone: name one of them."}
	}
	return access.ErrBound
}

// guarded answers panics, and puts on the answer what every answer has.
func (s *server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler: // an answer that began and cannot be ended
				panic(cause)
			default:
				s.log().ErrorContext(r.Context(), "panic in an API request", "error", cause, "stack", string(debug.Stack()))
				s.fail(w, r, refusal{status: http.StatusInternalServerError, detail: detailInternal})
			}
		}()
		setHeaders(w)
		next.ServeHTTP(w, r)
	})
}

// admitted lets those through who may call a route: access first, so that a
// stranger learns nothing.
func (s *server) admitted(n need, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := caller{ip: access.Peer(r), userAgent: r.UserAgent()}
		if n.scope != access.None {
			var err error
			if c.grant, err = s.admit(w, r); err == nil {
				err = n.check(c.grant)
			}
			if err != nil {
				s.fail(w, r, err)
				return
			}
		}
		ctx := context.WithValue(access.With(r.Context(), c.grant), callerKey{}, c)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// check says whether a grant is enough.
func (n need) check(g access.Grant) error {
	switch {
	case g.Scope < n.scope:
		return refusal{status: http.StatusForbidden, detail: "This needs a key with the scope " + n.scope.String() + "."}
	case g.Lists != nil && !n.lists:
		return refusal{status: http.StatusForbidden, detail: "This needs a key that is for all lists."}
	}
	return nil
}

// admit says what r may do: with the right key, or from this machine when no
// key is set.
func (s *server) admit(w http.ResponseWriter, r *http.Request) (access.Grant, error) {
	// A browser that acts for another site is refused before anything else:
	// the operator did not ask for it.
	if err := s.guard.Check(r); err != nil {
		return access.Grant{}, refusal{status: http.StatusForbidden, detail: "Cross-site browser requests are refused."}
	}
	g, err := s.Access.Identify(r.Context(), access.ClientOf(r))
	if err != nil {
		return g, err
	}
	q, limited, ok := s.Access.Spend(g)
	if limited {
		q.SetHeader(w.Header(), !ok)
	}
	if !ok {
		err = access.ErrRate
	}
	return g, err
}

// once has a request with an Idempotency-Key act once.
func (s *server) once(rule access.Rule, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Access.Once(w, r, rule, next); err != nil {
			s.fail(w, r, err)
		}
	})
}
