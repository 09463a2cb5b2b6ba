package jobs

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/exchange"
	"offramp/store"
)

func sorted(t *testing.T, all []exchange.Record, most int) (got []exchange.Record, offsets []int64) {
	t.Helper()
	dir := t.TempDir()
	s := &sorter{most: most, name: func(n int) string { return filepath.Join(dir, fmt.Sprint(n)) }}
	for _, r := range all {
		if err := s.add(record{r}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := createSorted(filepath.Join(dir, "out"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.write(out), out.close(true)); err != nil {
		t.Fatal(err)
	}
	if most < 10_000 && s.runs < 2 {
		t.Errorf("%d runs", s.runs)
	}
	return readSorted(t, filepath.Join(dir, "out"), 0)
}

func readSorted(t *testing.T, name string, offset int64) (got []exchange.Record, offsets []int64) {
	t.Helper()
	in, err := openSorted(name, offset, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	for {
		offsets = append(offsets, in.at)
		var r record
		if err := in.next(&r); err == io.EOF {
			return got, offsets
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Record)
	}
}

// However little memory there is, records come out in order and once each, with the
// earliest date and the latest end.
func TestSorted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	reasons := []store.Reason{store.ReasonManual, store.ReasonBounced, store.ReasonComplained}
	var all []exchange.Record
	for i := range 2000 {
		r := exchange.Record{
			Recipient: fmt.Sprintf("p%d@example.org", random.IntN(300)), List: fmt.Sprint("l", random.IntN(2)), Reason: reasons[random.IntN(3)],
			Since: testNow.Add(-time.Duration(random.IntN(1000)) * time.Hour), Note: fmt.Sprint("note ", i, " \x00\xff"), Source: "page",
		}
		if random.IntN(3) > 0 {
			r.Until = testNow.Add(time.Duration(random.IntN(1000)) * time.Hour)
		}
		all = append(all, r)
	}
	want := map[string]exchange.Record{}
	for _, r := range all {
		key := r.Recipient + " " + r.List + " " + string(r.Reason)
		have, ok := want[key]
		if !ok {
			want[key] = r
			continue
		}
		if r.Since.Before(have.Since) {
			have.Since = r.Since
		}
		if r.Until.IsZero() || !have.Until.IsZero() && r.Until.After(have.Until) {
			have.Until = r.Until
		}
		want[key] = have
	}
	whole, _ := sorted(t, all, 1<<30)
	for i, r := range whole {
		if i > 0 && compare(&record{whole[i-1]}, &record{r}) >= 0 {
			t.Errorf("%+v comes after %+v", r, whole[i-1])
		}
		if d := cmp.Diff(want[r.Recipient+" "+r.List+" "+string(r.Reason)], r); d != "" {
			t.Error(d)
		}
	}
	if len(whole) != len(want) {
		t.Errorf("%d records, want %d", len(whole), len(want))
	}
	parts, _ := sorted(t, all, 5_000)
	if d := cmp.Diff(whole, parts); d != "" {
		t.Error(d)
	}
	if none, _ := sorted(t, nil, 1<<20); len(none) > 0 {
		t.Error(none)
	}
}

// A file that is cut or changed is an error, and from each offset the rest is read.
func TestSortedFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	w, err := createSorted(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := w.add(&record{exchange.Record{Recipient: fmt.Sprintf("p%02d@example.org", i), Reason: store.ReasonManual, Since: testNow}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(false); err != nil {
		t.Fatal(err)
	}
	all, offsets := readSorted(t, name, 0)
	for i, offset := range offsets {
		if rest, _ := readSorted(t, name, offset); len(rest) != 20-i || i < 20 && !cmp.Equal(rest, all[i:]) {
			t.Errorf("from %d: %d records", offset, len(rest))
		}
	}
	in, err := openSorted(name, offsets[3]+1, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	for {
		var r record
		if err := in.next(&r); err == io.EOF {
			t.Fatal("a wrong offset reads as if nothing were wrong")
		} else if err != nil {
			if !errors.Is(err, errSorted) {
				t.Error(err)
			}
			return
		}
	}
}
