package metric

import (
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrape returns what a scrape is answered.
func scrape(t testing.TB, all ...prometheus.Collector) string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(all...)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestSet(t *testing.T) {
	var n atomic.Int64
	n.Store(42)
	set := new(Set)
	set.Count("offramp_requests_total", "h", &n, "method", "one_click")
	set.Counter("offramp_requests_total", "h", func() float64 { return 3 }, "method", "page")
	set.Level("offramp_open", "h", &n)
	set.Flag("offramp_flag", "h", func() bool { return true })
	text := scrape(t, *set...)
	for _, line := range []string{
		"# TYPE offramp_requests_total counter", `offramp_requests_total{method="one_click"} 42`, `offramp_requests_total{method="page"} 3`,
		"# TYPE offramp_open gauge", "offramp_open 42", "offramp_flag 1",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("lacks %s", line)
		}
	}
}

// A series may be without values, and one that is wrong spoils no other.
func TestSeries(t *testing.T) {
	known := []Sample{{Labels: []string{"a.example", "messages"}, Value: 10}, {Labels: []string{"odd\n\"name", "messages"}, Value: 3}}
	series := Series{Name: "offramp_limit", Help: "h", Labels: []string{"relay", "kind"}, Values: func() []Sample { return known }}
	set := Set{series}
	set.Gauge("offramp_open", "h", func() float64 { return 1.5 })
	text := scrape(t, set...)
	for _, line := range []string{"# TYPE offramp_limit gauge", `offramp_limit{kind="messages",relay="a.example"} 10`, `offramp_limit{kind="messages",relay="odd\n\"name"} 3`} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("lacks %s", line)
		}
	}
	for name, some := range map[string][]Sample{"none": nil, "broken": {{Labels: []string{"a.example"}}}} {
		known = some
		if text := scrape(t, set...); strings.Contains(text, "offramp_limit{") || !strings.Contains(text, "offramp_open 1.5") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
