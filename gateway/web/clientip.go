package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// peer is who sent a request, as far as can be believed.
type peer struct {
	addr    netip.Addr // invalid when the listener is not a TCP listener
	proxied bool       // the connection came from a trusted proxy
}

// ip returns the address for records and logs, empty when there is none.
func (p peer) ip() string {
	if !p.addr.IsValid() {
		return ""
	}
	return p.addr.String()
}

type proxies []netip.Prefix

func (ps proxies) trusted(a netip.Addr) bool {
	for _, p := range ps {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// peer tells who sent r. X-Forwarded-For is read from the right, where the
// nearest proxy wrote, and only for as long as trusted proxies wrote it: what
// stands further left came from the client and can be anything.
func (ps proxies) peer(r *http.Request) peer {
	addr := parseAddr(r.RemoteAddr)
	if !addr.IsValid() || !ps.trusted(addr) {
		return peer{addr: addr}
	}
	p := peer{addr: addr, proxied: true}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := parseAddr(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		p.addr = hop
		if !ps.trusted(hop) {
			break
		}
	}
	return p
}

// parseAddr reads an address with or without a port, as net/http and the
// various proxies write it. The result is invalid when s is not one.
func parseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
