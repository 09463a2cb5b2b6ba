package callout

import (
	"net/netip"
)

// reach is who can be behind an address.
type reach int

const (
	public  reach = iota // anyone
	private              // machines of our own: only what the operator named is called there
	nowhere              // nobody who is called: link-local, metadata services of clouds, multicast, addresses for documentation
)

// ranges are those of the IANA registries of special-purpose addresses (RFC 6890)
// that are not of the public Internet, and what clouds have beside them.
var ranges = []struct {
	prefix netip.Prefix
	reach  reach
}{
	{netip.MustParsePrefix("0.0.0.0/8"), nowhere},
	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("100.100.100.200/32"), nowhere}, // metadata of Alibaba
	{netip.MustParsePrefix("100.64.0.0/10"), private},      // shared by networks behind one NAT (RFC 6598)
	{netip.MustParsePrefix("127.0.0.0/8"), private},
	{netip.MustParsePrefix("168.63.129.16/32"), nowhere}, // the host of a virtual machine of Azure
	{netip.MustParsePrefix("169.254.0.0/16"), nowhere},   // link-local, with the metadata of most clouds
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.0.0.0/24"), nowhere}, // with the metadata of Oracle
	{netip.MustParsePrefix("192.0.2.0/24"), nowhere},
	{netip.MustParsePrefix("192.88.99.0/24"), nowhere}, // relays of 6to4
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("198.18.0.0/15"), private}, // for measuring
	{netip.MustParsePrefix("198.51.100.0/24"), nowhere},
	{netip.MustParsePrefix("203.0.113.0/24"), nowhere},
	{netip.MustParsePrefix("224.0.0.0/4"), nowhere},
	{netip.MustParsePrefix("240.0.0.0/4"), nowhere},

	{netip.MustParsePrefix("::1/128"), private},
	{netip.MustParsePrefix("fd00:ec2::/32"), nowhere}, // metadata of Amazon
	{netip.MustParsePrefix("fd20:ce::/32"), nowhere},  // metadata of Google
	{netip.MustParsePrefix("fc00::/7"), private},
	{netip.MustParsePrefix("2001::/23"), nowhere}, // Teredo, ORCHID, measuring
	{netip.MustParsePrefix("2001:db8::/32"), nowhere},
	{netip.MustParsePrefix("3fff::/20"), nowhere},
}

// Prefixes of IPv6 addresses that embed one of IPv4, and where they have it.
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64 (RFC 6052)
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4 (RFC 3056)
}

// globalUnicast is what of IPv6 the public Internet has so far.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// reachOf says who can be behind an address. What embeds another address is
// judged as that one.
func reachOf(a netip.Addr) reach {
	if !a.IsValid() || a.Zone() != "" {
		return nowhere
	}
	a = a.Unmap()
	for _, e := range embedding {
		if e.prefix.Contains(a) {
			b := a.As16()
			inner := reachOf(netip.AddrFrom4([4]byte(b[e.at : e.at+4])))
			if inner == private {
				return nowhere // nobody names a private address in this way
			}
			return inner
		}
	}
	for _, r := range ranges {
		if r.prefix.Contains(a) {
			return r.reach
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return nowhere
	}
	return public
}
