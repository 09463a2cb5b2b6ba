package gateway

import (
	"sync/atomic"

	"offramp/gateway/api"
	"offramp/gateway/clock"
	"offramp/gateway/hook"
	"offramp/gateway/nexthop"
	"offramp/store"
)

// metrics lists what the rooms count, for the admin listener.
func (s *stats) metrics(p Parts) []api.Metric {
	var m metrics
	s.clients(&m)
	s.acceptance(&m)
	s.deliveries(&m)
	s.requests(&m)
	s.returns(&m)
	s.pages(&m)
	m.files(p)
	m.integrity(p)
	if p.CertificateEnd != nil {
		m = append(m, api.Metric{
			Name: "offramp_tls_certificate_expiry_timestamp_seconds", Help: "When the TLS certificate expires.", Type: api.Gauge,
			Value: func() float64 { return float64(p.CertificateEnd().Unix()) },
		})
	}
	return m
}

type metrics []api.Metric

func (m *metrics) one(name, help string, value *atomic.Int64, kind api.MetricType, labels ...string) {
	one := api.Metric{
		Name: "offramp_" + name, Help: help, Type: kind,
		Value: func() float64 { return float64(value.Load()) },
	}
	if len(labels) > 0 {
		one.Labels = map[string]string{}
	}
	for i := 0; i+1 < len(labels); i += 2 {
		one.Labels[labels[i]] = labels[i+1]
	}
	*m = append(*m, one)
}

func (m *metrics) count(name, help string, value *atomic.Int64, labels ...string) {
	m.one(name, help, value, api.Counter, labels...)
}

// integrity is what is known of damage to the records that stop mail, and to
// queued mail.
func (m *metrics) integrity(p Parts) {
	gauge := func(name, help string, known func() store.Integrity, value func(store.Integrity) bool) {
		*m = append(*m, api.Metric{Name: "offramp_" + name, Help: help, Type: api.Gauge, Value: func() float64 {
			if value(known()) {
				return 1
			}
			return 0
		}})
	}
	gauge("consent_verified", "Whether all records that stop mail were verified since the start; deliveries wait until then.",
		p.Consent.Integrity, func(i store.Integrity) bool { return i.Verified })
	gauge("consent_damaged", "Whether records that stop mail are damaged or lost; 1 is an alarm.",
		p.Consent.Integrity, func(i store.Integrity) bool { return i.Damage != "" })
	gauge("consent_stopped", "Whether no list mail is sent to anybody, since nobody can say whose records are damaged; 1 is an alarm.",
		p.Consent.Integrity, func(i store.Integrity) bool { return i.Stopped })
	gauge("spool_examined", "Whether spool.db was examined for damage since the start; deliveries do not wait for it.",
		p.Spool.Integrity, func(i store.Integrity) bool { return i.Verified })
	gauge("spool_damaged", "Whether queued mail is damaged or lost; 1 is an alarm.",
		p.Spool.Integrity, func(i store.Integrity) bool { return i.Damage != "" })
}

func (s *stats) clients(m *metrics) {
	m.count("smtp_connections_total", "Connections of clients, by result.", &s.smtp.Connections, "result", "accepted")
	m.count("smtp_connections_total", "Connections of clients, by result.", &s.smtp.TooMany, "result", "refused")
	m.one("smtp_open_connections", "Connections of clients open at this moment.", &s.smtp.Open, api.Gauge)
	m.one("smtp_stranger_connections", "Open connections of clients that are not trusted and have not logged in.", &s.smtp.Strangers, api.Gauge)
	m.count("smtp_sessions_total", "Sessions that greeted the server.", &s.smtp.Sessions)
	m.count("smtp_tls_sessions_total", "Sessions under TLS.", &s.smtp.TLS)
	const logins = "Logins, by result."
	m.count("smtp_logins_total", logins, &s.smtp.Logins, "result", "accepted")
	m.count("smtp_logins_total", logins, &s.smtp.LoginFailed, "result", "failed")
	m.count("smtp_logins_total", logins, &s.smtp.Throttled, "result", "throttled")
	m.count("log_lines_left_out_total", "Lines of the log left out because one network of strangers caused too many.", &s.leftOut)
	m.count("smtp_denied_recipients_total", "Recipients refused in the session.", &s.smtp.Denied)
	const ended = "Sessions that ended badly, by cause."
	m.count("smtp_aborted_total", ended, &s.smtp.Incomplete, "cause", "incomplete")
	m.count("smtp_aborted_total", ended, &s.smtp.Timeouts, "cause", "timeout")
	m.count("smtp_aborted_total", ended, &s.smtp.Misbehaved, "cause", "protocol")
	m.count("smtp_aborted_total", ended, &s.smtp.DrainedForce, "cause", "shutdown")
	m.count("smtp_internal_errors_total", "Replies caused by internal errors or a full disk.", &s.smtp.Internal)
	m.count("smtp_panics_total", "Connections that ended in a panic.", &s.smtp.Panics)
}

