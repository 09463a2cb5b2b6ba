package ledger

import (
	"context"
	"fmt"
	"time"

	"offramp/store"
)

// ReportSource is what a report is made of; a [store.Consent] has it all.
type ReportSource interface {
	OptOuts(ctx context.Context, since time.Time, after int64, limit int) ([]store.OptOut, error)
	Readers(ctx context.Context) ([]store.Reader, error)
}

// Report is about the opt-outs that were received from Since to Until.
type Report struct {
	Since, Until time.Time
	OptOuts      int64
	ByWay        map[store.Way]int64
	Time         Spread
	// Unrecorded is how many opt-outs have no recorded time in force: the
	// process ended before it was written, or mail was being sent at that
	// moment. They count under no deadline.
	Unrecorded int64
	Deadlines  []Kept
	Readers    []Behind
}

// Spread is how long opt-outs took from being received to being in force.
// Median and P95 may be too long by less than a 128th; Longest is exact to the
// microsecond. All are zero when no time in force is recorded.
type Spread struct {
	Median, P95, Longest time.Duration
}

// Kept is how a deadline was kept in the period.
type Kept struct {
	Deadline
	Kept, Missed int64
	// Left is the least time that was left when an opt-out came into force,
	// negative for one that was late, and Event that opt-out's; zero when
	// there is none.
	Left  time.Duration
	Event int64
}

// Behind is how far another system is behind. An opt-out of any time counts
// here, not only one of the period.
type Behind struct {
	store.Reader
	Oldest *store.Event // the first opt-out it has not acknowledged; nil: none
	Age    time.Duration
	Due    []Due // empty without Oldest
}

// Due is a deadline for one opt-out.
type Due struct {
	Deadline
	At      time.Time
	Overdue bool
}

// page is how many opt-outs are read at a time.
const page = 1000

// MakeReport reads the store and reports on the time since since. Memory does not
// grow with the number of opt-outs.
func MakeReport(ctx context.Context, src ReportSource, since, now time.Time) (*Report, error) {
	r := &Report{Since: since, Until: now, ByWay: map[store.Way]int64{}}
	for _, d := range Deadlines() {
		r.Deadlines = append(r.Deadlines, Kept{Deadline: d})
	}
	times := new(durations)
	for after := int64(0); ; {
		some, err := src.OptOuts(ctx, since, after, page)
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		for _, o := range some {
			r.add(o, times)
			after = o.Event.ID
		}
		if len(some) < page {
			break
		}
	}
	r.Time = Spread{
		Median: times.quantile(0.5), P95: times.quantile(0.95),
		Longest: time.Duration(times.longest) * time.Microsecond,
	}
	return r, r.follow(ctx, src, now)
}

// add counts one opt-out.
func (r *Report) add(o store.OptOut, times *durations) {
	r.OptOuts++
	r.ByWay[o.Event.Way]++
	if o.Event.Way == store.Imported { // it was made elsewhere, under the deadlines there
		return
	}
	if o.InForce.IsZero() {
		r.Unrecorded++
		return
	}
	times.add(o.InForce.Sub(o.Event.Time))
	for i := range r.Deadlines {
		d := &r.Deadlines[i]
		left := d.Due(o.Event.Time).Sub(o.InForce)
		if left >= 0 {
			d.Kept++
		} else {
			d.Missed++
		}
		if d.Event == 0 || left < d.Left {
			d.Left, d.Event = left, o.Event.ID
		}
	}
}

// follow looks at every reader.
func (r *Report) follow(ctx context.Context, src ReportSource, now time.Time) error {
	readers, err := src.Readers(ctx)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for _, reader := range readers {
		b := Behind{Reader: reader}
		waiting, err := src.OptOuts(ctx, time.Time{}, reader.Through, 1)
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		if len(waiting) > 0 {
			e := waiting[0].Event
			b.Oldest, b.Age = &e, max(0, now.Sub(e.Time))
			for _, d := range Deadlines() {
				at := d.Due(e.Time)
				b.Due = append(b.Due, Due{Deadline: d, At: at, Overdue: now.After(at)})
			}
		}
		r.Readers = append(r.Readers, b)
	}
	return nil
}
