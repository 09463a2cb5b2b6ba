package throttle

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// A customer with a wide IPv6 network has more than one /64 has, and not as often
// as it has /64.
func TestSharesOfWideNetworks(t *testing.T) {
	s := Shares{All: 1000, Each: 50}
	fill := func(format string, networks int) (n int) {
		for i := range networks {
			for s.Take(netip.MustParseAddr(fmt.Sprintf(format, i)), 1) {
				n++
			}
		}
		return n
	}
	for _, tt := range []struct {
		name, format   string
		networks, want int
	}{
		{"a /59", "2001:db8:1:%x::1", 32, 100},
		{"the rest of its /48", "2001:db8:1:f%03x::1", 4096, 100},
		{"another /48", "2001:db8:2:%x::1", 4096, 200},
		{"IPv4 addresses", "192.0.2.%d", 12, 600},
	} {
		if got := fill(tt.format, tt.networks); got != tt.want {
			t.Errorf("%s: %d taken, want %d", tt.name, got, tt.want)
		}
	}
	for a, n := range s.each {
		if a.Bits() == 64 || a.Bits() == 32 {
			s.Give(a.Addr(), n)
		}
	}
	if s.Held() != 0 || len(s.each) != 0 {
		t.Errorf("left over: %d, %v", s.held, s.each)
	}
	// Where each may have much, a wide network has half of all at most.
	s = Shares{All: 100, Each: 40}
	if got := fill("2001:db8:1:%x::1", 32); got != 50 {
		t.Errorf("%d of 100 taken by a /59, want 50", got)
	}
	s = Shares{All: 100, Each: 40, Narrow: true}
	if got := fill("2001:db8:1:%x::1", 32); got != 100 {
		t.Errorf("%d of 100 taken where a /64 counts alone", got)
	}
}

func TestFailuresOfWideNetworks(t *testing.T) {
	n := Networks{PerMinute: 10}
	count := func(format string) (taken int) {
		for i := range 100 {
			a := netip.MustParseAddr(fmt.Sprintf(format, i))
			empty := n.Empty(a, start)
			if ok := n.Take(a, start); ok == empty {
				t.Fatalf("%s: empty %v, taken %v", a, empty, ok)
			} else if ok {
				taken++
			}
		}
		return taken
	}
	for _, tt := range []struct {
		format string
		want   int
	}{{"2001:db8:1:1::%d", 10}, {"2001:db8:2:%02x::1", 20}, {"2001:db8:3:%02x00::1", 40}, {"192.0.2.%d", 100}} {
		if got := count(tt.format); got != tt.want {
			t.Errorf("%s: %d failures before one was too many, want %d", tt.format, got, tt.want)
		}
	}
	if n.Empty(netip.MustParseAddr("2001:db8:2:1::1"), start.Add(10*time.Second)) {
		t.Error("never filled again")
	}
}

func TestRecent(t *testing.T) {
	r := Recent[int]{For: time.Hour}
	r.Add(1, start)
	if !r.Has(1, start.Add(59*time.Minute)) || r.Has(1, start.Add(time.Hour)) || r.Has(2, start) {
		t.Error("remembers too little or too much")
	}
	for i := range 3 * kept {
		r.Add(i, start)
	}
	if len(r.young)+len(r.old) > 2*kept || !r.Has(3*kept-1, start) || r.Has(1, start) {
		t.Errorf("%d keys are remembered", len(r.young)+len(r.old))
	}
}
