package store

import (
	"context"
	"time"
)

// JobState is how far a job is.
type JobState string

// The states of a job. A holder works on jobs that are checking or running.
const (
	JobChecking  JobState = "checking" // the file is read, and nothing is recorded
	JobReady     JobState = "ready"    // checked, and waits for somebody to start it
	JobRunning   JobState = "running"
	JobPaused    JobState = "paused"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"    // Report says why
	JobCancelled JobState = "cancelled" // what it recorded before stays
)

// Ended says whether nothing more becomes of the job.
func (s JobState) Ended() bool { return s == JobDone || s == JobFailed || s == JobCancelled }

// FileJob is work on a file that goes on where it stopped, also after a crash.
type FileJob struct {
	ID       string
	State    JobState
	Created  time.Time // and the date of records that have none
	Changed  time.Time
	Who      string // login or key that asked for it
	Name     string // of its file, for people; an erasure empties it where it names the person
	Settings []byte // of whoever works on it
	Report   []byte // of whoever works on it; it names no person
	Total    int64  // bytes to go through; 0: not known yet
	Done     int64  // bytes of Total that are through
	Tally    Tally  // given by [Jobs.Import]
	// Version is given by the engine. What is recorded of a job names the version
	// it saw, so that of two that change one job, one is told.
	Version int64
	// Holder works on the job until Until, and longer where it says so in time. Who
	// comes later may take it over.
	Holder string
	Until  time.Time
}

// Tally counts what became of records that were imported.
type Tally struct {
	Added int64 // recorded, or prolonged
	Dated int64 // recorded before, with a later date: the earlier one is kept
	Same  int64 // recorded before, or more than that
	Kept  int64 // left out, since the person chose otherwise after the record's date
}

// ImportRow is one record of an import with its event: a choice that stops mail,
// or a suppression.
type ImportRow struct {
	Choice      Choice // Unsubscribed or Paused; no State: it is a Suppression
	Suppression Suppression
	Event       Event
}

// MaxJobs is how many jobs there may be, with those that have ended.
const MaxJobs = 100

// Jobs keeps jobs, and records what they import.
type Jobs interface {
	// AddJob adds j with Version 1. With MaxJobs of them the one that ended first
	// leaves; where none has ended it is ErrFull.
	AddJob(ctx context.Context, j FileJob) error
	// Job returns the job with that ID or ErrNotFound.
	Job(ctx context.Context, id string) (FileJob, error)
	// Jobs returns all jobs, newest first.
	Jobs(ctx context.Context) ([]FileJob, error)
	// TakeJob has holder work on the oldest job that is checking or running and that
	// nobody else holds at now, until until; ErrNotFound: there is none. A holder
	// that was ended takes its own jobs again at once.
	TakeJob(ctx context.Context, holder string, now, until time.Time) (FileJob, error)
	// SaveJob records j and returns it with its new Version. It is ErrChanged when
	// j.Version is not the recorded one, and ErrNotFound without such a job. Tally
	// is not changed.
	SaveJob(ctx context.Context, j FileJob) (FileJob, error)
	// Import records rows and j in one transaction, as SaveJob does, and adds to
	// the Tally what became of the rows. A row never ends or shortens what stops
	// mail, and is not recorded where the person chose otherwise for the same list
	// after the row's Since: a choice, and a suppression that is a complaint.
	// Where the same is recorded, the earlier Since is kept, without an event. The
	// contract of Suppress holds otherwise.
	Import(ctx context.Context, j FileJob, rows []ImportRow) (FileJob, error)
}
