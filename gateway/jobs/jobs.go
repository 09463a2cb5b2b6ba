// Package jobs imports and exports files of suppressions. An import is a job: its file
// is kept in the data folder, checked as a whole and sorted before anything is
// recorded, and then recorded in small transactions, each with the progress of the
// job. After a crash it goes on where it stopped.
package jobs

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/exchange"
	"offramp/store"
)

// People records what is imported; *consent.Consent does.
type People interface {
	Import(ctx context.Context, j store.FileJob, all []consent.Taken) (store.FileJob, error)
	Imported(ctx context.Context) error
}

// Lists adds lists that files name.
type Lists interface {
	EnsureList(ctx context.Context, l store.List) (store.List, error)
}

// Config holds the settings of imports.
type Config struct {
	MaxSize envelope.Octets `env:"IMPORT_MAX_SIZE" envDefault:"4GiB" doc:"largest file of suppressions that the API takes; it is kept in the data folder until it is imported"`
}

// Validate returns every error in the settings.
func (c Config) Validate() error {
	if c.MaxSize != 0 && c.MaxSize < 1<<10 {
		return fmt.Errorf("OFFRAMP_IMPORT_MAX_SIZE is %s: use a size of 1KiB or more", c.MaxSize)
	}
	return nil
}

const defaultMaxSize = 4 << 30

// Jobs takes files and works on them. Its methods can be called by many goroutines;
// the fields must not change once one was.
type Jobs struct {
	Config
	Dir    string // where files are kept
	Store  store.Jobs
	People People
	Lists  Lists
	// Holder names this node in jobs it works on; after a restart it must be the same.
	Holder string
	// Room says how many bytes are free where files are kept, and how many there are;
	// nil: nobody looks.
	Room func(ctx context.Context) (free, capacity int64, err error)
	// Busy says whether mail or opt-outs came in a moment ago, so that an import has to
	// stand back; nil: never.
	Busy   func() bool
	Now    func() time.Time // nil: time.Now
	Random io.Reader        // nil: crypto/rand
	Log    *slog.Logger     // nil: nothing is logged

	once sync.Once
	wake chan struct{} // holds a token when there may be something to do
	// writing are uploads that have no job yet.
	mu      sync.Mutex
	writing map[string]bool
}

var (
	// ErrTooLarge says that a file is larger than Config.MaxSize.
	ErrTooLarge = errors.New("file too large")
	// ErrNoRoom says that there is no room for a file.
	ErrNoRoom = errors.New("no room for the file")
	// ErrState says that a job is not in a state in which that can be done.
	ErrState = errors.New("not possible in the state of the job")
)

// Spec says how a file is to be imported.
type Spec struct {
	Name   string    `json:"name,omitempty"`   // of the file
	Format string    `json:"format,omitempty"` // see exchange; empty: auto
	List   string    `json:"list,omitempty"`   // canonical; where the file names none
	Reason string    `json:"reason,omitempty"` // of records without one
	Since  time.Time `json:"since,omitzero"`   // date of records without one; zero: now
	Soft   bool      `json:"soft,omitempty"`   // soft bounces and blocks too
	Ignore []string  `json:"ignore,omitempty"` // columns that change nothing
	Start  bool      `json:"start,omitempty"`  // without asking, once it is checked
	Only   []string  `json:"only,omitempty"`   // lists that may be changed; nil: every one
}

// Report is what a check of a file found.
type Report struct {
	Format  string           `json:"format,omitempty"`
	Rows    int64            `json:"rows"`
	Records int64            `json:"records"`           // to be recorded; what is in the file twice counts once
	Reasons map[string]int64 `json:"reasons,omitempty"` // of Records
	Lists   []string         `json:"lists,omitempty"`   // that the records are about
	Skipped map[string]int64 `json:"skipped,omitempty"` // rows rightly left out, by exchange.Skip
	Faulty  int64            `json:"faulty"`            // rows that cannot be taken
	Faults  []Fault          `json:"faults,omitempty"`  // the first of them
	Error   string           `json:"error,omitempty"`   // why the job failed, for the operator
}

// Fault is what is wrong with one row. It names no person.
type Fault struct {
	Line int64  `json:"line"`
	Text string `json:"text"`
}

// Job is an import with what its check found.
type Job struct {
	store.FileJob
	Spec   Spec
	Report Report
}

func jobOf(j store.FileJob) (job Job, err error) {
	job.FileJob = j
	if err = json.Unmarshal(j.Settings, &job.Spec); err == nil && len(j.Report) > 0 {
		err = json.Unmarshal(j.Report, &job.Report)
	}
	if err != nil {
		err = fmt.Errorf("job %s: %w: %w", j.ID, store.ErrDamaged, err)
	}
	return job, err
}

// record puts spec and report back into the record. Both are of our own types, which
// have a JSON form.
func (j *Job) record() store.FileJob {
	j.Settings, _ = json.Marshal(j.Spec)
	j.FileJob.Report, _ = json.Marshal(j.Report)
	return j.FileJob
}

