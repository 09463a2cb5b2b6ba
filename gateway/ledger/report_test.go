package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/store"
)

// records answers as an engine does.
type records struct {
	optOuts []store.OptOut
	readers []store.Reader
	most    int // the largest page asked for
	failAt  int // the call of OptOuts that fails; 0: none
	calls   int
}

func (r *records) OptOuts(_ context.Context, since time.Time, after int64, limit int) ([]store.OptOut, error) {
	r.calls++
	if r.calls == r.failAt {
		return nil, store.ErrUnavailable
	}
	r.most = max(r.most, limit)
	var out []store.OptOut
	for _, o := range r.optOuts {
		if o.Event.ID > after && !o.Event.Time.Before(since) && len(out) < limit {
			out = append(out, o)
		}
	}
	return out, nil
}

func (r *records) Readers(context.Context) ([]store.Reader, error) { return r.readers, nil }

// Monday.
var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func optOut(id int64, at time.Time, took time.Duration, way store.Way) store.OptOut {
	o := store.OptOut{Event: store.Event{ID: id, Time: at, Kind: store.EventUnsubscribed, Way: way}}
	if took >= 0 {
		o.InForce = at.Add(took)
	}
	return o
}

func TestReportCountsThePeriod(t *testing.T) {
	src := &records{optOuts: []store.OptOut{
		optOut(1, start.Add(-time.Hour), time.Second, store.OneClick), // before the period
		optOut(3, start, 10*time.Millisecond, store.OneClick),
		optOut(5, start, 49*time.Hour, store.Mail), // late for Gmail
		optOut(6, start.Add(time.Hour), -1, store.Page),
		optOut(9, start.Add(2*time.Hour), 20*time.Millisecond, store.OneClick),
	}}
	got, err := MakeReport(t.Context(), src, start, start.Add(72*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[store.Way]int64{store.OneClick: 2, store.Mail: 1, store.Page: 1}; !cmp.Equal(got.ByWay, want) || got.OptOuts != 4 || got.Unrecorded != 1 {
		t.Errorf("%d opt-outs, %d unrecorded, %v", got.OptOuts, got.Unrecorded, got.ByWay)
	}
	if got.Time.Longest != 49*time.Hour || got.Time.P95 != 49*time.Hour || !near(got.Time.Median, 20*time.Millisecond) {
		t.Errorf("%+v", got.Time)
	}
	type line struct {
		name         string
		kept, missed int64
		left         time.Duration
		event        int64
	}
	var lines []line
	for _, d := range got.Deadlines {
		lines = append(lines, line{d.Name, d.Kept, d.Missed, d.Left, d.Event})
	}
	const day = 24 * time.Hour
	if want := []line{
		{"48 hours", 2, 1, -time.Hour, 5},
		{"5 business days", 3, 0, 4*day - 49*time.Hour, 5},
		{"5 working days", 3, 0, 6*day - 49*time.Hour, 5}, // it is Tuesday there already
		{"10 business days", 3, 0, 14*day - 49*time.Hour, 5},
		{"15 business days", 3, 0, 21*day - 49*time.Hour, 5},
		{"one month", 3, 0, 30*day - 49*time.Hour, 5},
	}; !slices.Equal(lines, want) {
		t.Errorf("%+v, want %+v", lines, want)
	}
}

// near says whether got is want or too long by less than a 128th.
func near(got, want time.Duration) bool { return got >= want && got-want < want/128+1 }

func TestReportOfNothing(t *testing.T) {
	got, err := MakeReport(t.Context(), &records{}, start, start)
	if err != nil || got.OptOuts != 0 || got.Time != (Spread{}) || len(got.Deadlines) != 6 || got.Deadlines[0].Event != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// More than a page is read in pages, each opt-out once.
func TestReportReadsInPages(t *testing.T) {
	src := &records{}
	for i := range int64(2*page + 1) {
		src.optOuts = append(src.optOuts, optOut(2*i+1, start, time.Millisecond, store.Mail))
	}
	got, err := MakeReport(t.Context(), src, start, start)
	if err != nil || got.OptOuts != 2*page+1 || got.Deadlines[0].Kept != 2*page+1 || src.most != page {
		t.Errorf("%d opt-outs, pages of %d, %v", got.OptOuts, src.most, err)
	}
	for fail := 1; fail <= 3; fail++ {
		src.calls, src.failAt = 0, fail
		if _, err := MakeReport(t.Context(), src, start, start); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("call %d fails: %v", fail, err)
		}
	}
}

func TestReaderThatIsBehind(t *testing.T) {
	old := start.Add(-11 * 24 * time.Hour) // Thursday, 7 business days before
	src := &records{
		optOuts: []store.OptOut{optOut(4, old, 0, store.Mail), optOut(8, start, 0, store.Mail)},
		readers: []store.Reader{{Name: "crm", Through: 3}, {Name: "shop", Through: 7}, {Name: "wiki", Through: 8}},
	}
	got, err := MakeReport(t.Context(), src, start, start)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		name   string
		oldest int64
		age    time.Duration
		over   []bool
	}
	var lines []line
	for _, b := range got.Readers {
		l := line{name: b.Name, age: b.Age}
		if b.Oldest != nil {
			l.oldest = b.Oldest.ID
		}
		for _, d := range b.Due {
			l.over = append(l.over, d.Overdue)
		}
		lines = append(lines, l)
	}
	want := []line{
		{"crm", 4, 11 * 24 * time.Hour, []bool{true, true, true, false, false, false}},
		{"shop", 8, 0, make([]bool, 6)},
		{"wiki", 0, 0, nil},
	}
	if d := cmp.Diff(want, lines, cmp.AllowUnexported(line{})); d != "" {
		t.Error(d)
	}
	src.failAt = src.calls // the last call, of a reader
	src.calls = 0
	if _, err := MakeReport(t.Context(), src, start, start); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestDeadlines(t *testing.T) {
	const layout = "Mon 2006-01-02 15:04"
	for _, c := range []struct {
		received, hours, australia, newZealand, ten, fifteen, month string
	}{
		{"Mon 2026-11-23 12:00", "Wed 2026-11-25 12:00", "Fri 2026-11-27 12:00", "Sun 2026-11-29 12:00", "Mon 2026-12-07 12:00", "Mon 2026-12-14 12:00", "Wed 2026-12-23 12:00"},
		{"Fri 2026-11-27 23:59", "Sun 2026-11-29 23:59", "Thu 2026-12-03 23:59", "Wed 2026-12-02 23:59", "Fri 2026-12-11 23:59", "Fri 2026-12-18 23:59", "Sun 2026-12-27 23:59"},
		{"Sat 2026-11-28 00:00", "Mon 2026-11-30 00:00", "Fri 2026-12-04 00:00", "Thu 2026-12-03 00:00", "Fri 2026-12-11 00:00", "Fri 2026-12-18 00:00", "Mon 2026-12-28 00:00"},
		{"Sun 2026-11-29 08:00", "Tue 2026-12-01 08:00", "Fri 2026-12-04 08:00", "Thu 2026-12-03 08:00", "Fri 2026-12-11 08:00", "Fri 2026-12-18 08:00", "Tue 2026-12-29 08:00"},
		{"Sun 2026-11-29 22:00", "Tue 2026-12-01 22:00", "Thu 2026-12-03 22:00", "Thu 2026-12-03 22:00", "Fri 2026-12-11 22:00", "Fri 2026-12-18 22:00", "Tue 2026-12-29 22:00"},
		{"Sun 2027-01-31 09:00", "Tue 2027-02-02 09:00", "Fri 2027-02-05 09:00", "Thu 2027-02-04 09:00", "Fri 2027-02-12 09:00", "Fri 2027-02-19 09:00", "Sun 2027-02-28 09:00"},
		{"Fri 2027-01-29 09:00", "Sun 2027-01-31 09:00", "Thu 2027-02-04 09:00", "Thu 2027-02-04 09:00", "Fri 2027-02-12 09:00", "Fri 2027-02-19 09:00", "Sun 2027-02-28 09:00"},
		{"Mon 2028-01-31 09:00", "Wed 2028-02-02 09:00", "Fri 2028-02-04 09:00", "Fri 2028-02-04 09:00", "Sat 2028-02-12 09:00", "Mon 2028-02-21 09:00", "Tue 2028-02-29 09:00"},
		{"Thu 2026-12-31 09:00", "Sat 2027-01-02 09:00", "Wed 2027-01-06 09:00", "Wed 2027-01-06 09:00", "Thu 2027-01-14 09:00", "Thu 2027-01-21 09:00", "Sun 2027-01-31 09:00"},
	} {
		at, err := time.Parse(layout, c.received)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{c.hours, c.australia, c.newZealand, c.ten, c.fifteen, c.month}
		// The same moment in another zone is due at the same moment.
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("x", -11*3600), time.FixedZone("y", 14*3600)} {
			for i, d := range Deadlines() {
				if got := d.Due(at.In(zone)).UTC().Format(layout); got != want[i] {
					t.Errorf("%s (%s) of %s in %s: %s, want %s", d.Name, d.For, c.received, zone, got, want[i])
				}
			}
		}
	}
}

// Counted as the laws do, by calendar days where the person or the sender is, no
// deadline is later.
func TestNoDeadlineIsLaterThanTheLaw(t *testing.T) {
	midnight := func(t time.Time, days int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, t.Location())
	}
	// after is the start of the n-th business day after the day of t.
	after := func(t time.Time, n int) time.Time {
		day := midnight(t, 0)
		for n > 0 {
			if day = midnight(day, 1); day.Weekday()%6 != 0 {
				n--
			}
		}
		return day
	}
	laws := map[string]struct {
		west, east float64 // zones in hours
		end        func(time.Time) time.Time
	}{
		"Australia": {8, 11, func(t time.Time) time.Time {
			if t.Weekday()%6 != 0 {
				return midnight(after(t, 4), 1)
			}
			return midnight(after(t, 5), 1)
		}},
		"New Zealand":    {12, 13.75, func(t time.Time) time.Time { return after(t, 5) }},
		"CAN-SPAM, CASL": {-10, -2.5, func(t time.Time) time.Time { return midnight(after(t, 10), 1) }},
		"CCPA":           {-8, -7, func(t time.Time) time.Time { return midnight(after(t, 15), 1) }},
		"GDPR, UK GDPR": {0, 3, func(t time.Time) time.Time {
			next := time.Date(t.Year(), t.Month()+2, 0, 0, 0, 0, 0, t.Location()) // last day of the next month
			if t.Day() < next.Day() {
				next = time.Date(t.Year(), t.Month()+1, t.Day(), 0, 0, 0, 0, t.Location())
			}
			return midnight(next, 1)
		}},
	}
	for _, d := range Deadlines()[1:] {
		law, ok := laws[d.For]
		if !ok || d.Source == "" || len(d.Since) != len(time.DateOnly) {
			t.Errorf("%s for %s: nothing to compare with", d.Name, d.For)
			continue
		}
		for at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == 2027; at = at.Add(30 * time.Minute) {
			due := d.Due(at)
			for hours := law.west; hours <= law.east; hours += 0.5 {
				local := at.In(time.FixedZone(fmt.Sprint(hours), int(hours*3600)))
				if end := law.end(local); due.After(end) || end.Sub(due) > 5*24*time.Hour {
					t.Fatalf("%s for %s, received %v: due %v, by law %v", d.Name, d.For, local, due, end)
				}
			}
		}
	}
}

