package consent

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
	"offramp/store"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	set.Count("offramp_limit_drops_total", "Messages dropped at delivery by a person's frequency limit.", &s.TurnsRefused)
	set.Count("offramp_limit_returned_total", "Frequency slots released, since the message was not sent.", &s.TurnsReturned)
	const contacts = "Deliveries recorded per person, by result."
	set.Count("offramp_contacts_total", contacts, &s.Counted, "result", "recorded")
	set.Count("offramp_contacts_total", contacts, &s.CountsLost, "result", "lost")
	set.Count("offramp_decisions_unproven_total", "Decisions in force without a record of the time.", &s.Unproven)
	set.Count("offramp_retired_records_total", "Events and contacts removed by age.", &s.Retired)
	set.Count("offramp_consent_panics_total", "Panics while keeping records.", &s.Panics)
	set.Add(s.Verdicts.Collector("offramp_verdict_duration_seconds", "How long it took to decide whether mail may be sent to a recipient, at acceptance and before each attempt.", metric.Short))
	const optOuts = "How long it took until a decision that stops or slows mail was recorded and in force, by channel."
	set.Add(
		s.OneClick.Collector("offramp_unsubscribe_duration_seconds", optOuts, metric.Short, "method", "one_click"),
		s.Page.Collector("offramp_unsubscribe_duration_seconds", optOuts, metric.Short, "method", "page"),
		s.Mail.Collector("offramp_unsubscribe_duration_seconds", optOuts, metric.Short, "method", "mailto"),
		s.Others.Collector("offramp_unsubscribe_duration_seconds", optOuts, metric.Short, "method", "other"),
	)
	return *set
}

// optOut counts how long a decision took.
func (s *Stats) optOut(way store.Way, took time.Duration) {
	switch way {
	case store.OneClick:
		s.OneClick.Observe(took)
	case store.Page, store.Confirmed:
		s.Page.Observe(took)
	case store.Mail:
		s.Mail.Observe(took)
	default:
		s.Others.Observe(took)
	}
}