func (s *stats) acceptance(m *metrics) {
	const messages = "Messages handed over by clients, to be relayed or to the feedback domain, by result."
	m.count("smtp_messages_total", messages, &s.smtp.Messages, "result", "accepted")
	m.count("smtp_messages_total", messages, &s.smtp.Refused, "result", "refused")
	m.count("smtp_messages_total", messages, &s.smtp.Deferred, "result", "deferred")
	m.count("relay_messages_total", "Messages to be relayed, by result.", &s.relay.Messages, "result", "accepted")
	m.count("relay_messages_total", "Messages to be relayed, by result.", &s.relay.Refused, "result", "refused")
	m.count("relay_messages_total", "Messages to be relayed, by result.", &s.relay.Failed, "result", "deferred")
	const recipients = "Recipients of accepted messages, by result."
	m.count("smtp_recipients_total", recipients, &s.relay.Recipients, "result", "accepted")
	m.count("smtp_recipients_total", recipients, &s.relay.Dropped, "result", "suppressed")
	m.count("smtp_exempt_messages_total", "Accepted messages that are not list mail.", &s.relay.Exempt)
	const alarms = "Recipients that an opt-out stopped though their message has no mark of a list, by stage; more than 0 is an alarm."
	m.count("unmarked_drops_total", alarms, &s.relay.DroppedUnmarked, "at", "acceptance")
	m.count("unmarked_drops_total", alarms, &s.queue.DroppedUnmarked, "at", "delivery")
	m.count("placeholders_left_total", "Accepted messages with a placeholder that is not replaced: in a name or spelling that Offramp does not know, in a part that is left alone, in the header, or in mail of no list.", &s.relay.PlaceholdersLeft)
	m.count("smtp_received_bytes_total", "Bytes of accepted messages.", &s.relay.Octets)
	m.count("limit_drops_total", "Messages dropped at delivery by a person's frequency limit.", &s.consent.TurnsRefused)
	m.count("limit_returned_total", "Frequency slots released, since the message was not sent.", &s.consent.TurnsReturned)
	m.count("contacts_total", "Deliveries recorded per person, by result.", &s.consent.Counted, "result", "recorded")
	m.count("contacts_total", "Deliveries recorded per person, by result.", &s.consent.CountsLost, "result", "lost")
	m.count("decisions_unproven_total", "Decisions in force without a record of the time.", &s.consent.Unproven)
	m.count("retired_records_total", "Events and contacts removed by age.", &s.consent.Retired)
	m.count("consent_panics_total", "Panics while keeping records.", &s.consent.Panics)
	m.count("spool_full_total", "Messages refused for lack of disk space.", &s.relay.Full)
}

