package hook

import (
	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	const hooks = "Webhooks of smarthosts, by result."
	set.Count("offramp_hooks_total", hooks, &s.Taken, "result", "recorded")
	set.Count("offramp_hooks_total", hooks, &s.Refused, "result", "refused")
	set.Count("offramp_hooks_total", hooks, &s.Malformed, "result", "malformed")
	set.Count("offramp_hooks_total", hooks, &s.Unavailable, "result", "unavailable")
	set.Count("offramp_hooks_total", hooks, &s.Slips, "result", "misconfigured")
	return *set
}

// Collectors returns for how long calls of a vendor are not taken, and how far the
// clocks of vendors are off where that is why.
func (h *Hooks) Collectors() []prometheus.Collector {
	return []prometheus.Collector{
		metric.Series{
			Name: "offramp_hooks_misconfigured_seconds", Labels: []string{"vendor", "cause"},
			Help: "For how long webhooks of a vendor are not accepted because of a setting or the clock: from the first to the last that came.",
			Values: func() (all []metric.Sample) {
				for _, s := range h.Slips() {
					all = append(all, metric.Sample{Labels: []string{s.Vendor, s.Cause}, Value: s.Last.Sub(s.First).Seconds()})
				}
				return all
			},
		},
		metric.Series{
			Name: "offramp_hooks_clock_difference_seconds", Labels: []string{"vendor"},
			Help: "How far this server's clock is ahead of the vendor's, where webhooks are not accepted for that; negative: behind.",
			Values: func() (all []metric.Sample) {
				for _, s := range h.Slips() {
					if s.Behind != 0 {
						all = append(all, metric.Sample{Labels: []string{s.Vendor}, Value: s.Behind.Seconds()})
					}
				}
				return all
			},
		},
	}
}