func TestQuantiles(t *testing.T) {
	for name, c := range map[string]struct {
		all         []time.Duration
		median, p95 time.Duration
	}{
		"none":       {nil, 0, 0},
		"one":        {[]time.Duration{time.Minute}, time.Minute, time.Minute},
		"two":        {[]time.Duration{time.Second, time.Hour}, time.Second, time.Hour},
		"set back":   {[]time.Duration{-time.Second}, 0, 0},
		"short ones": {[]time.Duration{1000, 2000, 3000, 255000, 255000}, 3000, 255000},
		"very long":  {[]time.Duration{200 * 365 * 24 * time.Hour}, 200 * 365 * 24 * time.Hour, 200 * 365 * 24 * time.Hour},
	} {
		s := new(durations)
		for _, d := range c.all {
			s.add(d)
		}
		if m, p := s.quantile(0.5), s.quantile(0.95); !near(m, c.median) || !near(p, c.p95) {
			t.Errorf("%s: %s and %s, want %s and %s", name, m, p, c.median, c.p95)
		}
	}
}

// Every duration lies in its class, and no class is wider than promised.
func TestClasses(t *testing.T) {
	for us := int64(0); us < 1<<62; us += us/4 + 1 {
		c := class(us)
		if end(c) < us || end(c)-us >= us/128+1 || c > 0 && end(c-1) >= us {
			t.Fatalf("%d lies in class %d, which ends at %d and begins after %d", us, c, end(c), end(c-1))
		}
	}
	if c := class(1<<63 - 1); c >= len(durations{}.classes) || end(c) != 1<<63-1 {
		t.Errorf("the longest duration lies in class %d of %d", c, len(durations{}.classes))
	}
}
