package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// MetricType says how a metric moves.
type MetricType int

// The types of metrics.
const (
	Counter MetricType = iota // only grows
	Gauge
)

// Metric is one number that another package keeps. Metrics of one name must have
// the same help, type and label names. No label may hold an address.
type Metric struct {
	Name   string // in full, with the prefix offramp_ and the base unit
	Help   string
	Type   MetricType
	Labels map[string]string
	Value  func() float64 // called at every scrape, from many goroutines
}

// Series are the numbers of one gauge that come and go, such as what is known
// about each of some servers.
type Series struct {
	Name   string // as that of a [Metric]
	Help   string
	Labels []string        // their names
	Values func() []Sample // called at every scrape, from many goroutines
}

// Sample is one number of a [Series]. No two have the same labels.
type Sample struct {
	Labels []string // values, in the order of the names
	Value  float64
}

// metrics returns the handler of /metrics with a registry of its own.
func (s *server) metrics() handle {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newQueueCollector(s.API),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "offramp_build_info", Help: "Always 1; the labels say what runs.",
			ConstLabels: prometheus.Labels{"version": s.Version, "revision": s.Revision},
		}, func() float64 { return 1 }),
	)
	for _, m := range s.Metrics {
		registry.MustRegister(m.collector())
	}
	for _, m := range s.Series {
		registry.MustRegister(seriesCollector{prometheus.NewDesc(m.Name, m.Help, m.Labels, nil), m.Values})
	}
	h := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		// Metrics that can be had are worth more than none.
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(s.log().Handler(), slog.LevelWarn),
	})
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

func (m Metric) collector() prometheus.Collector {
	if m.Type == Gauge {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: m.Name, Help: m.Help, ConstLabels: m.Labels}, m.Value)
	}
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.Name, Help: m.Help, ConstLabels: m.Labels}, m.Value)
}

// seriesCollector serves a [Series].
type seriesCollector struct {
	desc   *prometheus.Desc
	values func() []Sample
}

// Describe implements prometheus.Collector.
func (c seriesCollector) Describe(descs chan<- *prometheus.Desc) { descs <- c.desc }

// Collect implements prometheus.Collector.
func (c seriesCollector) Collect(out chan<- prometheus.Metric) {
	for _, s := range c.values() {
		m, err := prometheus.NewConstMetric(c.desc, prometheus.GaugeValue, s.Value, s.Labels...)
		if err != nil {
			m = prometheus.NewInvalidMetric(c.desc, err)
		}
		out <- m
	}
}

// queueCollector asks the spool once for each scrape.
type queueCollector struct {
	api                                        *API
	messages, recipients, oldest, free, volume *prometheus.Desc
}

func newQueueCollector(a *API) *queueCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &queueCollector{
		api:        a,
		messages:   desc("offramp_queue_messages", "Messages in the spool."),
		recipients: desc("offramp_queue_recipients", "Recipients in the spool, by what they wait for.", "state"),
		oldest:     desc("offramp_queue_oldest_age_seconds", "Age of the oldest message in the spool; 0 when it is empty."),
		free:       desc("offramp_spool_free_bytes", "Bytes free on the spool's volume."),
		volume:     desc("offramp_spool_capacity_bytes", "Size of the spool's volume in bytes."),
	}
}

// Describe implements prometheus.Collector.
func (c *queueCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.messages, c.recipients, c.oldest, c.free, c.volume} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *queueCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	u, err := c.api.Queue.Usage(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(c.messages, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	age := time.Duration(0)
	if !u.Oldest.IsZero() {
		age = max(0, c.api.now().Sub(u.Oldest))
	}
	gauge(c.messages, float64(u.Messages))
	gauge(c.recipients, float64(u.Queued), "queued")
	gauge(c.recipients, float64(u.Held), "held")
	gauge(c.recipients, float64(u.Failed), "failed")
	gauge(c.oldest, age.Seconds())
	gauge(c.free, float64(u.Free))
	gauge(c.volume, float64(u.Capacity))
}
