package nexthop

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/metric"
)

// The limits of next hops are served by host, of a bounded number of them.
func TestHopLimits(t *testing.T) {
	known := []Limit{{Host: "a.example", Messages: 10}, {Host: "b.example", Messages: 5, Recipients: 50}}
	series := hopLimits(func() []Limit { return known })
	want := []metric.Sample{
		{Labels: []string{"a.example", "messages"}, Value: 10},
		{Labels: []string{"b.example", "messages"}, Value: 5}, {Labels: []string{"b.example", "recipients"}, Value: 50},
	}
	if diff := cmp.Diff(want, series.Values()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for i := range 1000 {
		known = append(known, Limit{Host: fmt.Sprint("h", i), Recipients: 1})
	}
	if n := len(series.Values()); n != maxHopLimits+1 {
		t.Errorf("%d samples", n)
	}
}
