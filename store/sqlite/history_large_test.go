package sqlite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"offramp/store"
)

// One of a million messages is found in less than 50 ms, also when nothing of the
// files is in memory. Without -torture it is one of nine thousand.
func TestOneOfAMillionMessages(t *testing.T) {
	messages, looks, colds := 9_000, 100, 3
	if tortured() {
		messages, looks, colds = 1_000_000, 2000, 100
	}
	ctx := t.Context()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	s := db.Spool()
	began := time.Now()
	for i := range messages {
		m := &store.Message{
			ID: fmt.Sprintf("3DQ7ZK5M%08d", i), MessageID: fmt.Sprintf("<%016x.%d@shop.example.com>", i*7919, i), Received: moment(i / 1000),
			ReversePath: "bounces@news.example.com", List: "news.example.com", Client: "192.0.2.17", Login: "newsletter",
		}
		must(t, s.Note(ctx, m, store.Stopped{Recipient: store.Recipient{Address: personAt(i % (messages / 2))}, Reason: store.ReasonManual}))
		if i%5000 == 4999 {
			written(t, s)
		}
	}
	must(t, s.index(ctx))
	t.Logf("%d messages recorded and indexed in %s", messages, time.Since(began).Round(time.Millisecond))
	var size int64
	must(t, s.file.truncate(ctx))
	if info, err := os.Stat(filepath.Join(dir, spoolFile)); err == nil {
		size = info.Size()
	}
	t.Logf("%d bytes on disk for each, of which the bound counts %d", size/int64(messages), s.history.total/int64(messages))
	random := rand.New(rand.NewPCG(1, 1))
	for what, f := range map[string]func(i int) store.FateFilter{
		"by recipient": func(i int) store.FateFilter { return store.FateFilter{Person: personAt(i % (messages / 2))} },
		"by Message-ID": func(i int) store.FateFilter {
			return store.FateFilter{MessageID: fmt.Sprintf("<%016x.%d@shop.example.com>", i*7919, i)}
		},
		"by queue id": func(i int) store.FateFilter { return store.FateFilter{QueueID: fmt.Sprintf("3DQ7ZK5M%08d", i)} },
		"unknown":     func(i int) store.FateFilter { return store.FateFilter{Person: fmt.Sprint("nobody", i, "@example.org")} },
	} {
		for _, cold := range []bool{true, false} {
			n := looks
			if cold {
				n = colds
			}
			var took []time.Duration
			for range n {
				if cold {
					must(t, db.Close())
					uncache(t, dir)
					db = openTest(t, Options{Dir: dir})
					s = db.Spool()
				}
				i := random.IntN(messages)
				start := time.Now()
				a, err := s.Fates(ctx, f(i))
				took = append(took, time.Since(start))
				must(t, err)
				if want := map[string]int{"by recipient": 2, "by Message-ID": 1, "by queue id": 1}[what]; len(a.Fates) != want {
					t.Fatalf("%s: %d fates of message %d", what, len(a.Fates), i)
				}
			}
			slices.Sort(took)
			t.Logf("%-13s cold %-5v p50 %-10s p90 %-10s p99 %-10s most %s", what, cold, took[n/2], took[n*9/10], took[n*99/100], took[n-1])
			// The disk and the machine are others' as well: hence the median.
			if took[n/2] > 50*time.Millisecond {
				t.Errorf("%s, cold %v: p50 %s, p99 %s", what, cold, took[n/2], took[n*99/100])
			}
		}
	}
}

func personAt(i int) string { return fmt.Sprintf("first.last%07d@mail%d.example.net", i, i%97) }

// uncache has the system forget what it has of the files in memory.
func uncache(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	for _, path := range paths {
		f, err := os.Open(path)
		must(t, err)
		_ = f.Sync()
		const dontNeed = 4 // POSIX_FADV_DONTNEED
		if _, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0); errno != 0 {
			t.Fatal(errno)
		}
		must(t, f.Close())
	}
}
