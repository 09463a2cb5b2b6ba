package sqlite

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"offramp/store"
)

func openBench(b *testing.B) *DB {
	b.Helper()
	db, err := Open(context.Background(), Options{Dir: b.TempDir(), PersonKey: testKey})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return db
}

// cpu returns the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSpool takes messages of 10 KiB in and out again: sessions create
// and commit, four workers lease, read the body and settle.
func BenchmarkSpool(b *testing.B) {
	for _, sessions := range []int{1, 20, 50} {
		b.Run(fmt.Sprint("sessions=", sessions), func(b *testing.B) { benchmarkSpool(b, sessions) })
	}
}

func benchmarkSpool(b *testing.B, sessions int) {
	ctx := context.Background()
	db := openBench(b)
	s := db.Spool()
	body := make([]byte, 10<<10)
	header := make([]byte, 1200)
	for i := range body {
		body[i] = byte('a' + i%26)
	}
	commits := db.spool.file.writer.commits.Load()
	start := cpu()
	b.ResetTimer()
	var made, left atomic.Int64
	wake := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for range sessions {
		wg.Go(func() {
			for i := made.Add(1); i <= int64(b.N); i = made.Add(1) {
				d, err := s.Create(ctx)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = d.Write(body)
				m := &store.Message{ID: fmt.Sprintf("Q%012d", i), Received: time.Now(), ReversePath: "news@example.com", Header: header, MessageID: "<a@b>", List: "news.example.com", BodyHash: body[:32]}
				if err := d.Commit(ctx, m, []store.Recipient{{Address: "someone@example.net", Domain: "example.net"}}); err != nil {
					b.Error(err)
					return
				}
				select {
				case wake <- struct{}{}:
				default:
				}
			}
		})
	}
	leases := make(chan store.Job, 64)
	wg.Go(func() {
		defer close(leases)
		for n := 0; n < b.N; {
			jobs, err := s.Lease(ctx, time.Now(), 64, nil)
			if err != nil {
				b.Error(err)
				return
			}
			if len(jobs) == 0 {
				<-wake
			}
			n += len(jobs)
			for _, j := range jobs {
				leases <- j
			}
		}
	})
	for range sessions {
		wg.Go(func() {
			for j := range leases {
				r, err := s.Body(ctx, j.Message.ID)
				if err == nil {
					_, err = io.Copy(io.Discard, r)
				}
				if err != nil {
					b.Error(err)
				}
				if err := s.Settle(ctx, store.Result{Recipient: j.Recipient.ID}); err != nil {
					b.Error(err)
				}
				left.Add(1)
				select {
				case wake <- struct{}{}:
				default:
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	n := float64(b.N)
	b.ReportMetric(float64((cpu()-start).Microseconds())/n, "cpu-us/msg")
	b.ReportMetric(n/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(db.spool.file.writer.commits.Load()-commits)/n, "commits/msg")
	if left.Load() != int64(b.N) {
		b.Fatalf("%d of %d messages left", left.Load(), b.N)
	}
}

// BenchmarkDecide records opt-outs of 50 people at a time.
func BenchmarkDecide(b *testing.B) {
	ctx := context.Background()
	c := openBench(b).Consent()
	start := cpu()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				r := fmt.Sprintf("person%d@example.com", i)
				e := store.Event{Time: time.Now(), Kind: store.EventUnsubscribed, Recipient: r, List: "news.example.com", Way: store.OneClick, IP: "192.0.2.1", UserAgent: "Mozilla/5.0"}
				ch := store.Choice{Recipient: r, List: "news.example.com", State: store.Unsubscribed, Since: time.Now(), Way: store.OneClick}
				if _, err := c.Decide(ctx, store.Change{Choices: []store.ChoiceChange{{Choice: ch, Event: e}}}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N), "cpu-us/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

// BenchmarkUsage asks what the spool holds and how much room there is.
func BenchmarkUsage(b *testing.B) {
	ctx := context.Background()
	s := openBench(b).Spool()
	if err := commitSize(s, "Q1", 100); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Usage(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
