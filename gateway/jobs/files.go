package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"offramp/store"
)

// The files of a job, by the end of their names. A run is a sorted part of a file.
const (
	endUpload = ".upload"
	endSorted = ".sorted"
	endRun    = ".run"
)

func (s *Jobs) path(id, end string) string { return filepath.Join(s.Dir, id+end) }

// lookEvery is after how many bytes of a file it is looked at how many are free.
const lookEvery = 16 << 20

// keep stores a file, so that it is there after a loss of power, and returns its size.
func (s *Jobs) keep(ctx context.Context, id string, file io.Reader) (size int64, err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return 0, fmt.Errorf("files of imports: %w", err)
	}
	f, err := os.OpenFile(s.path(id, endUpload), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("file of an import: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	most := int64(s.MaxSize)
	if most == 0 {
		most = defaultMaxSize
	}
	for {
		if err := s.roomFor(ctx, size); err != nil {
			return size, err
		}
		n, err := io.Copy(f, io.LimitReader(file, min(lookEvery, most+1-size)))
		if size += n; err != nil {
			return size, fmt.Errorf("file of an import: %w", err)
		}
		if size > most {
			return size, fmt.Errorf("%w: over %d bytes", ErrTooLarge, most)
		}
		if n < lookEvery && size < most+1 {
			break
		}
	}
	if err := f.Sync(); err != nil {
		return size, fmt.Errorf("file of an import: %w", err)
	}
	return size, s.syncDir()
}

// roomFor refuses a file that would leave too little for mail: sorted it is there once
// more, and in the store it takes as much again.
func (s *Jobs) roomFor(ctx context.Context, size int64) error {
	if s.Room == nil {
		return nil
	}
	free, capacity, err := s.Room(ctx)
	if err != nil {
		return err
	}
	if free < capacity/20+3*lookEvery+2*size {
		return ErrNoRoom
	}
	return nil
}

// syncDir has names that were added outlive a loss of power.
func (s *Jobs) syncDir() error {
	d, err := os.Open(s.Dir)
	if err != nil {
		return fmt.Errorf("files of imports: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s *Jobs) beginUpload(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writing == nil {
		s.writing = map[string]bool{}
	}
	s.writing[id] = true
}

func (s *Jobs) endUpload(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writing, id)
}

func (s *Jobs) uploading(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writing[id]
}

// remove removes all files of a job.
func (s *Jobs) remove(id string) error {
	names, err := filepath.Glob(s.path(id, ".*"))
	for _, name := range names {
		if e := os.Remove(name); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// sweep removes the files of jobs that have ended, and those that no job has: a crash
// can leave them. It cancels jobs that nobody started or resumed in time.
func (s *Jobs) sweep(ctx context.Context) error {
	// Files first, then jobs: a file that is there now and is not written any more has
	// its job by then.
	files, err := s.settled()
	if err != nil {
		return err
	}
	all, err := s.Store.Jobs(ctx)
	if err != nil {
		return err
	}
	open := map[string]bool{}
	for _, j := range all {
		waits := j.State == store.JobReady || j.State == store.JobPaused
		if waits && s.now().Sub(j.Changed) > waitAtMost {
			if _, err := s.Cancel(ctx, j.ID); err != nil && !errors.Is(err, ErrState) {
				return err
			}
			s.log().InfoContext(ctx, "import cancelled: nobody started it within a day", "job", j.ID)
			continue
		}
		open[j.ID] = !j.State.Ended()
	}
	for _, name := range files {
		if id, _, _ := strings.Cut(name, "."); !open[id] {
			if e := os.Remove(filepath.Join(s.Dir, name)); !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}
	return err
}

// settled are the files that no upload writes.
func (s *Jobs) settled() (names []string, err error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if id, _, _ := strings.Cut(e.Name(), "."); !s.uploading(id) {
			names = append(names, e.Name())
		}
	}
	return names, err
}
