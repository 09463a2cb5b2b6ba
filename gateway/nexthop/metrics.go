package nexthop

import (
	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	set.Count("offramp_next_hop_connections_total", "Connections opened to next hops.", &s.Connections)
	set.Count("offramp_next_hop_connection_errors_total", "Connections to next hops that could not be set up.", &s.ConnectErrors)
	set.Count("offramp_next_hop_limits_total", "Limits of next hops (messages per connection, recipients per message) that were learnt or announced.", &s.Limits)
	set.Level("offramp_next_hop_open_connections", "Connections to next hops open at this moment.", &s.Open)
	return *set
}

// maxHopLimits is of how many next hops the limits are served: with "mx" there
// may be thousands.
const maxHopLimits = 100

// Collectors returns what next hops take at most, as far as it is known.
func (h *Hops) Collectors() []prometheus.Collector {
	return []prometheus.Collector{hopLimits(h.Limits)}
}

func hopLimits(known func() []Limit) metric.Series {
	return metric.Series{
		Name: "offramp_next_hop_limit", Labels: []string{"relay", "kind"},
		Help: "What a next hop takes at most, learnt or announced within the last hour: messages per connection, recipients per message; of 100 next hops at most.",
		Values: func() (all []metric.Sample) {
			hops := known()
			for _, l := range hops[:min(len(hops), maxHopLimits)] {
				if l.Messages > 0 {
					all = append(all, metric.Sample{Labels: []string{l.Host, "messages"}, Value: float64(l.Messages)})
				}
				if l.Recipients > 0 {
					all = append(all, metric.Sample{Labels: []string{l.Host, "recipients"}, Value: float64(l.Recipients)})
				}
			}
			return all
		},
	}
}
