package gateway

import (
	"sync/atomic"

	"offramp/gateway/admin"
)

// metrics lists what the rooms count, for the admin listener.
func (s *stats) metrics(p Parts) []admin.Metric {
	var all []admin.Metric
	one := func(name, help string, value *atomic.Int64, kind admin.MetricType, labels ...string) {
		m := admin.Metric{
			Name: "offramp_" + name, Help: help, Type: kind,
			Value: func() float64 { return float64(value.Load()) },
		}
		if len(labels) > 0 {
			m.Labels = map[string]string{}
		}
		for i := 0; i+1 < len(labels); i += 2 {
			m.Labels[labels[i]] = labels[i+1]
		}
		all = append(all, m)
	}
	count := func(name, help string, value *atomic.Int64, labels ...string) {
		one(name, help, value, admin.Counter, labels...)
	}

	count("smtp_connections_total", "Connections of clients, by result.", &s.smtp.Connections, "result", "accepted")
	count("smtp_connections_total", "Connections of clients, by result.", &s.smtp.TooMany, "result", "refused")
	one("smtp_open_connections", "Connections of clients open at this moment.", &s.smtp.Open, admin.Gauge)
	count("smtp_sessions_total", "Sessions that greeted the server.", &s.smtp.Sessions)
	count("smtp_tls_sessions_total", "Sessions under TLS.", &s.smtp.TLS)
	const logins = "Logins, by result."
	count("smtp_logins_total", logins, &s.smtp.Logins, "result", "accepted")
	count("smtp_logins_total", logins, &s.smtp.LoginFailed, "result", "failed")
	count("smtp_logins_total", logins, &s.smtp.Throttled, "result", "throttled")
	count("smtp_denied_recipients_total", "Recipients refused in the session.", &s.smtp.Denied)
	const ended = "Sessions that ended badly, by cause."
	count("smtp_aborted_total", ended, &s.smtp.Incomplete, "cause", "incomplete")
	count("smtp_aborted_total", ended, &s.smtp.Timeouts, "cause", "timeout")
	count("smtp_aborted_total", ended, &s.smtp.Misbehaved, "cause", "protocol")
	count("smtp_aborted_total", ended, &s.smtp.DrainedForce, "cause", "shutdown")
	count("smtp_internal_errors_total", "Replies caused by internal errors or a full disk.", &s.smtp.Internal)
	count("smtp_panics_total", "Connections that ended in a panic.", &s.smtp.Panics)

	const messages = "Messages handed over by clients, to be relayed or to the feedback domain, by result."
	count("smtp_messages_total", messages, &s.smtp.Messages, "result", "accepted")
	count("smtp_messages_total", messages, &s.smtp.Refused, "result", "refused")
	count("smtp_messages_total", messages, &s.smtp.Deferred, "result", "deferred")
	count("relay_messages_total", "Messages to be relayed, by result.", &s.relay.Messages, "result", "accepted")
	count("relay_messages_total", "Messages to be relayed, by result.", &s.relay.Refused, "result", "refused")
	count("relay_messages_total", "Messages to be relayed, by result.", &s.relay.Failed, "result", "deferred")
	const recipients = "Recipients of accepted messages, by result."
	count("smtp_recipients_total", recipients, &s.relay.Recipients, "result", "accepted")
	count("smtp_recipients_total", recipients, &s.relay.Dropped, "result", "suppressed")
	count("smtp_exempt_messages_total", "Accepted messages that are not list mail.", &s.relay.Exempt)
	const alarms = "Recipients that an opt-out stopped though their message has no mark of a list, by stage; more than 0 is an alarm."
	count("unmarked_drops_total", alarms, &s.relay.DroppedUnmarked, "at", "acceptance")
	count("unmarked_drops_total", alarms, &s.queue.DroppedUnmarked, "at", "delivery")
	count("smtp_received_bytes_total", "Bytes of accepted messages.", &s.relay.Octets)
	count("limit_drops_total", "Messages dropped at delivery by a person's frequency limit.", &s.consent.TurnsRefused)
	count("limit_returned_total", "Frequency slots released, since the message was not sent.", &s.consent.TurnsReturned)
	count("contacts_total", "Deliveries recorded per person, by result.", &s.consent.Counted, "result", "recorded")
	count("contacts_total", "Deliveries recorded per person, by result.", &s.consent.CountsLost, "result", "lost")
	count("decisions_unproven_total", "Decisions in force without a record of the time.", &s.consent.Unproven)
	count("retired_records_total", "Events and contacts removed by age.", &s.consent.Retired)
	count("consent_panics_total", "Panics while keeping records.", &s.consent.Panics)
	count("spool_full_total", "Messages refused for lack of disk space.", &s.relay.Full)

	const attempts = "Delivery attempts, by result for each recipient."
	count("delivery_attempts_total", attempts, &s.queue.Delivered, "result", "delivered")
	count("delivery_attempts_total", attempts, &s.queue.Deferred, "result", "deferred")
	count("delivery_attempts_total", attempts, &s.queue.Failed, "result", "failed")
	count("delivery_attempts_total", attempts, &s.queue.Dropped, "result", "suppressed")
	count("delivery_attempts_total", attempts, &s.queue.Parked, "result", "held")
	count("delivery_unsigned_messages_total", "List mail sent unsigned for lack of a DKIM key.", &s.queue.Unsigned)
	count("delivery_broken_signatures_total", "Messages with an earlier signature over a field that was added or replaced.", &s.queue.BrokenSignatures)
	count("delivery_bounces_total", "Delivery status notifications written.", &s.queue.Bounces)
	count("delivery_sent_bytes_total", "Bytes of messages delivered.", &s.queue.Octets)
	count("delivery_panics_total", "Delivery attempts that ended in a panic.", &s.queue.Panics)
	count("next_hop_connections_total", "Connections opened to next hops.", &s.nextHop.Connections)
	count("next_hop_connection_errors_total", "Connections to next hops that could not be set up.", &s.nextHop.ConnectErrors)
	one("next_hop_open_connections", "Connections to next hops open at this moment.", &s.nextHop.Open, admin.Gauge)

	const requests = "Requests of recipients, by channel and result."
	count("unsubscribe_requests_total", requests, &s.web.OneClick, "method", "one_click", "result", "recorded")
	count("unsubscribe_requests_total", requests, &s.web.OneClickRepeated, "method", "one_click", "result", "repeated")
	count("unsubscribe_requests_total", requests, &s.web.Page, "method", "page", "result", "recorded")
	count("unsubscribe_requests_total", requests, &s.web.Confirmed, "method", "page", "result", "confirmed")
	count("unsubscribe_requests_total", requests, &s.web.Undone, "method", "page", "result", "undone")
	count("unsubscribe_requests_total", requests, &s.web.Stale, "method", "page", "result", "stale")
	count("unsubscribe_requests_total", requests, &s.web.Invalid, "method", "web", "result", "invalid")
	count("unsubscribe_requests_total", requests, &s.web.Throttled, "method", "web", "result", "throttled")
	count("unsubscribe_requests_total", requests, &s.web.Unavailable, "method", "web", "result", "unavailable")
	count("unsubscribe_requests_total", requests, &s.feedback.OptOuts, "method", "mailto", "result", "recorded")
	count("unsubscribe_requests_total", requests, &s.feedback.Automatic, "method", "mailto", "result", "automatic")
	count("unsubscribe_requests_total", requests, &s.feedback.Unknown, "method", "mailto", "result", "invalid")
	const bounces = "Bounces and refusals of recipients, by type."
	count("bounces_total", bounces, &s.feedback.Hard, "type", "hard")
	count("bounces_total", bounces, &s.feedback.Soft, "type", "soft")
	count("bounces_total", bounces, &s.feedback.Undecided, "type", "undecided")
	count("complaints_total", "Complaints about mail to a recipient that a valid token names.", &s.feedback.Complaints)
	count("feedback_suppressed_total", "Addresses suppressed because of a bounce or a complaint.", &s.feedback.Stopped)
	const feedback = "Other returned mail, by result."
	count("feedback_total", feedback, &s.feedback.Proposed, "result", "proposed")
	count("feedback_total", feedback, &s.feedback.Unproven, "result", "unproven")
	count("feedback_total", feedback, &s.feedback.Unverified, "result", "unverified")
	count("feedback_total", feedback, &s.feedback.Other, "result", "not_understood")
	count("feedback_total", feedback, &s.feedback.PassedOn, "result", "passed_on")
	const hooks = "Webhooks of smarthosts, by result."
	count("hooks_total", hooks, &s.hook.Taken, "result", "recorded")
	count("hooks_total", hooks, &s.hook.Refused, "result", "refused")
	count("hooks_total", hooks, &s.hook.Malformed, "result", "malformed")
	count("hooks_total", hooks, &s.hook.Unavailable, "result", "unavailable")
	count("confirmations_sent_total", "Confirmation requests sent by mail (double opt-in).", &s.web.Asked)
	count("recipients_erased_total", "People who erased their data on the page.", &s.web.Erased)
	count("recipient_files_total", "Receipts and data downloads given on the page.", &s.web.Taken)
	count("recipient_pages_total", "Pages shown for a valid link.", &s.web.Shown)
	if p.CertificateEnd != nil {
		all = append(all, admin.Metric{
			Name: "offramp_tls_certificate_expiry_timestamp_seconds", Help: "When the TLS certificate expires.", Type: admin.Gauge,
			Value: func() float64 { return float64(p.CertificateEnd().Unix()) },
		})
	}
	return all
}
