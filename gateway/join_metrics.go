package gateway

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/hook"
	"offramp/gateway/metric"
)

// collectors returns the metrics of every room.
func (g *Gateway) collectors(p Parts, s *stats, hooks *hook.Hooks) []prometheus.Collector {
	own := new(metric.Set)
	own.Count("offramp_log_lines_left_out_total", "Lines of the log left out because one network of strangers caused too many.", &s.leftOut)
	if p.CertificateEnd != nil {
		own.Gauge("offramp_tls_certificate_expiry_timestamp_seconds", "When the TLS certificate expires.",
			func() float64 { return float64(p.CertificateEnd().Unix()) })
	}
	files := metric.Store{Consent: p.Consent, Spool: p.Spool, Scrubber: p.Scrubber, Now: p.Now}
	return slices.Concat(*own, files.Collectors(), g.clock.Collectors(), g.access.Collectors(),
		s.smtp.Collectors(), s.relay.Collectors(), s.consent.Collectors(), s.queue.Collectors(), s.nextHop.Collectors(), g.hops.Collectors(),
		s.feedback.Collectors(), s.hook.Collectors(), hooks.Collectors(), s.web.Collectors(), s.policy.Collectors(), s.chain.Collectors(), s.outbox.Collectors())
}
