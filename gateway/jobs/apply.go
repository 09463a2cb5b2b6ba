package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// The size of a transaction, in records. Others wait for as long as one takes.
const (
	leastBatch = 50
	firstBatch = 500
	mostBatch  = 2000
	// batchTime is how long a transaction should take.
	batchTime = 30 * time.Millisecond
)

// apply records what was sorted, from where the job stopped.
func (s *Jobs) apply(ctx context.Context, job *Job) (err error) {
	if err := s.ensureLists(ctx, job); err != nil {
		return err
	}
	in, err := openSorted(s.path(job.ID, endSorted), job.Done, 256<<10)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	size := firstBatch
	batch := make([]consent.Taken, 0, mostBatch)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := fill(in, &batch, size)
		if err != nil {
			return err
		}
		if len(batch) > 0 {
			begun := time.Now()
			if err := s.recordBatch(ctx, job, batch, in.at); err != nil {
				return err
			}
			size = s.breathe(ctx, size, time.Since(begun))
		}
		if !more {
			return s.finish(ctx, job)
		}
	}
}

// fill reads the next records; more is false at the end.
func fill(in *reader, batch *[]consent.Taken, size int) (more bool, err error) {
	*batch = (*batch)[:0]
	for range size {
		var r record
		if err := in.next(&r); errors.Is(err, io.EOF) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		*batch = append(*batch, consent.Taken{
			Recipient: r.Recipient, List: r.List, Reason: r.Reason, Since: r.Since, Until: r.Until, Note: r.Note, Way: store.Way(r.Source),
		})
	}
	return true, nil
}

// recordBatch records records together with how far the job is.
func (s *Jobs) recordBatch(ctx context.Context, job *Job, batch []consent.Taken, done int64) error {
	next := job.FileJob
	next.Done, next.Changed, next.Until = done, s.now(), s.now().Add(leaseFor)
	saved, err := s.People.Import(ctx, next, batch)
	if errors.Is(err, store.ErrChanged) || errors.Is(err, store.ErrNotFound) {
		return errTaken
	}
	if err != nil {
		return fmt.Errorf("job %s: %w", job.ID, err)
	}
	job.FileJob = saved
	return nil
}

// breathe lets others go first, and returns how large the next transaction should be.
// While mail or opt-outs come in, an import takes at most half of the time.
func (s *Jobs) breathe(ctx context.Context, size int, took time.Duration) int {
	switch {
	case took > batchTime*3/2:
		size = max(size*2/3, leastBatch)
	case took < batchTime*2/3:
		size = min(size*5/4, mostBatch)
	}
	if s.Busy == nil || !s.Busy() {
		return size
	}
	rest := time.NewTimer(min(max(took, time.Millisecond), time.Second))
	defer rest.Stop()
	select {
	case <-ctx.Done():
	case <-rest.C:
	}
	return size
}

// finish ends the job once everything it recorded is in force.
func (s *Jobs) finish(ctx context.Context, job *Job) error {
	if err := s.People.Imported(ctx); err != nil {
		return fmt.Errorf("job %s: %w", job.ID, err)
	}
	job.State = store.JobDone
	if err := s.save(ctx, job); err != nil {
		return err
	}
	t := job.Tally
	s.log().InfoContext(ctx, "import done", "job", job.ID, "added", t.Added, "dated", t.Dated, "same", t.Same, "kept", t.Kept)
	return nil
}
