// Package powerloss is for tests: it finds what a loss of power may leave of
// the files of an SQLite database. A [Recorder] takes down what SQLite writes
// and syncs while a test runs, and what the test has been promised so far; a
// [Disk] replays that and builds the states that the files may be in when the
// power fails in between.
//
// The program itself must not have it linked in, which a test of cmd/offramp
// checks.
package powerloss

// #include "vfs.h"
import "C"

import (
	"errors"
	"path/filepath"
	"runtime/cgo"
	"sync"
	"unsafe"
)

// Kind is what a step did to a file.
type Kind int

// The kinds of steps.
const (
	Open       Kind = iota // it exists from here on
	Write                  // Data at At
	Truncate               // to At bytes
	Sync                   // of its contents and size
	SyncBoth               // and then of the folder
	Delete                 // its name is gone
	DeleteBoth             // and the folder was synced
	Note                   // nothing: the test said something
)

// Step is one thing that happened.
type Step struct {
	Kind Kind
	File string // name in the folder
	Data []byte
	At   int64
	Note any // of a Note: what the test said
}

// Recorder takes down the steps in one folder, in their order.
type Recorder struct {
	dir    string
	handle cgo.Handle

	mu    sync.Mutex
	steps []Step
}

// Record begins to record every connection to a file in dir that is opened
// from now on by this process. dir is an absolute path, and holds no
// database yet. One recorder can be at work at a time.
func Record(dir string) (*Recorder, error) {
	r := &Recorder{dir: filepath.Clean(dir)}
	r.handle = cgo.NewHandle(r)
	if C.powerloss_start(C.uintptr_t(r.handle)) != 0 {
		r.handle.Delete()
		return nil, errors.New("SQLite cannot be recorded: it is not linked in, has another default VFS, or is recorded already")
	}
	return r, nil
}

// Note puts something the test has to say between the steps: what was
// promised before it was called was promised before all later steps.
func (r *Recorder) Note(note any) { r.add(Step{Kind: Note, Note: note}) }

// Past takes down a step that the program makes past SQLite.
func (r *Recorder) Past(s Step) { r.add(s) }

// Stop ends the recording, when all connections are closed, and returns the
// steps.
func (r *Recorder) Stop() ([]Step, error) {
	if C.powerloss_stop() != 0 {
		return nil, errors.New("the default VFS of SQLite cannot be restored")
	}
	r.handle.Delete()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.steps, nil
}

func (r *Recorder) add(s Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, s)
}

// powerlossStep is called by vfs.c after a step succeeded.
//
//export powerlossStep
func powerlossStep(handle C.uintptr_t, kind C.int, name *C.char, data unsafe.Pointer, n, at C.longlong) {
	r := cgo.Handle(handle).Value().(*Recorder)
	path := C.GoString(name)
	if filepath.Dir(path) != r.dir {
		return
	}
	r.add(Step{Kind: Kind(kind), File: filepath.Base(path), Data: C.GoBytes(data, C.int(n)), At: int64(at)})
}
