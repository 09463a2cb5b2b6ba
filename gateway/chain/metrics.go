package chain

import (
	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	const targets = "Messages of lists with a List-Unsubscribe of the sender's own, by what became of it: remembered; shared by several recipients; unfit to be called; own, which leads back to this server."
	set.Count("offramp_chain_messages_total", targets, &s.Remembered, "result", "remembered")
	set.Count("offramp_chain_messages_total", targets, &s.Shared, "result", "shared")
	set.Count("offramp_chain_messages_total", targets, &s.Unfit, "result", "unfit")
	set.Count("offramp_chain_messages_total", targets, &s.Circles, "result", "own")
	const calls = "Opt-outs passed on to senders' own systems, by result; again is a failed call that is made again."
	set.Count("offramp_chain_calls_total", calls, &s.Posted, "result", "posted")
	set.Count("offramp_chain_calls_total", calls, &s.Mailed, "result", "mailed")
	set.Count("offramp_chain_calls_total", calls, &s.Again, "result", "again")
	set.Count("offramp_chain_not_notified_total", "Opt-outs that a sender's own system did not take, and that are not passed on again; more than 0 is an alarm.", &s.NotNotified)
	return *set
}
