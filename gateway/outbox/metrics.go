package outbox

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/store"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector { return []prometheus.Collector{collector{s}} }

var (
	labels     = []string{"consumer", "kind"}
	deliveries = prometheus.NewDesc("offramp_webhook_deliveries_total",
		"Events sent to other systems by result: delivered are events; failed are calls without an answer or with an error, refused those whose answer says that the event is invalid.", []string{"consumer", "kind", "result"}, nil)
	lagging = prometheus.NewDesc("offramp_webhook_lag_events", "Events in the ledger after the last one that a consumer has acknowledged, of any kind.", labels, nil)
	stuckAt = prometheus.NewDesc("offramp_webhook_failing_seconds", "How long the event that holds up a consumer has been tried; 0: none does.", labels, nil)
	missing = prometheus.NewDesc("offramp_webhook_missed_events", "Events that left the ledger by age before they were sent, since the operator last changed the consumer.", labels, nil)
	states  = prometheus.NewDesc("offramp_webhook_state", "1 for the state that a consumer is in: active, paused by the operator, failed.", []string{"consumer", "kind", "state"}, nil)
)

// collector serves what Stats counts. Names of consumers are the operator's, at most
// store.MaxConsumers.
type collector struct{ s *Stats }

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{deliveries, lagging, stuckAt, missing, states} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for name, one := range c.s.consumers {
		for result, n := range map[string]int64{"delivered": one.delivered, "failed": one.failed, "refused": one.refused} {
			out <- prometheus.MustNewConstMetric(deliveries, prometheus.CounterValue, float64(n), name, one.kind, result)
		}
		failing := 0.0
		if !one.failing.IsZero() {
			failing = max(time.Since(one.failing).Seconds(), 0)
		}
		for d, value := range map[*prometheus.Desc]float64{lagging: float64(max(c.s.head-one.cursor, 0)), stuckAt: failing, missing: float64(one.missed)} {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, name, one.kind)
		}
		for _, state := range []store.ConsumerState{store.ConsumerActive, store.ConsumerPaused, store.ConsumerFailed} {
			is := 0.0
			if one.state == state {
				is = 1
			}
			out <- prometheus.MustNewConstMetric(states, prometheus.GaugeValue, is, name, one.kind, string(state))
		}
	}
}
