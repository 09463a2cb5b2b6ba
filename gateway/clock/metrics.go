package clock

import "github.com/prometheus/client_golang/prometheus"

// Collectors returns how far the clock is from what can be accounted for.
func (c *Clock) Collectors() []prometheus.Collector {
	return []prometheus.Collector{prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "offramp_clock_off_seconds",
		Help: "How far the clock is ahead of all that the server has seen, where that is beyond OFFRAMP_CLOCK_TOLERANCE; negative: behind; 0: it is believed.",
	}, func() float64 { return c.State().Off.Seconds() })}
}
