package callout

import (
	"net/netip"
	"testing"
)

func TestReach(t *testing.T) {
	for _, c := range []struct {
		address string
		want    reach
	}{
		{"93.184.216.34", public}, {"2606:2800:220:1::1", public}, {"172.32.0.1", public}, {"100.128.0.1", public}, {"11.0.0.1", public},
		{"127.0.0.1", private}, {"127.255.0.9", private}, {"::1", private},
		{"10.0.0.5", private}, {"172.16.0.1", private}, {"172.31.255.255", private}, {"192.168.1.1", private},
		{"100.64.0.1", private}, {"100.127.255.255", private}, {"198.19.0.1", private},
		{"fd12:3456::1", private}, {"fc00::1", private},
		{"0.0.0.0", nowhere}, {"0.1.2.3", nowhere}, {"::", nowhere},
		{"169.254.169.254", nowhere}, {"169.254.0.1", nowhere}, {"fe80::1", nowhere}, {"fec0::1", nowhere},
		{"100.100.100.200", nowhere}, {"168.63.129.16", nowhere}, {"192.0.0.192", nowhere}, {"fd00:ec2::254", nowhere}, {"fd20:ce::254", nowhere},
		{"224.0.0.1", nowhere}, {"239.1.2.3", nowhere}, {"ff02::1", nowhere}, {"255.255.255.255", nowhere}, {"240.0.0.1", nowhere},
		{"192.0.2.1", nowhere}, {"198.51.100.1", nowhere}, {"203.0.113.1", nowhere}, {"2001:db8::1", nowhere}, {"3fff::1", nowhere},
		{"2001::1", nowhere}, {"2001:10::1", nowhere}, // Teredo, ORCHID
		{"fe80::1%eth0", nowhere},
		// What stands for another address is that one.
		{"::ffff:93.184.216.34", public}, {"::ffff:127.0.0.1", private}, {"::ffff:10.0.0.5", private}, {"::ffff:169.254.169.254", nowhere},
		{"64:ff9b::5db8:d822", public}, {"64:ff9b::7f00:1", nowhere}, {"64:ff9b::a00:5", nowhere}, {"64:ff9b::a9fe:a9fe", nowhere},
		{"64:ff9b:1::a00:5", nowhere}, {"2002:5db8:d822::1", public}, {"2002:7f00:1::", nowhere}, {"2002:a9fe:a9fe::", nowhere}, {"2002:c0a8:1::", nowhere},
		{"::127.0.0.1", nowhere}, {"::10.0.0.5", nowhere}, {"5f00::1", nowhere}, {"100::1", nowhere},
	} {
		if got := reachOf(netip.MustParseAddr(c.address)); got != c.want {
			t.Errorf("%s: reach %d, want %d", c.address, got, c.want)
		}
	}
	if reachOf(netip.Addr{}) != nowhere {
		t.Error("no address is an address")
	}
}
