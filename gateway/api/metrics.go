package api

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics returns the handler of /metrics with a registry of its own.
func (s *server) metrics() handle {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "offramp_build_info", Help: "Always 1; the labels say what runs.",
			ConstLabels: prometheus.Labels{"version": s.Version, "revision": s.Revision},
		}, func() float64 { return 1 }),
	)
	registry.MustRegister(s.Collectors...)
	h := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		// Metrics that can be had are worth more than none.
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(s.log().Handler(), slog.LevelWarn),
	})
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}
