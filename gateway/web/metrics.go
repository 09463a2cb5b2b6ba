package web

import (
	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	set.Count("offramp_http_refused_connections_total", "Connections of the recipients' listener over a limit, closed at once.", &s.Refused)
	const requests = "Requests of recipients, by channel and result."
	set.Count("offramp_unsubscribe_requests_total", requests, &s.OneClick, "method", "one_click", "result", "recorded")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.OneClickRepeated, "method", "one_click", "result", "repeated")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Page, "method", "page", "result", "recorded")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Confirmed, "method", "page", "result", "confirmed")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Undone, "method", "page", "result", "undone")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Stale, "method", "page", "result", "stale")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Invalid, "method", "web", "result", "invalid")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Throttled, "method", "web", "result", "throttled")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Unavailable, "method", "web", "result", "unavailable")
	set.Count("offramp_confirmations_sent_total", "Confirmation requests sent by mail (double opt-in).", &s.Asked)
	set.Count("offramp_recipients_erased_total", "People who erased their data on the page.", &s.Erased)
	set.Count("offramp_recipient_files_total", "Receipts and data downloads given on the page.", &s.Taken)
	set.Count("offramp_recipient_pages_total", "Pages shown for a valid link.", &s.Shown)
	return *set
}
