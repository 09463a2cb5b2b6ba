// Package metric makes Prometheus collectors of what the rooms count and of what
// the store says of itself. A room counts in a Stats of its own, whose method
// Collectors lists them; names are in full, with the prefix offramp_ and the base
// unit, and no label ever holds an address.
package metric

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Set is a list of collectors that grows.
type Set []prometheus.Collector

// Add adds collectors.
func (s *Set) Add(more ...prometheus.Collector) { *s = append(*s, more...) }

// Count adds a counter that n holds. labels are names and values in turn.
// Counters of one name must have the same help and the same label names.
func (s *Set) Count(name, help string, n *atomic.Int64, labels ...string) {
	s.Counter(name, help, func() float64 { return float64(n.Load()) }, labels...)
}

// Level adds a gauge that n holds.
func (s *Set) Level(name, help string, n *atomic.Int64, labels ...string) {
	s.Gauge(name, help, func() float64 { return float64(n.Load()) }, labels...)
}

// Counter adds a counter that value returns, which many goroutines may call.
func (s *Set) Counter(name, help string, value func() float64, labels ...string) {
	*s = append(*s, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: pairs(labels)}, value))
}

// Gauge adds a gauge that value returns, which many goroutines may call.
func (s *Set) Gauge(name, help string, value func() float64, labels ...string) {
	*s = append(*s, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: pairs(labels)}, value))
}

// Flag adds a gauge that is 1 while value is true, and 0 while it is not.
func (s *Set) Flag(name, help string, value func() bool, labels ...string) {
	s.Gauge(name, help, func() float64 {
		if value() {
			return 1
		}
		return 0
	}, labels...)
}

func pairs(labels []string) prometheus.Labels {
	all := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		all[labels[i]] = labels[i+1]
	}
	return all
}

// Series are the numbers of one gauge that come and go, such as what is known
// about each of some servers. It is a prometheus.Collector.
type Series struct {
	Name   string
	Help   string
	Labels []string        // their names
	Values func() []Sample // called at every scrape, from many goroutines
}

// Sample is one number of a [Series]. No two have the same labels.
type Sample struct {
	Labels []string // values, in the order of the names
	Value  float64
}

func (s Series) desc() *prometheus.Desc { return prometheus.NewDesc(s.Name, s.Help, s.Labels, nil) }

// Describe implements prometheus.Collector.
func (s Series) Describe(descs chan<- *prometheus.Desc) { descs <- s.desc() }

// Collect implements prometheus.Collector.
func (s Series) Collect(out chan<- prometheus.Metric) {
	desc := s.desc()
	for _, one := range s.Values() {
		m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, one.Value, one.Labels...)
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		out <- m
	}
}
