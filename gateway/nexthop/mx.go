package nexthop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Resolver is what direct delivery asks; *net.Resolver is one.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// maxTargets bounds the addresses tried for one domain in one attempt.
const maxTargets = 10

// target is one address of a hop.
type target struct {
	hop     hop
	address string
}

// badDomain says that mail to a domain can never be delivered.
type badDomain struct{ status Status }

func (b *badDomain) Error() string { return b.status.Text }

// exchangers finds the servers that take mail for a domain (RFC 5321 section 5.1).
type exchangers struct {
	resolver Resolver
	hostname string // ours: what is not better than us is not tried
	port     string
	rand     func() float64
	profile  *Profile
}

// targets returns where to deliver for domain, best first. The error is a
// *badDomain when it is final.
func (e *exchangers) targets(ctx context.Context, domain string) ([]target, error) {
	if strings.HasPrefix(domain, "[") {
		return e.literal(domain)
	}
	hosts, err := e.hosts(ctx, domain)
	if err != nil {
		return nil, err
	}
	var all []target
	var temporary error
	found := false
	for _, host := range hosts {
		ips, err := e.resolver.LookupNetIP(ctx, "ip", host)
		if err != nil && !missing(err) {
			temporary = errors.Join(temporary, err)
		}
		found = found || len(ips) > 0
		for _, ip := range ips {
			ip = ip.Unmap()
			if len(all) < maxTargets && !local(ip) {
				all = append(all, e.target(host, ip))
			}
		}
		if len(all) >= maxTargets {
			break
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case temporary != nil:
		return nil, &stageError{stage: StageDNS, err: temporary}
	case found:
		// A name that leads back to this machine must not become mail from
		// it to what listens on loopback here.
		return nil, final("5.4.6", "the mail exchangers of %s have only local addresses", domain)
	}
	return nil, final("5.1.2", "the domain %s does not exist or accepts no mail", domain)
}

// hosts returns the mail exchangers of domain by preference, equal ones in
// random order, or the domain itself where it has none.
func (e *exchangers) hosts(ctx context.Context, domain string) ([]string, error) {
	records, err := e.resolver.LookupMX(ctx, domain)
	if err != nil && len(records) == 0 {
		if missing(err) {
			return []string{domain}, nil
		}
		return nil, &stageError{stage: StageDNS, err: err}
	}
	if len(records) == 0 {
		return []string{domain}, nil
	}
	if len(records) == 1 && strings.TrimSuffix(records[0].Host, ".") == "" {
		return nil, final("5.1.10", "the domain %s accepts no mail (null MX)", domain) // RFC 7505
	}
	records = slices.Clone(records)
	for i := len(records) - 1; i > 0; i-- {
		j := int(e.rand() * float64(i+1))
		records[i], records[j] = records[j], records[i]
	}
	slices.SortStableFunc(records, func(a, b *net.MX) int { return cmp.Compare(a.Pref, b.Pref) })
	var hosts []string
	for i, mx := range records {
		host := strings.TrimSuffix(strings.ToLower(mx.Host), ".")
		if host == strings.ToLower(e.hostname) {
			// We are an exchanger ourselves: only better ones may be tried.
			better := slices.IndexFunc(records, func(r *net.MX) bool { return r.Pref == records[i].Pref })
			hosts = hosts[:min(better, len(hosts))]
			if len(hosts) == 0 {
				return nil, final("5.4.6", "mail for %s loops back to this host", domain)
			}
			break
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

func (e *exchangers) literal(domain string) ([]target, error) {
	text := strings.TrimSuffix(strings.TrimPrefix(domain, "["), "]")
	if len(text) > 5 && strings.EqualFold(text[:5], "IPv6:") {
		text = text[5:]
	}
	ip, err := netip.ParseAddr(text)
	if ip = ip.Unmap(); err != nil || local(ip) {
		return nil, final("5.1.2", "%s is not an address literal that mail can be sent to", domain)
	}
	return []target{e.target(ip.String(), ip)}, nil
}

// local says whether an address stands for this machine, or for no single one.
func local(ip netip.Addr) bool {
	return ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast()
}

func (e *exchangers) target(host string, ip netip.Addr) target {
	return target{hop: hop{host: host, port: e.port, profile: e.profile}, address: net.JoinHostPort(ip.String(), e.port)}
}

func final(enhanced, format string, domain string) *badDomain {
	return &badDomain{Status{Enhanced: enhanced, Text: fmt.Sprintf(format, OneLine(domain, 255))}}
}

// missing says whether the name or the record does not exist.
func missing(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound && !e.IsTemporary && !e.IsTimeout
}
