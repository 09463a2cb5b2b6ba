package sink

import (
	"context"
	"net"
	"net/netip"
)

// Names is a name service with fixed answers, for trials of delivery to the mail
// exchangers of a domain. The zero value knows no name.
type Names struct {
	MX    map[string][]*net.MX
	IP    map[string][]string
	Fault map[string]error // instead of an answer
}

// ServerFailure is the temporary error of a name service.
func ServerFailure() error { return &net.DNSError{Err: "server misbehaving", IsTemporary: true} }

func missing(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// LookupMX returns the mail exchangers of a name, or a *[net.DNSError].
func (n Names) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if err := n.Fault[name]; err != nil {
		return nil, err
	}
	if mx := n.MX[name]; mx != nil {
		return mx, nil
	}
	return nil, missing(name)
}

// LookupNetIP returns the addresses of a host, or a *[net.DNSError].
func (n Names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if err := n.Fault[host]; err != nil {
		return nil, err
	}
	var all []netip.Addr
	for _, s := range n.IP[host] {
		all = append(all, netip.MustParseAddr(s))
	}
	if all == nil {
		return nil, missing(host)
	}
	return all, nil
}
