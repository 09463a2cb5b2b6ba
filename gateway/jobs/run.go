package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"offramp/gateway/exchange"
	"offramp/store"
)

const (
	// leaseFor is how long this node has a job without saying that it still works.
	leaseFor = 30 * time.Second
	renewAt  = 5 * time.Second
	// waitAtMost is how long a file waits for somebody to start or resume its job: it
	// has addresses in it.
	waitAtMost = 24 * time.Hour
	lookAgain  = time.Minute
	tryAgain   = time.Second // after the store was away; twice as long each time, up to lookAgain
)

// errTaken says that the job is another's now, or that somebody changed its state.
var errTaken = errors.New("job was changed meanwhile")

// Run works on jobs, one at a time, until ctx ends. What it stopped in goes on with
// the next Run.
func (s *Jobs) Run(ctx context.Context) error {
	again := tryAgain
	for ctx.Err() == nil {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.log().WarnContext(ctx, "files of imports cannot be looked through", "error", err)
		}
		wait := lookAgain
		switch err := s.one(ctx); {
		case err == nil || errors.Is(err, errTaken):
			wait, again = 0, tryAgain
		case errors.Is(err, store.ErrNotFound):
		case ctx.Err() == nil:
			s.log().ErrorContext(ctx, "import is interrupted and will be tried again", "error", err)
			wait, again = again, min(2*again, lookAgain)
		}
		s.pause(ctx, wait)
	}
	return nil
}

func (s *Jobs) pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-s.woken():
	}
}

// one works on one job.
func (s *Jobs) one(ctx context.Context) (err error) {
	now := s.now()
	taken, err := s.Store.TakeJob(ctx, s.Holder, now, now.Add(leaseFor))
	if err != nil {
		return err
	}
	job, err := jobOf(taken)
	if err != nil {
		return s.fail(ctx, Job{FileJob: taken}, err)
	}
	defer func() {
		if cause := recover(); cause != nil {
			s.log().ErrorContext(ctx, "panic in an import", "job", job.ID, "error", cause, "stack", string(debug.Stack()))
			err = s.fail(ctx, job, fmt.Errorf("internal error, see the log: %v", cause))
		}
	}()
	if job.State == store.JobChecking {
		err = s.check(ctx, &job)
	} else {
		err = s.apply(ctx, &job)
	}
	var broken *os.PathError
	switch {
	case errors.Is(err, exchange.ErrFile), errors.Is(err, errSorted), errors.As(err, &broken) && errors.Is(err, os.ErrNotExist):
		return s.fail(ctx, job, err)
	case job.State == store.JobRunning && errors.Is(err, store.ErrFull):
		job.State, job.Report.Error = store.JobPaused, ErrNoRoom.Error()
		return s.save(ctx, &job)
	case errors.Is(err, store.ErrFull), errors.Is(err, ErrNoRoom):
		return s.fail(ctx, job, ErrNoRoom)
	}
	return err
}

// fail ends a job for good and says why. What it recorded before stays.
func (s *Jobs) fail(ctx context.Context, job Job, cause error) error {
	switch {
	case errors.Is(cause, exchange.ErrFile), errors.Is(cause, ErrNoRoom):
		job.Report.Error = cause.Error()
	case errors.Is(cause, os.ErrNotExist):
		job.Report.Error = "the file is not there any more: import it again"
	default:
		job.Report.Error = "internal error, see the log"
	}
	s.log().WarnContext(ctx, "import failed", "job", job.ID, "error", cause)
	job.State = store.JobFailed
	return s.save(ctx, &job)
}

// save records the job as it is now.
func (s *Jobs) save(ctx context.Context, job *Job) error {
	job.Changed, job.Until = s.now(), s.now().Add(leaseFor)
	if job.State != store.JobChecking && job.State != store.JobRunning {
		job.Holder, job.Until = "", time.Time{}
	}
	saved, err := s.Store.SaveJob(ctx, job.record())
	if errors.Is(err, store.ErrChanged) || errors.Is(err, store.ErrNotFound) {
		return errTaken
	}
	if err == nil {
		job.FileJob = saved
	}
	return err
}

// clearRuns removes what a check left that did not come to its end.
func (s *Jobs) clearRuns(id string) error {
	names, err := filepath.Glob(s.path(id, endRun+"*"))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}
