package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"offramp/store"
)

// TestScheduleModel compares the order of work with a plain list of it.
func TestScheduleModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s schedule
	s.replace(nil, counts{})
	var model []waits // not leased
	leased := map[int64]waits{}
	for step := range 1500 {
		skip := map[string]bool{}
		for range r.IntN(3) {
			skip[fmt.Sprint("d", r.IntN(5))] = true
		}
		now := int64(r.IntN(1000))
		switch r.IntN(4) {
		case 0, 1:
			w := waits{domain: fmt.Sprint("d", r.IntN(5)), next: int64(r.IntN(1000)), id: int64(step)}
			s.apply(&change{due: []waits{w}})
			model = append(model, w)
		case 2:
			limit := r.IntN(4)
			slices.SortFunc(model, func(a, b waits) int { return cmp.Or(cmp.Compare(a.next, b.next), cmp.Compare(a.id, b.id)) })
			var want []int64
			model = slices.DeleteFunc(model, func(w waits) bool {
				if len(want) == limit || w.next > now || skip[w.domain] {
					return false
				}
				want = append(want, w.id)
				leased[w.id] = w
				return true
			})
			var got []int64
			for _, h := range s.due(now, limit, skip) {
				got = append(got, h.id)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("step %d: due %v, want %v", step, got, want)
			}
		case 3:
			for id, w := range leased { // one of them
				delete(leased, id)
				if r.IntN(2) == 0 {
					w.next = int64(r.IntN(1000))
					model = append(model, w)
					s.apply(&change{settled: []int64{id}, due: []waits{w}})
				} else {
					s.apply(&change{settled: []int64{id}})
				}
				break
			}
		}
		first, ok := s.first(skip)
		want := int64(-1)
		for _, w := range model {
			if !skip[w.domain] && (want < 0 || w.next < want) {
				want = w.next
			}
		}
		if ok != (want >= 0) || ok && first.next != want {
			t.Fatalf("step %d: first %d %t, want %d", step, first.next, ok, want)
		}
	}
}

// TestScheduleKeepsHints: a hint that comes up while its recipient is leased
// is not lost when the lease ends without a new one.
func TestScheduleKeepsHints(t *testing.T) {
	var s schedule
	s.replace([]waits{{"d", 1, 7}}, counts{})
	if !s.reserve(7) || s.reserve(7) {
		t.Fatal("reserved once")
	}
	if got := s.due(5, 9, nil); len(got) != 0 {
		t.Fatal("leased while it was reserved")
	}
	s.unlease([]int64{7})
	if got := s.due(5, 9, nil); len(got) != 1 || got[0].id != 7 {
		t.Fatalf("after a removal that failed: %v", got)
	}
}

// BenchmarkLease leases from a queue of 100,000 recipients, most of them for
// a destination that is to be skipped.
func BenchmarkLease(b *testing.B) {
	ctx := context.Background()
	db := openBench(b)
	s := db.Spool()
	const n = 100_000
	for i := range n / 1000 {
		d, err := s.Create(ctx)
		if err != nil {
			b.Fatal(err)
		}
		rs := make([]store.Recipient, 1000)
		for k := range rs {
			rs[k].Domain = "slow.example"
			if k%10 == 0 {
				rs[k].Domain = fmt.Sprint("d", k)
			}
		}
		if err := d.Commit(ctx, &store.Message{ID: fmt.Sprint(i)}, rs); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		jobs, err := s.Lease(ctx, time.Now(), 20, []string{"slow.example"})
		if err != nil || len(jobs) != 20 {
			b.Fatalf("%d jobs, %v", len(jobs), err)
		}
		s.giveBack(jobs)
	}
}
