package metric

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// It serves what a histogram of the library serves for the same observations.
func TestDurationsAreAHistogram(t *testing.T) {
	for name, r := range map[string]Range{"short": Short, "long": Long} {
		var buckets []float64
		for _, b := range bounds {
			if b >= r.From && b <= r.To {
				buckets = append(buckets, b.Seconds())
			}
		}
		theirs := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x_seconds", Help: "h", Buckets: buckets, ConstLabels: prometheus.Labels{"a": "b"}})
		ours := new(Durations)
		random := rand.New(rand.NewPCG(1, 2))
		all := append([]time.Duration{0, 72 * time.Hour}, bounds[:]...)
		for range 1000 {
			all = append(all, time.Duration(random.Int64N(int64(1)<<random.IntN(48))).Truncate(time.Microsecond))
		}
		for _, d := range all {
			ours.Observe(d)
			theirs.Observe(d.Seconds())
		}
		want, got := scrape(t, theirs), scrape(t, ours.Collector("x_seconds", "h", r, "a", "b"))
		if d := cmp.Diff(withoutSum(want), withoutSum(got)); d != "" {
			t.Errorf("%s: -theirs +ours\n%s", name, d)
		}
	}
}

// A clock that was set back takes nothing away.
func TestNegativeDuration(t *testing.T) {
	d := new(Durations)
	d.Observe(-time.Hour)
	if d.counts[0].Load() != 1 || d.sum.Load() != 0 {
		t.Errorf("%d in the first bucket, sum %d", d.counts[0].Load(), d.sum.Load())
	}
}

// withoutSum leaves the sum out: floating point adds up to another last digit.
func withoutSum(text string) string {
	i := strings.Index(text, "x_seconds_sum")
	return text[:i] + text[i+strings.IndexByte(text[i:], 10):]
}

func BenchmarkObserve(b *testing.B) {
	d := new(Durations)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d.Since(time.Now())
		}
	})
}
