package access

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// ClientOf says where r came from, with the key of "Authorization: Bearer KEY".
func ClientOf(r *http.Request) Client {
	c := Client{Addr: Peer(r), Local: local(r), Host: r.Host}
	if scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		c.Credential = strings.TrimSpace(key)
	} else if scheme != "" {
		c.Credential = scheme // not a key: what was sent does not count as nothing
	}
	return c
}

// Peer returns the client's address; the zero address when there is none.
func Peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// local says whether the client is on this machine.
func local(r *http.Request) bool {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && a.Network() == "unix" {
		return true
	}
	return Peer(r).IsLoopback()
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

type grantKey struct{}

// With returns a context that carries who sent the request.
func With(ctx context.Context, g Grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

// From returns who sent a request; who may do nothing when that is not known.
func From(ctx context.Context) Grant {
	g, _ := ctx.Value(grantKey{}).(Grant)
	return g
}

// SetHeader says in an answer how many requests are left; without any it also
// says when to come back.
func (q Quota) SetHeader(h http.Header, refused bool) {
	seconds := strconv.Itoa(int(q.Wait.Seconds()))
	h.Set("RateLimit-Policy", `"default";q=`+strconv.Itoa(q.Limit)+`;w=60`)
	h.Set("RateLimit", `"default";r=`+strconv.Itoa(q.Remaining)+`;t=`+seconds)
	if refused {
		h.Set("Retry-After", seconds)
	}
}
