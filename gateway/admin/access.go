package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// admit says whether r may use the API: with the right key, or from this
// machine when no key is set.
func (s *server) admit(r *http.Request) error {
	// A browser that acts for another site is refused before anything else:
	// the operator did not ask for it.
	if err := s.guard.Check(r); err != nil {
		return refusal{status: http.StatusForbidden, detail: "Cross-site browser requests are refused."}
	}
	if s.Token != "" {
		return s.checkKey(r)
	}
	if !local(r) {
		return refusal{status: http.StatusForbidden, detail: "Without OFFRAMP_ADMIN_TOKEN only clients on the same machine are answered."}
	}
	if !localName(r.Host) {
		return refusal{status: http.StatusForbidden, detail: "Without OFFRAMP_ADMIN_TOKEN, use localhost or a loopback address as the host."}
	}
	return nil
}

// checkKey compares digests, so that neither time nor length leaks anything.
func (s *server) checkKey(r *http.Request) error {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(key))), sha256.Sum256([]byte(s.Token))
	same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
	if !same || !strings.EqualFold(scheme, "Bearer") {
		return refusal{status: http.StatusUnauthorized, detail: "Send the key of OFFRAMP_ADMIN_TOKEN as \"Authorization: Bearer KEY\"."}
	}
	return nil
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