func (s *stats) deliveries(m *metrics) {
	const attempts = "Delivery attempts, by result for each recipient."
	m.count("delivery_attempts_total", attempts, &s.queue.Delivered, "result", "delivered")
	m.count("delivery_attempts_total", attempts, &s.queue.Deferred, "result", "deferred")
	m.count("delivery_attempts_total", attempts, &s.queue.Failed, "result", "failed")
	m.count("delivery_attempts_total", attempts, &s.queue.Dropped, "result", "suppressed")
	m.count("delivery_attempts_total", attempts, &s.queue.Parked, "result", "held")
	m.count("delivery_unsigned_messages_total", "List mail sent unsigned: no DKIM key for its From, or a line of its header that is no field.", &s.queue.Unsigned)
	m.count("delivery_broken_signatures_total", "Messages with an earlier signature over a field that was added or replaced, here or by the next hop.", &s.queue.BrokenSignatures)
	m.count("delivery_dropped_signatures_total", "Signatures that messages came with, removed since the next hop accepts one only.", &s.queue.DroppedSignatures)
	m.count("delivery_uncertain_total", "Delivery attempts put off since records that stop mail are damaged; more than 0 is an alarm.", &s.queue.Uncertain)
	const lines = "Messages delivered that came with lines over 998 bytes, by what became of them."
	m.count("long_lines_total", lines, &s.queue.LinesEncoded, "result", "encoded")
	m.count("long_lines_total", lines, &s.queue.LinesFolded, "result", "folded")
	m.count("long_lines_total", lines, &s.queue.LinesPassed, "result", "passed")
	const line = "List mail delivered without a placeholder for the link, by what became of the visible line (OFFRAMP_FOOTER)."
	m.count("footers_total", line, &s.queue.LinesAdded, "result", "added")
	m.count("footers_total", line, &s.queue.OwnLinks, "result", "own")
	m.count("footers_total", line, &s.queue.NoLine, "result", "left")
	m.count("delivery_bounces_total", "Delivery status notifications written.", &s.queue.Bounces)
	m.count("delivery_sent_bytes_total", "Bytes of messages delivered.", &s.queue.Octets)
	m.count("delivery_panics_total", "Delivery attempts that ended in a panic.", &s.queue.Panics)
	m.count("next_hop_connections_total", "Connections opened to next hops.", &s.nextHop.Connections)
	m.count("next_hop_connection_errors_total", "Connections to next hops that could not be set up.", &s.nextHop.ConnectErrors)
	m.count("next_hop_limits_total", "Limits of next hops (messages per connection, recipients per message) that were learnt or announced.", &s.nextHop.Limits)
	m.one("next_hop_open_connections", "Connections to next hops open at this moment.", &s.nextHop.Open, api.Gauge)
}

// clockOff says how far the clock is from what can be accounted for.
func clockOff(state func() clock.State) api.Series {
	return api.Series{
		Name:   "offramp_clock_off_seconds",
		Help:   "How far the clock is ahead of all that the server has seen, where that is beyond OFFRAMP_CLOCK_TOLERANCE; negative: behind; 0: it is believed.",
		Values: func() []api.Sample { return []api.Sample{{Value: state().Off.Seconds()}} },
	}
}

// maxHopLimits is of how many next hops the limits are served: with "mx" there
// may be thousands.
const maxHopLimits = 100

// hopLimits serves what next hops take at most, as far as it is known.
func hopLimits(known func() []nexthop.Limit) api.Series {
	return api.Series{
		Name: "offramp_next_hop_limit", Labels: []string{"relay", "kind"},
		Help: "What a next hop takes at most, learnt or announced within the last hour: messages per connection, recipients per message; of 100 next hops at most.",
		Values: func() (all []api.Sample) {
			hops := known()
			for _, l := range hops[:min(len(hops), maxHopLimits)] {
				if l.Messages > 0 {
					all = append(all, api.Sample{Labels: []string{l.Host, "messages"}, Value: float64(l.Messages)})
				}
				if l.Recipients > 0 {
					all = append(all, api.Sample{Labels: []string{l.Host, "recipients"}, Value: float64(l.Recipients)})
				}
			}
			return all
		},
	}
}

// slipTimes says for how long calls of a vendor are not taken.
func slipTimes(known func() []hook.Slip) api.Series {
	return api.Series{
		Name: "offramp_hooks_misconfigured_seconds", Labels: []string{"vendor", "cause"},
		Help: "For how long webhooks of a vendor are not accepted because of a setting or the clock: from the first to the last that came.",
		Values: func() (all []api.Sample) {
			for _, s := range known() {
				all = append(all, api.Sample{Labels: []string{s.Vendor, s.Cause}, Value: s.Last.Sub(s.First).Seconds()})
			}
			return all
		},
	}
}

// slipClocks says how far the clocks of vendors are off, where that is why.
func slipClocks(known func() []hook.Slip) api.Series {
	return api.Series{
		Name: "offramp_hooks_clock_difference_seconds", Labels: []string{"vendor"},
		Help: "How far this server's clock is ahead of the vendor's, where webhooks are not accepted for that; negative: behind.",
		Values: func() (all []api.Sample) {
			for _, s := range known() {
				if s.Behind != 0 {
					all = append(all, api.Sample{Labels: []string{s.Vendor}, Value: s.Behind.Seconds()})
				}
			}
			return all
		},
	}
}

