package smtpd

import (
	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// Collectors returns the metrics of the room.
func (s *Stats) Collectors() []prometheus.Collector {
	set := new(metric.Set)
	const connections = "Connections of clients, by result."
	set.Count("offramp_smtp_connections_total", connections, &s.Connections, "result", "accepted")
	set.Count("offramp_smtp_connections_total", connections, &s.TooMany, "result", "refused")
	set.Level("offramp_smtp_open_connections", "Connections of clients open at this moment.", &s.Open)
	set.Level("offramp_smtp_stranger_connections", "Open connections of clients that are not trusted and have not logged in.", &s.Strangers)
	set.Count("offramp_smtp_sessions_total", "Sessions that greeted the server.", &s.Sessions)
	set.Count("offramp_smtp_tls_sessions_total", "Sessions under TLS.", &s.TLS)
	const logins = "Logins, by result."
	set.Count("offramp_smtp_logins_total", logins, &s.Logins, "result", "accepted")
	set.Count("offramp_smtp_logins_total", logins, &s.LoginFailed, "result", "failed")
	set.Count("offramp_smtp_logins_total", logins, &s.Throttled, "result", "throttled")
	set.Count("offramp_smtp_denied_recipients_total", "Recipients refused in the session.", &s.Denied)
	const ended = "Sessions that ended badly, by cause."
	set.Count("offramp_smtp_aborted_total", ended, &s.Incomplete, "cause", "incomplete")
	set.Count("offramp_smtp_aborted_total", ended, &s.Timeouts, "cause", "timeout")
	set.Count("offramp_smtp_aborted_total", ended, &s.Misbehaved, "cause", "protocol")
	set.Count("offramp_smtp_aborted_total", ended, &s.DrainedForce, "cause", "shutdown")
	set.Count("offramp_smtp_internal_errors_total", "Replies caused by internal errors or a full disk.", &s.Internal)
	set.Count("offramp_smtp_panics_total", "Connections that ended in a panic.", &s.Panics)
	const messages = "Messages handed over by clients, to be relayed or to the feedback domain, by result."
	set.Count("offramp_smtp_messages_total", messages, &s.Messages, "result", "accepted")
	set.Count("offramp_smtp_messages_total", messages, &s.Refused, "result", "refused")
	set.Count("offramp_smtp_messages_total", messages, &s.Deferred, "result", "deferred")
	return *set
}
