package metric

import (
	"sort"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// bounds are the ends of the buckets, each 2 to 2.5 times the one before.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour,
}

// Durations counts how long something took. The zero value is ready, and safe for
// use at any time. It exists beside prometheus.Histogram, which cannot be the
// zero value of a field: a room's Stats are ready without being made.
type Durations struct {
	counts [len(bounds) + 1]atomic.Int64 // the last is above all bounds
	sum    atomic.Int64                  // nanoseconds
}

// Since counts the time from start until now.
func (d *Durations) Since(start time.Time) { d.Observe(time.Since(start)) }

// Observe counts one duration; one below zero, when a clock was set back, counts as
// zero.
func (d *Durations) Observe(took time.Duration) {
	took = max(0, took)
	d.counts[sort.Search(len(bounds), func(i int) bool { return took <= bounds[i] })].Add(1)
	d.sum.Add(int64(took))
}

// Range is which buckets are served: what is shorter than From counts in the
// first, what is longer than To in none but the total.
type Range struct{ From, To time.Duration }

// Ranges of what takes how long.
var (
	Short = Range{100 * time.Microsecond, 10 * time.Second} // work of this server
	Long  = Range{10 * time.Millisecond, 24 * time.Hour}    // the way of a message
)

// Collector serves a histogram in seconds. labels are names and values in turn.
func (d *Durations) Collector(name, help string, r Range, labels ...string) prometheus.Collector {
	return histogram{d, prometheus.NewDesc(name, help, nil, pairs(labels)), r}
}

type histogram struct {
	*Durations
	desc   *prometheus.Desc
	within Range
}

// Describe implements prometheus.Collector.
func (h histogram) Describe(descs chan<- *prometheus.Desc) { descs <- h.desc }

// Collect implements prometheus.Collector.
func (h histogram) Collect(out chan<- prometheus.Metric) {
	total, buckets := uint64(0), map[float64]uint64{}
	for i := range h.counts {
		total += uint64(h.counts[i].Load())
		if i < len(bounds) && bounds[i] >= h.within.From && bounds[i] <= h.within.To {
			buckets[bounds[i].Seconds()] = total
		}
	}
	m, err := prometheus.NewConstHistogram(h.desc, total, time.Duration(h.sum.Load()).Seconds(), buckets)
	if err != nil {
		m = prometheus.NewInvalidMetric(h.desc, err)
	}
	out <- m
}