func (s *stats) requests(m *metrics) {
	m.count("http_refused_connections_total", "Connections of the recipients' listener over a limit, closed at once.", &s.web.Refused)
	const requests = "Requests of recipients, by channel and result."
	m.count("unsubscribe_requests_total", requests, &s.web.OneClick, "method", "one_click", "result", "recorded")
	m.count("unsubscribe_requests_total", requests, &s.web.OneClickRepeated, "method", "one_click", "result", "repeated")
	m.count("unsubscribe_requests_total", requests, &s.web.Page, "method", "page", "result", "recorded")
	m.count("unsubscribe_requests_total", requests, &s.web.Confirmed, "method", "page", "result", "confirmed")
	m.count("unsubscribe_requests_total", requests, &s.web.Undone, "method", "page", "result", "undone")
	m.count("unsubscribe_requests_total", requests, &s.web.Stale, "method", "page", "result", "stale")
	m.count("unsubscribe_requests_total", requests, &s.web.Invalid, "method", "web", "result", "invalid")
	m.count("unsubscribe_requests_total", requests, &s.web.Throttled, "method", "web", "result", "throttled")
	m.count("unsubscribe_requests_total", requests, &s.web.Unavailable, "method", "web", "result", "unavailable")
	m.count("unsubscribe_requests_total", requests, &s.feedback.OptOuts, "method", "mailto", "result", "recorded")
	m.count("unsubscribe_requests_total", requests, &s.feedback.Automatic, "method", "mailto", "result", "automatic")
	m.count("unsubscribe_requests_total", requests, &s.feedback.Unknown, "method", "mailto", "result", "invalid")
}

func (s *stats) returns(m *metrics) {
	const bounces = "Bounces and refusals of recipients, by type."
	m.count("bounces_total", bounces, &s.feedback.Hard, "type", "hard")
	m.count("bounces_total", bounces, &s.feedback.Soft, "type", "soft")
	m.count("bounces_total", bounces, &s.feedback.Undecided, "type", "undecided")
	m.count("complaints_total", "Complaints about mail to a recipient that a valid token names.", &s.feedback.Complaints)
	m.count("feedback_suppressed_total", "Addresses suppressed because of a bounce or a complaint.", &s.feedback.Stopped)
	const feedback = "Other returned mail, by result."
	m.count("feedback_total", feedback, &s.feedback.Proposed, "result", "proposed")
	m.count("feedback_total", feedback, &s.feedback.Unproven, "result", "unproven")
	m.count("feedback_total", feedback, &s.feedback.Unverified, "result", "unverified")
	m.count("feedback_total", feedback, &s.feedback.Other, "result", "not_understood")
	m.count("feedback_total", feedback, &s.feedback.PassedOn, "result", "passed_on")
	const hooks = "Webhooks of smarthosts, by result."
	m.count("hooks_total", hooks, &s.hook.Taken, "result", "recorded")
	m.count("hooks_total", hooks, &s.hook.Refused, "result", "refused")
	m.count("hooks_total", hooks, &s.hook.Malformed, "result", "malformed")
	m.count("hooks_total", hooks, &s.hook.Unavailable, "result", "unavailable")
	m.count("hooks_total", hooks, &s.hook.Slips, "result", "misconfigured")
	m.count("smarthost_reports_total", "Reports of smarthosts that change no list, by what they say.", &s.feedback.Deferred, "kind", "deferred")
	m.count("smarthost_reports_total", "Reports of smarthosts that change no list, by what they say.", &s.feedback.Arrived, "kind", "delivered")
	const withheld = "Messages that a smarthost did not send, since its own list has the recipient, by why."
	m.count("smarthost_withheld_total", withheld, &s.feedback.Withheld.Bounced, "cause", "bounced")
	m.count("smarthost_withheld_total", withheld, &s.feedback.Withheld.Complained, "cause", "complained")
	m.count("smarthost_withheld_total", withheld, &s.feedback.Withheld.Unsubscribed, "cause", "unsubscribed")
	m.count("smarthost_withheld_total", withheld, &s.feedback.Withheld.Other, "cause", "other")
}

func (s *stats) pages(m *metrics) {
	m.count("confirmations_sent_total", "Confirmation requests sent by mail (double opt-in).", &s.web.Asked)
	m.count("recipients_erased_total", "People who erased their data on the page.", &s.web.Erased)
	m.count("recipient_files_total", "Receipts and data downloads given on the page.", &s.web.Taken)
	m.count("recipient_pages_total", "Pages shown for a valid link.", &s.web.Shown)
}
