package gateway_test

import (
	"bufio"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/sink"
)

var update = flag.Bool("update", false, "write the golden files")

// Dashboards and alarms go by name, type and labels: they change on purpose only.
func TestMetricsStay(t *testing.T) {
	h := newHouse(t, sink.Options{})
	h.parts.CertificateEnd = time.Now
	g, _ := h.run()
	r, err := http.Get("http://" + g.Addrs().Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var got []string
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		line := lines.Text()
		if name, isComment := strings.CutPrefix(line, "# "); isComment {
			_, name, _ = strings.Cut(name, " ")
			if strings.HasPrefix(name, "offramp_") {
				got = append(got, line)
			}
		} else if strings.HasPrefix(line, "offramp_") && !strings.Contains(line, "_bucket{") {
			got = append(got, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	text := strings.Join(got, "\n") + "\n"
	golden := filepath.Join("testdata", "metrics.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), text); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, "offramp_scrub_due") }) {
		t.Error("nothing about what was erased")
	}
}
