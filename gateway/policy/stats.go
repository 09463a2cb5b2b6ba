package policy

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Stats counts since the start. All are safe for use at any time; the zero value
// is ready.
type Stats struct {
	Connections atomic.Int64 // accepted
	Refused     atomic.Int64 // connections over the limit, or of who may not ask
	Open        atomic.Int64 // connections open at this moment
	Passed      atomic.Int64 // requests answered with DUNNO
	Stopped     atomic.Int64 // recipients refused
	InDoubt     atomic.Int64 // requests that could not be decided
	Malformed   atomic.Int64 // connections ended because of an invalid request
	Panics      atomic.Int64
	Durations   metric.Durations // of requests
}

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	const connections = "Connections to the Postfix policy service, by result."
	set.Count("offramp_policy_connections_total", connections, &s.Connections, "result", "accepted")
	set.Count("offramp_policy_connections_total", connections, &s.Refused, "result", "refused")
	set.Level("offramp_policy_open_connections", "Connections to the Postfix policy service open at this moment.", &s.Open)
	const requests = "Requests of Postfix, by answer."
	set.Count("offramp_policy_requests_total", requests, &s.Passed, "result", "passed")
	set.Count("offramp_policy_requests_total", requests, &s.Stopped, "result", "refused")
	set.Count("offramp_policy_requests_total", requests, &s.InDoubt, "result", "in_doubt")
	set.Count("offramp_policy_requests_total", requests, &s.Malformed, "result", "malformed")
	set.Count("offramp_policy_panics_total", "Requests of Postfix that ended in a panic.", &s.Panics)
	set.Add(s.Durations.Collector("offramp_policy_duration_seconds", "How long it took to answer a request of Postfix.", metric.Short))
	return *set
}