// Import takes a file and makes a job of it, which is checked next.
func (s *Jobs) Import(ctx context.Context, who string, spec Spec, file io.Reader) (Job, error) {
	id, err := s.newID()
	if err != nil {
		return Job{}, err
	}
	s.beginUpload(id)
	defer s.endUpload(id)
	size, err := s.keep(ctx, id, file)
	if err != nil {
		return Job{}, errors.Join(err, s.remove(id))
	}
	now := s.now()
	job := Job{FileJob: store.FileJob{ID: id, State: store.JobChecking, Created: now, Changed: now, Who: who, Name: spec.Name, Total: size}, Spec: spec}
	job.Spec.Name = "" // it is in the record, where an erasure finds it
	if err := s.Store.AddJob(ctx, job.record()); err != nil {
		return Job{}, errors.Join(err, s.remove(id))
	}
	s.wakeUp()
	job.Version = 1
	return job, nil
}

// Job returns one job.
func (s *Jobs) Job(ctx context.Context, id string) (Job, error) {
	j, err := s.Store.Job(ctx, id)
	if err != nil {
		return Job{}, err
	}
	return jobOf(j)
}

// Jobs returns all jobs, newest first.
func (s *Jobs) Jobs(ctx context.Context) ([]Job, error) {
	records, err := s.Store.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Job, 0, len(records))
	for _, r := range records {
		job, err := jobOf(r)
		if err != nil {
			return nil, err
		}
		all = append(all, job)
	}
	return all, nil
}

// changes of a job are tried again when the job goes on meanwhile.
const tries = 20

// Start has a job that was checked, or paused, record its rows; Pause has it stop
// until then, and Cancel for good. What was recorded stays. Repeating it is no error.
func (s *Jobs) Start(ctx context.Context, id string) (Job, error) {
	return s.move(ctx, id, store.JobRunning, store.JobReady, store.JobPaused)
}

// Pause stops a job that is recording.
func (s *Jobs) Pause(ctx context.Context, id string) (Job, error) {
	return s.move(ctx, id, store.JobPaused, store.JobRunning)
}

// Cancel ends a job and removes its file.
func (s *Jobs) Cancel(ctx context.Context, id string) (Job, error) {
	return s.move(ctx, id, store.JobCancelled, store.JobChecking, store.JobReady, store.JobRunning, store.JobPaused)
}

func (s *Jobs) move(ctx context.Context, id string, to store.JobState, from ...store.JobState) (Job, error) {
	for range tries {
		j, err := s.Store.Job(ctx, id)
		if err != nil {
			return Job{}, err
		}
		if j.State == to {
			return jobOf(j)
		}
		allowed := false
		for _, state := range from {
			allowed = allowed || j.State == state
		}
		if !allowed {
			job, err := jobOf(j)
			return job, errors.Join(err, fmt.Errorf("%w: it is %s", ErrState, j.State))
		}
		j.State, j.Changed = to, s.now()
		if to != store.JobRunning {
			j.Holder, j.Until = "", time.Time{}
		} else if j, err = resumed(j); err != nil {
			return Job{}, err
		}
		saved, err := s.Store.SaveJob(ctx, j)
		if errors.Is(err, store.ErrChanged) {
			continue
		}
		if err != nil {
			return Job{}, err
		}
		s.wakeUp()
		return jobOf(saved)
	}
	return Job{}, fmt.Errorf("job %s: %w", id, store.ErrChanged)
}

// resumed is a job without what it was paused for.
func resumed(j store.FileJob) (store.FileJob, error) {
	job, err := jobOf(j)
	if err != nil {
		return j, err
	}
	job.Report.Error = ""
	return job.record(), nil
}

// options are those that a file is read with: always the same, whenever it is read.
func (j *Job) options() exchange.Options {
	return exchange.Options{
		Format: exchange.Format(j.Spec.Format), Name: j.Name, List: j.Spec.List, Reason: store.Reason(j.Spec.Reason), Since: j.Spec.Since,
		Now: j.Created, Soft: j.Spec.Soft, Ignore: j.Spec.Ignore,
	}
}

func (s *Jobs) newID() (string, error) {
	random := s.Random
	if random == nil {
		random = rand.Reader
	}
	var b [10]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("job: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:])), nil
}

func (s *Jobs) now() time.Time {
	if s.Now == nil {
		return time.Now().UTC().Truncate(time.Microsecond)
	}
	return s.Now().UTC().Truncate(time.Microsecond)
}

func (s *Jobs) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

func (s *Jobs) woken() chan struct{} {
	s.once.Do(func() { s.wake = make(chan struct{}, 1) })
	return s.wake
}

func (s *Jobs) wakeUp() {
	select {
	case s.woken() <- struct{}{}:
	default:
	}
}
