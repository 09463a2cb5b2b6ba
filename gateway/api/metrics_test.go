package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// broken is a collector that fails, as one does whose store is away.
type broken struct{ desc *prometheus.Desc }

func (b broken) Describe(descs chan<- *prometheus.Desc) { descs <- b.desc }

func (b broken) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.NewInvalidMetric(b.desc, errors.New("/var/lib/offramp/spool.db is gone"))
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "offramp_open", Help: "h"}, func() float64 { return 1.5 })
	w.api.Collectors = []prometheus.Collector{open, broken{prometheus.NewDesc("offramp_away", "h", nil, nil)}}
	w.handler = w.api.Handler()
	res, text := w.send(request("GET", "/metrics", ""))
	for _, line := range []string{
		`offramp_build_info{revision="abc",version="1.2.3"} 1`,
		"# TYPE offramp_open gauge", "offramp_open 1.5",
		"# TYPE go_goroutines gauge", "# TYPE process_cpu_seconds_total counter",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("lacks %s", line)
		}
	}
	// What fails leaves the rest as it is, and shows nothing of itself.
	if res.StatusCode != 200 || strings.Contains(text, "offramp_away ") || strings.Contains(text, "spool.db") {
		t.Errorf("%s: %s", res.Status, text)
	}
	defer func() {
		if recover() == nil {
			t.Error("a name given twice was taken")
		}
	}()
	w.api.Collectors = append(w.api.Collectors, open)
	w.api.Handler()
}
