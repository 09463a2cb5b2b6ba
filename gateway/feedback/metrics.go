package feedback

import (
	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	const requests = "Requests of recipients, by channel and result."
	set.Count("offramp_unsubscribe_requests_total", requests, &s.OptOuts, "method", "mailto", "result", "recorded")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Automatic, "method", "mailto", "result", "automatic")
	set.Count("offramp_unsubscribe_requests_total", requests, &s.Unknown, "method", "mailto", "result", "invalid")
	const bounces = "Bounces and refusals of recipients, by type."
	set.Count("offramp_bounces_total", bounces, &s.Hard, "type", "hard")
	set.Count("offramp_bounces_total", bounces, &s.Soft, "type", "soft")
	set.Count("offramp_bounces_total", bounces, &s.Undecided, "type", "undecided")
	set.Count("offramp_complaints_total", "Complaints about mail to a recipient that a valid token names.", &s.Complaints)
	set.Count("offramp_feedback_suppressed_total", "Addresses suppressed because of a bounce or a complaint.", &s.Stopped)
	const feedback = "Other returned mail, by result."
	set.Count("offramp_feedback_total", feedback, &s.Proposed, "result", "proposed")
	set.Count("offramp_feedback_total", feedback, &s.Unproven, "result", "unproven")
	set.Count("offramp_feedback_total", feedback, &s.Unverified, "result", "unverified")
	set.Count("offramp_feedback_total", feedback, &s.Other, "result", "not_understood")
	set.Count("offramp_feedback_total", feedback, &s.PassedOn, "result", "passed_on")
	const reports = "Reports of smarthosts that change no list, by what they say."
	set.Count("offramp_smarthost_reports_total", reports, &s.Deferred, "kind", "deferred")
	set.Count("offramp_smarthost_reports_total", reports, &s.Arrived, "kind", "delivered")
	const withheld = "Messages that a smarthost did not send, since its own list has the recipient, by why."
	set.Count("offramp_smarthost_withheld_total", withheld, &s.Withheld.Bounced, "cause", "bounced")
	set.Count("offramp_smarthost_withheld_total", withheld, &s.Withheld.Complained, "cause", "complained")
	set.Count("offramp_smarthost_withheld_total", withheld, &s.Withheld.Unsubscribed, "cause", "unsubscribed")
	set.Count("offramp_smarthost_withheld_total", withheld, &s.Withheld.Other, "cause", "other")
	return *set
}
