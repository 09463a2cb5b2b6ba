package sqlite

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"offramp/store"
)

// What is kept already costs no write, until it is a day older.
func TestATargetThatIsThereWritesNothing(t *testing.T) {
	ctx := context.Background()
	c := openTest(t, Options{Dir: t.TempDir()}).Consent()
	target := store.Target{Recipient: gone, List: "l", URI: "https://app.example/1", Since: moment(1)}
	for i, step := range []struct {
		after time.Duration
		uri   string
		want  int64
	}{{0, "1", 1}, {0, "1", 0}, {23 * time.Hour, "1", 0}, {24 * time.Hour, "1", 1}, {25 * time.Hour, "2", 1}} {
		target.Since, target.URI = moment(1).Add(step.after), "https://app.example/"+step.uri
		before := c.file.writer.commits.Load()
		must(t, c.KeepTargets(ctx, target))
		if n := c.file.writer.commits.Load() - before; n != step.want {
			t.Errorf("%d commits at step %d, want %d", n, i, step.want)
		}
	}
}

// BenchmarkKeepTargets is what a message costs more: a look, and for a new target a
// commit that 50 of them share.
func BenchmarkKeepTargets(b *testing.B) {
	ctx := context.Background()
	c := openBench(b).Consent()
	b.Run("there", func(b *testing.B) {
		for b.Loop() {
			if err := c.KeepTargets(ctx, store.Target{Recipient: gone, List: "l", URI: "https://app.example/1", Since: moment(1)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		var next atomic.Int64
		b.SetParallelism(50)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				n := next.Add(1)
				t := store.Target{Recipient: fmt.Sprintf("p%d@x.example", n%100_000), List: "l", URI: fmt.Sprintf("https://app.example/subscription/%036d/%036d", n, b.N), Since: moment(int(n % 1000))}
				if err := c.KeepTargets(ctx, t); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
