package sqlite

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"offramp/store"
)

var importRows = flag.Int("import-rows", 100_000, "how many rows the import of the benchmark has")

// BenchmarkImport records rows of people who are not known, in the order of their keys.
func BenchmarkImport(b *testing.B) {
	for _, batch := range []int{500, 2000} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			for b.Loop() {
				benchmarkImport(b, batch)
			}
		})
	}
}

func benchmarkImport(b *testing.B, batch int) {
	ctx := context.Background()
	c := openBench(b).Consent()
	if err := c.Verified(ctx); err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	j := store.FileJob{ID: "j", State: store.JobRunning, Created: now, Changed: now}
	if err := c.AddJob(ctx, j); err != nil {
		b.Fatal(err)
	}
	j, err := c.Job(ctx, "j")
	if err != nil {
		b.Fatal(err)
	}
	start, begun, longest := cpu(), time.Now(), time.Duration(0)
	for n := 0; n < *importRows; n += batch {
		rows := make([]store.ImportRow, batch)
		for i := range rows {
			who := fmt.Sprintf("person%09d@example.com", n+i)
			rows[i] = store.ImportRow{
				Suppression: store.Suppression{Recipient: who, Reason: store.ReasonBounced, Since: now, Note: "550 5.1.1 no such user"},
				Event:       store.Event{Time: now, Kind: store.EventSuppressed, Recipient: who, Reason: store.ReasonBounced, Way: store.Imported, Who: "admin", Detail: "550 5.1.1 no such user"},
			}
		}
		at := time.Now()
		if j, err = c.Import(ctx, j, rows); err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(at))
	}
	if j.Tally.Added != int64(*importRows) {
		b.Fatalf("%+v", j.Tally)
	}
	rows := float64(*importRows)
	b.ReportMetric(float64((cpu()-start).Nanoseconds())/1000/rows, "cpu-us/row")
	b.ReportMetric(float64(time.Since(begun).Nanoseconds())/1000/rows, "us/row")
	b.ReportMetric(float64(longest.Milliseconds()), "longest-ms")
}
