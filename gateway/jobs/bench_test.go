package jobs

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

var benchRows = flag.Int("import-rows", 100_000, "how many rows the file of the benchmark has")

// resident is how much memory the process has had at most, in MiB.
func resident(b *testing.B) float64 {
	b.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	for line := range strings.Lines(string(raw)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}

// BenchmarkImport imports a file of rows in no order, alone, and while somebody
// unsubscribes every 5 ms.
func BenchmarkImport(b *testing.B) {
	for _, name := range []string{"alone", "with opt-outs"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := newWorld(b, b.TempDir())
				job, err := w.Import(b.Context(), "admin", Spec{Start: true}, strings.NewReader(crashFile(*benchRows)))
				if err != nil {
					b.Fatal(err)
				}
				ctx, stop := context.WithCancel(b.Context())
				latencies := make(chan []time.Duration, 1)
				if name == "alone" {
					latencies <- nil
				} else {
					go func() { latencies <- w.optOuts(ctx, b) }()
				}
				begun := time.Now()
				w.work(b)
				took := time.Since(begun)
				stop()
				if job = w.job(b, job.ID); job.State != store.JobDone {
					b.Fatalf("%+v", job)
				}
				b.ReportMetric(float64(took.Nanoseconds())/1000/float64(*benchRows), "us/row")
				b.ReportMetric(resident(b), "MiB-resident")
				if all := <-latencies; len(all) > 0 {
					slices.Sort(all)
					b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
					b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
					b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "longest-ms")
				}
			}
		})
	}
}

// optOuts has people unsubscribe until ctx ends, and returns how long each waited.
func (w *world) optOuts(ctx context.Context, b *testing.B) (all []time.Duration) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return all
		case <-tick.C:
		}
		to, err := envelope.Parse(fmt.Sprintf("clicks%d@example.org", i))
		if err != nil {
			b.Error(err)
		}
		begun := time.Now()
		if _, err := w.people.OptOut(context.WithoutCancel(ctx), consent.Subject{Recipient: to, List: "news"}, store.OneClick, consent.Evidence{}); err != nil {
			b.Error(err)
		}
		all = append(all, time.Since(begun))
	}
}
