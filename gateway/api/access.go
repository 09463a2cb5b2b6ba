package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"

	"offramp/gateway/access"
	"offramp/gateway/consent"
)

// Access turns the key of a request into what it may do. A key that is unknown
// or revoked is [access.ErrKey].
type Access interface {
	Grant(ctx context.Context, key string) (access.Grant, error)
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
	ev := consent.Evidence{UserAgent: c.userAgent, Who: c.grant.Name}
	if c.ip.IsValid() {
		ev.IP = c.ip.String()
	}
	return ev
}

// within says whether the caller's key is for the list; "" is the scope of all
// lists.
func within(ctx context.Context, list string) error {
	if callerOf(ctx).grant.Allows(list) {
		return nil
	}
	return refusal{status: http.StatusForbidden, detail: "This key is for other lists."}
}

// guarded answers panics, and puts on the answer what every answer has.
func (s *server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
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
		c := caller{ip: peer(r), userAgent: r.UserAgent()}
		if n.scope != access.None {
			var err error
			if c.grant, err = s.admit(r); err == nil {
				err = n.check(c.grant)
			}
			if err != nil {
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
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

// operator is the grant of OFFRAMP_ADMIN_TOKEN, and of this machine.
func operator() access.Grant { return access.Grant{Name: "admin", Scope: access.Admin} }

var errKey = refusal{status: http.StatusUnauthorized, detail: "Send the key of OFFRAMP_ADMIN_TOKEN as \"Authorization: Bearer KEY\"."}

// admit says what r may do: with the right key, or from this machine when no
// key is set.
func (s *server) admit(r *http.Request) (access.Grant, error) {
	// A browser that acts for another site is refused before anything else:
	// the operator did not ask for it.
	if err := s.guard.Check(r); err != nil {
		return access.Grant{}, refusal{status: http.StatusForbidden, detail: "Cross-site browser requests are refused."}
	}
	key, given := bearer(r)
	switch {
	case s.Token != "" && given && same(key, s.Token):
		return operator(), nil
	case given && s.Access != nil:
		g, err := s.Access.Grant(r.Context(), key)
		if errors.Is(err, access.ErrKey) {
			err = errKey
		}
		return g, err
	case s.Token != "":
		return access.Grant{}, errKey
	case !local(r):
		return access.Grant{}, refusal{status: http.StatusForbidden, detail: "Without OFFRAMP_ADMIN_TOKEN only clients on the same machine are answered."}
	case !localName(r.Host):
		return access.Grant{}, refusal{status: http.StatusForbidden, detail: "Without OFFRAMP_ADMIN_TOKEN, use localhost or a loopback address as the host."}
	}
	return operator(), nil
}

// bearer returns the key of a request.
func bearer(r *http.Request) (key string, given bool) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(key), strings.EqualFold(scheme, "Bearer")
}

// same compares digests, so that neither time nor length leaks anything.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
// local says whether the client is on this machine.
func local(r *http.Request) bool {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && a.Network() == "unix" {
		return true
	}
	return peer(r).IsLoopback()
}

// peer returns the client's address; the zero address when there is none.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// localName says whether the Host field names this machine and could not be
// a name that somebody else's DNS points here.
func localName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}
