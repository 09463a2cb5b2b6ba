package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"offramp/gateway/exchange"
	"offramp/listunsub"
	"offramp/store"
)

const (
	// sortRoom is how many bytes of records are sorted in memory.
	sortRoom = 24 << 20
	// shownFaults are the rows whose faults are kept.
	shownFaults = 20
	// maxLists is more than anybody has; a file that names more has something else
	// where its lists are.
	maxLists = 1000
	// lookRows is after how many rows a check looks at the clock.
	lookRows = 2000
)

// check reads the whole file, and writes its records sorted and once each. Nothing is
// recorded before. It begins anew after a crash.
func (s *Jobs) check(ctx context.Context, job *Job) (err error) {
	upload, err := os.Open(s.path(job.ID, endUpload))
	if err != nil {
		return err
	}
	defer upload.Close()
	if err := s.clearRuns(job.ID); err != nil {
		return err
	}
	job.Report = Report{Reasons: map[string]int64{}, Skipped: map[string]int64{}}
	sorting := &sorter{most: sortRoom, name: func(n int) string { return s.path(job.ID, endRun+strconv.Itoa(n)) }}
	if err := s.readInto(ctx, job, upload, sorting); err != nil {
		return err
	}
	working := s.working(job)
	out, err := createSorted(s.path(job.ID, endSorted), func(r *record) error {
		if err := working.still(ctx, job.Total); err != nil {
			return err
		}
		return job.count(r)
	})
	if err != nil {
		return err
	}
	err = sorting.write(out)
	if err = errors.Join(err, out.close(true)); err == nil {
		err = errors.Join(s.clearRuns(job.ID), s.syncDir())
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(s.path(job.ID, endSorted))
	if err != nil {
		return err
	}
	slices.Sort(job.Report.Lists)
	job.State, job.Total, job.Done = store.JobReady, info.Size(), 0
	if job.Spec.Start {
		job.State = store.JobRunning
	}
	if err := s.save(ctx, job); err != nil {
		return err
	}
	s.log().InfoContext(ctx, "import checked", "job", job.ID, "format", job.Report.Format, "rows", job.Report.Rows, "records", job.Report.Records,
		"faulty", job.Report.Faulty)
	return os.Remove(s.path(job.ID, endUpload))
}

// readInto reads the file and counts what is in it.
func (s *Jobs) readInto(ctx context.Context, job *Job, upload io.Reader, to *sorter) error {
	counted := &counter{in: upload}
	r, err := exchange.NewReader(counted, job.options())
	if err != nil {
		return err
	}
	job.Report.Format = string(r.Format())
	working, line := s.working(job), int64(0)
	for {
		if err := working.still(ctx, counted.n); err != nil {
			return err
		}
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if row.Line != line { // of one with several lists each is a row
			line = row.Line
			job.Report.Rows++
		}
		if err := job.take(row, to); err != nil {
			return err
		}
	}
}

// working is a check that goes on.
type working struct {
	jobs    *Jobs
	job     *Job
	rows    int
	renewed time.Time
}

func (s *Jobs) working(job *Job) *working { return &working{jobs: s, job: job, renewed: time.Now()} }

// still is called for each row: it ends the check with ctx, and now and then says that
// this node still has the job, how far it is, and whether there is room left.
func (w *working) still(ctx context.Context, done int64) error {
	if w.rows++; w.rows%lookRows != 0 {
		return nil
	}
	if err := ctx.Err(); err != nil || time.Since(w.renewed) <= renewAt {
		return err
	}
	w.renewed, w.job.Done = time.Now(), done
	if err := w.jobs.save(ctx, w.job); err != nil {
		return err
	}
	return w.jobs.roomFor(ctx, w.job.Total)
}

// take sorts one row in.
func (j *Job) take(row exchange.Row, to *sorter) error {
	switch {
	case row.Skip != "":
		j.Report.Skipped[string(row.Skip)]++
		return nil
	case row.Fault == "" && j.Spec.Only != nil && !slices.Contains(j.Spec.Only, row.Record.List):
		row.Fault = "the key is not for this list"
	}
	if row.Fault == "" {
		return to.add(record{row.Record})
	}
	if j.Report.Faulty++; len(j.Report.Faults) < shownFaults {
		j.Report.Faults = append(j.Report.Faults, Fault{Line: row.Line, Text: row.Fault})
	}
	return nil
}

// count counts a record that will be recorded.
func (j *Job) count(r *record) error {
	j.Report.Records++
	j.Report.Reasons[string(r.Reason)]++
	if r.List == store.AllLists || slices.Contains(j.Report.Lists, r.List) {
		return nil
	}
	if len(j.Report.Lists) == maxLists {
		return fmt.Errorf("%w", tooManyLists{})
	}
	j.Report.Lists = append(j.Report.Lists, r.List)
	return nil
}

type tooManyLists struct{}

func (tooManyLists) Error() string {
	return fmt.Sprintf("the file names more lists than %d: look what its column of lists, or of tags, is", maxLists)
}
func (tooManyLists) Unwrap() error { return exchange.ErrFile }

// ensureLists adds the lists that records are about.
func (s *Jobs) ensureLists(ctx context.Context, job *Job) error {
	for _, id := range job.Report.Lists {
		if _, err := s.Lists.EnsureList(ctx, store.List{ID: id, Key: listunsub.ListKey(id), Created: job.Created}); err != nil {
			return fmt.Errorf("list of an import: %w", err)
		}
	}
	return nil
}

// counter counts what is read.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}
