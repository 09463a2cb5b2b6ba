package relay

import (
	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	const messages = "Messages to be relayed, by result."
	set.Count("offramp_relay_messages_total", messages, &s.Messages, "result", "accepted")
	set.Count("offramp_relay_messages_total", messages, &s.Refused, "result", "refused")
	set.Count("offramp_relay_messages_total", messages, &s.Failed, "result", "deferred")
	const recipients = "Recipients of accepted messages, by result."
	set.Count("offramp_smtp_recipients_total", recipients, &s.Recipients, "result", "accepted")
	set.Count("offramp_smtp_recipients_total", recipients, &s.Dropped, "result", "suppressed")
	set.Count("offramp_smtp_exempt_messages_total", "Accepted messages that are not list mail.", &s.Exempt)
	set.Count("offramp_unmarked_drops_total", "Recipients that an opt-out stopped though their message has no mark of a list, by stage; more than 0 is an alarm.", &s.DroppedUnmarked, "at", "acceptance")
	set.Count("offramp_placeholders_left_total", "Accepted messages with a placeholder that is not replaced: in a name or spelling that Offramp does not know, in a part that is left alone, in the header, or in mail of no list.", &s.PlaceholdersLeft)
	set.Count("offramp_smtp_received_bytes_total", "Bytes of accepted messages.", &s.Octets)
	set.Count("offramp_spool_full_total", "Messages refused for lack of disk space.", &s.Full)
	return *set
}
