package throttle

import (
	"net/netip"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func TestBuckets(t *testing.T) {
	b := Buckets[netip.Prefix]{PerMinute: 3}
	key := Network(netip.MustParseAddr("2001:db8::1"))
	for i := range 3 {
		if b.Empty(key, start) {
			t.Fatalf("empty after %d failures", i)
		}
		if !b.Take(key, start) {
			t.Fatalf("failure %d was one too many", i+1)
		}
	}
	if b.Take(key, start) {
		t.Error("a fourth failure in a minute was not too many")
	}
	if !b.Empty(Network(netip.MustParseAddr("2001:db8::2")), start) {
		t.Error("a neighbour in the same /64 counts apart")
	}
	if b.Empty(Network(netip.MustParseAddr("2001:db8:0:1::1")), start) {
		t.Error("another network counts with it")
	}
	if b.Empty(key, start.Add(21*time.Second)) {
		t.Error("never filled again")
	}
}

func TestNoLimit(t *testing.T) {
	var b Buckets[int]
	for range 1000 {
		if !b.Take(1, start) || b.Empty(1, start) {
			t.Fatal("limited without a limit")
		}
	}
}

func TestFloodIsBoundedAndForgetsNoAttacker(t *testing.T) {
	b := Buckets[int]{PerMinute: 2}
	const attacker = -1
	b.Take(attacker, start)
	for i := range 5 * kept {
		b.Take(i, start)
		if i%1000 == 0 {
			b.Take(attacker, start)
		}
	}
	if n := len(b.young) + len(b.old); n > 2*kept {
		t.Errorf("%d keys kept", n)
	}
	if b.Take(attacker, start) {
		t.Error("a key that goes on failing was forgotten")
	}
}

func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "2001:db8::1": "2001:db8::/64", "2001:db8:0:1::9": "2001:db8:0:1::/64",
	} {
		if got := Network(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
	if Network(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("no address is some network")
	}
}
