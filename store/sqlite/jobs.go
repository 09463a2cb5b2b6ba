package sqlite

import (
	"context"
	"fmt"
	"time"

	"offramp/store"
)

const (
	jobColumns = `id, version, state, created, changed, who, name, settings, report, total, done, added, dated, same, kept, holder, until`
	insertJob  = "INSERT INTO jobs (" + jobColumns + ") VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?) ON CONFLICT DO NOTHING"
	selectJob  = "SELECT " + jobColumns + " FROM jobs WHERE id = ?"
	selectJobs = "SELECT " + jobColumns + " FROM jobs ORDER BY created DESC, id DESC"
	countJobs  = "SELECT count(*) FROM jobs"
	selectDue  = "SELECT " + jobColumns + ` FROM jobs WHERE state IN ('checking', 'running') AND (holder = ?1 OR until <= ?2)
		ORDER BY created, id LIMIT 1`
	takeJob = "UPDATE jobs SET holder = ?, until = ?, version = version + 1 WHERE id = ?"
	saveJob = `UPDATE jobs SET version = version + 1, state = ?, changed = ?, name = ?, settings = ?, report = ?, total = ?, done = ?,
		added = added + ?, dated = dated + ?, same = same + ?, kept = kept + ?, holder = ?, until = ? WHERE id = ? AND version = ?`
	deleteEndedJob = `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled')
		ORDER BY changed, id LIMIT 1)`
	forgetInJobs = "UPDATE jobs SET name = '', version = version + 1 WHERE instr(lower(name), lower(?)) > 0"
)

func jobOf(r row) store.FileJob {
	return store.FileJob{
		ID: r.text(0), Version: r.int(1), State: store.JobState(r.text(2)), Created: r.time(3), Changed: r.time(4), Who: r.text(5),
		Name: r.text(6), Settings: r.blob(7), Report: r.blob(8), Total: r.int(9), Done: r.int(10),
		Tally:  store.Tally{Added: r.int(11), Dated: r.int(12), Same: r.int(13), Kept: r.int(14)},
		Holder: r.text(15), Until: r.optional(16),
	}
}

// AddJob adds a job.
func (s *Consent) AddJob(ctx context.Context, j store.FileJob) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		full := false
		if _, err := c.one(countJobs, func(r row) { full = r.int(0) >= store.MaxJobs }); err != nil {
			return err
		}
		if full {
			gone, err := c.exec(deleteEndedJob)
			if err != nil {
				return err
			}
			if gone == 0 {
				return fmt.Errorf("%w: jobs that have not ended: %d", store.ErrFull, store.MaxJobs)
			}
		}
		n, err := c.exec(insertJob, j.ID, string(j.State), micros(j.Created), micros(j.Changed), j.Who, j.Name, some(j.Settings), some(j.Report),
			j.Total, j.Done, j.Holder, optional(j.Until))
		if err == nil && n == 0 {
			return store.ErrChanged
		}
		return err
	}})
	return fail("add a job", err)
}

// some is b where a column takes no NULL.
func some(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Job returns the job with that ID.
func (s *Consent) Job(ctx context.Context, id string) (j store.FileJob, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		j, err = jobNow(c, id)
		return err
	})
	return j, fail("job", err)
}

func jobNow(c *conn, id string) (j store.FileJob, err error) {
	found, err := c.one(selectJob, func(r row) { j = jobOf(r) }, id)
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return j, err
}

// Jobs returns all jobs, newest first.
func (s *Consent) Jobs(ctx context.Context) (all []store.FileJob, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		all = nil
		return c.query(selectJobs, func(r row) error {
			all = append(all, jobOf(r))
			return nil
		})
	})
	return all, fail("jobs", err)
}

// TakeJob has a holder work on a job.
func (s *Consent) TakeJob(ctx context.Context, holder string, now, until time.Time) (j store.FileJob, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		j = store.FileJob{}
		found, err := c.one(selectDue, func(r row) { j = jobOf(r) }, holder, micros(now))
		if err != nil {
			return err
		}
		if !found {
			return store.ErrNotFound
		}
		j.Holder, j.Until, j.Version = holder, kept(until), j.Version+1
		_, err = c.exec(takeJob, holder, micros(until), j.ID)
		return err
	}})
	return j, fail("take a job", err)
}

// SaveJob records a job.
func (s *Consent) SaveJob(ctx context.Context, j store.FileJob) (saved store.FileJob, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		saved, err = s.saveJob(c, j, store.Tally{})
		return err
	}})
	return saved, fail("save a job", err)
}

func (s *Consent) saveJob(c *conn, j store.FileJob, t store.Tally) (store.FileJob, error) {
	n, err := c.exec(saveJob, string(j.State), micros(j.Changed), j.Name, some(j.Settings), some(j.Report), j.Total, j.Done,
		t.Added, t.Dated, t.Same, t.Kept, j.Holder, optional(j.Until), j.ID, j.Version)
	if err != nil {
		return j, err
	}
	now, err := jobNow(c, j.ID)
	if err == nil && n == 0 {
		err = store.ErrChanged
	}
	return now, err
}
