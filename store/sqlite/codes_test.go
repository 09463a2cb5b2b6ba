package sqlite

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"offramp/store"
)

// No statement on codes reads the whole table: there is one for every person
// with a long address.
func TestCodesAreFoundByIndex(t *testing.T) {
	c := openTest(t, Options{Dir: t.TempDir()}).Consent()
	for statement, want := range map[string]string{
		selectCode:    "SEARCH codes USING PRIMARY KEY (code=?)",
		selectCodesOf: "SEARCH codes USING COVERING INDEX codes_recipient (recipient=?)",
	} {
		must(t, c.file.readers.do(context.Background(), func(c *conn) error {
			var plan []string
			_, err := c.one("EXPLAIN QUERY PLAN "+statement, func(r row) { plan = append(plan, r.text(3)) }, "x")
			if got := strings.Join(plan, "; "); got != want {
				t.Errorf("%s\n%s, want %s", statement, got, want)
			}
			return err
		}))
	}
}

// What is kept already costs no write.
func TestACodeThatIsThereWritesNothing(t *testing.T) {
	ctx := context.Background()
	c := openTest(t, Options{Dir: t.TempDir()}).Consent()
	k := codeOf(gone, goneWire)
	for i, want := range []int64{1, 0, 0} {
		before := c.file.writer.commits.Load()
		if kept, err := c.KeepCode(ctx, k); err != nil || !kept {
			t.Fatalf("kept %v, %v", kept, err)
		}
		if n := c.file.writer.commits.Load() - before; n != want {
			t.Errorf("%d commits at call %d, want %d", n, i+1, want)
		}
	}
	must(t, c.Erase(ctx, gone, store.Event{Time: moment(1), Kind: store.EventErased, Way: store.Page}))
	before := c.file.writer.commits.Load()
	if kept, err := c.KeepCode(ctx, k); err != nil || kept {
		t.Fatalf("kept %v, %v", kept, err)
	}
	if n := c.file.writer.commits.Load() - before; n != 0 {
		t.Errorf("%d commits for an erased one", n)
	}
}

// BenchmarkKeepCode is what a message to a long address costs more: a look, and
// for the first one a commit that 50 of them share.
func BenchmarkKeepCode(b *testing.B) {
	ctx := context.Background()
	c := openBench(b).Consent()
	b.Run("there", func(b *testing.B) {
		for b.Loop() {
			if kept, err := c.KeepCode(ctx, codeOf(gone, goneWire)); err != nil || !kept {
				b.Fatal(kept, err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		var next atomic.Int64
		b.SetParallelism(50)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				who := fmt.Sprintf("person%d.%d@%s", b.N, next.Add(1), gone)
				if kept, err := c.KeepCode(ctx, codeOf(who, who)); err != nil || !kept {
					b.Error(kept, err)
				}
			}
		})
	})
}
