package queue

import (
	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	set.Count("offramp_unmarked_drops_total", "Recipients that an opt-out stopped though their message has no mark of a list, by stage; more than 0 is an alarm.", &s.DroppedUnmarked, "at", "delivery")
	const attempts = "Delivery attempts, by result for each recipient."
	set.Count("offramp_delivery_attempts_total", attempts, &s.Delivered, "result", "delivered")
	set.Count("offramp_delivery_attempts_total", attempts, &s.Deferred, "result", "deferred")
	set.Count("offramp_delivery_attempts_total", attempts, &s.Failed, "result", "failed")
	set.Count("offramp_delivery_attempts_total", attempts, &s.Dropped, "result", "suppressed")
	set.Count("offramp_delivery_attempts_total", attempts, &s.Parked, "result", "held")
	set.Count("offramp_delivery_unsigned_messages_total", "List mail sent unsigned: no DKIM key for its From, or a line of its header that is no field.", &s.Unsigned)
	set.Count("offramp_delivery_broken_signatures_total", "Messages with an earlier signature over a field that was added or replaced, here or by the next hop.", &s.BrokenSignatures)
	set.Count("offramp_delivery_dropped_signatures_total", "Signatures that messages came with, removed since the next hop accepts one only.", &s.DroppedSignatures)
	set.Count("offramp_delivery_uncertain_total", "Delivery attempts put off since records that stop mail are damaged; more than 0 is an alarm.", &s.Uncertain)
	const lines = "Messages delivered that came with lines over 998 bytes, by what became of them."
	set.Count("offramp_long_lines_total", lines, &s.LinesEncoded, "result", "encoded")
	set.Count("offramp_long_lines_total", lines, &s.LinesFolded, "result", "folded")
	set.Count("offramp_long_lines_total", lines, &s.LinesPassed, "result", "passed")
	const line = "List mail delivered without a placeholder for the link, by what became of the visible line (OFFRAMP_FOOTER)."
	set.Count("offramp_footers_total", line, &s.LinesAdded, "result", "added")
	set.Count("offramp_footers_total", line, &s.OwnLinks, "result", "own")
	set.Count("offramp_footers_total", line, &s.NoLine, "result", "left")
	set.Count("offramp_delivery_bounces_total", "Delivery status notifications written.", &s.Bounces)
	set.Count("offramp_delivery_sent_bytes_total", "Bytes of messages delivered.", &s.Octets)
	set.Count("offramp_delivery_panics_total", "Delivery attempts that ended in a panic.", &s.Panics)
	set.Add(
		s.Deliveries.Collector("offramp_delivery_duration_seconds", "Time from the acceptance of a message until the next hop accepted it, for each recipient.", metric.Long),
		s.Attempts.Collector("offramp_delivery_attempt_duration_seconds", "How long delivery attempts took, each for one or more recipients of a message.", metric.Long),
	)
	return *set
}
