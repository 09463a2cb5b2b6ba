package throttle

import (
	"net/netip"
	"testing"
)

func TestShares(t *testing.T) {
	addr := netip.MustParseAddr
	s := Shares{All: 6, Each: 2}
	s.Give(addr("192.0.2.1"), 0) // of nothing that was ever taken
	for _, tt := range []struct {
		a    netip.Addr
		want bool
	}{
		{addr("2001:db8::1"), true},
		{addr("2001:db8::ffff:1"), true},
		{addr("2001:db8::2"), false}, // third of its /64
		{addr("2001:db8:0:1::1"), true},
		{addr("192.0.2.1"), true},
		{addr("192.0.2.1"), true},
		{addr("192.0.2.1"), false},
		{netip.Addr{}, true},
		{netip.Addr{}, false}, // seventh of all
	} {
		if got := s.Take(tt.a, 1); got != tt.want {
			t.Errorf("%s: %v", tt.a, got)
		}
	}
	s.Give(addr("192.0.2.1"), 1)
	if s.Take(addr("192.0.2.1"), 2) {
		t.Error("two taken where one is left")
	}
	if !s.Take(addr("192.0.2.1"), 1) {
		t.Error("what was given back cannot be taken")
	}
	for _, a := range []string{"2001:db8::1", "2001:db8::1", "2001:db8:0:1::1", "192.0.2.1", "192.0.2.1"} {
		s.Give(addr(a), 1)
	}
	s.Give(netip.Addr{}, 1)
	if s.Held() != 0 || len(s.each) != 0 {
		t.Errorf("left over: %d, %v", s.held, s.each)
	}
}

// Some have no share of their own: sockets without an address, and everybody
// where there is no limit for each.
func TestSharesInAllOnly(t *testing.T) {
	s := Shares{All: 3, Each: 1}
	for i := range 4 {
		if got := s.Take(netip.Addr{}, 1); got != (i < 3) {
			t.Errorf("take %d without an address: %v", i+1, got)
		}
	}
	s = Shares{All: 3}
	if !s.Take(netip.MustParseAddr("192.0.2.1"), 3) || s.Take(netip.MustParseAddr("192.0.2.2"), 1) {
		t.Error("without a limit for each, one may have all and no more")
	}
}
