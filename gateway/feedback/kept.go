package feedback

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kept is a folder of messages that were not understood, for the operator to
// look at with `offramp feedback test`. It holds at most Most messages; the
// oldest give way. Those that anybody can send have a part of their own, so
// that they do not push out those that answer our mail. Of each part at most one
// a second is kept: a flood is all the same.
type Kept struct {
	Dir  string // made when it is needed; empty: nothing is kept
	Most int    // of each part

	mu   sync.Mutex
	last map[string]time.Time // by part
}

// The parts of the folder, as the beginnings of file names.
const (
	partProven = "bounce-"
	partOpen   = "other-"
)

// Keep adds a message. proven says that it came to an address with a MAC.
func (k *Kept) Keep(raw []byte, proven bool, now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Most <= 0 || k.Dir == "" {
		return nil
	}
	part := partOpen
	if proven {
		part = partProven
	}
	if last, known := k.last[part]; known && now.Sub(last) < time.Second && now.Sub(last) >= 0 {
		return nil
	}
	if k.last == nil {
		k.last = make(map[string]time.Time)
	}
	k.last[part] = now
	name := part + now.UTC().Format("20060102T150405.000000000") + ".eml"
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return fmt.Errorf("folder of feedback: %w", err)
	}
	if err := os.WriteFile(filepath.Join(k.Dir, name), raw, 0o600); err != nil {
		return fmt.Errorf("keep feedback: %w", err)
	}
	names, err := k.names(part)
	if err != nil {
		return err
	}
	var faults error
	for _, old := range names[:max(0, len(names)-k.Most)] {
		faults = errors.Join(faults, os.Remove(filepath.Join(k.Dir, old)))
	}
	return faults
}

// names returns the messages of a part, oldest first.
func (k *Kept) names(part string) (names []string, err error) {
	entries, err := os.ReadDir(k.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("folder of feedback: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), part) && strings.HasSuffix(e.Name(), ".eml") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Empty removes every message: whoever is erased may be named in any of them.
func (k *Kept) Empty() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Dir == "" {
		return nil
	}
	var faults error
	for _, part := range [...]string{partProven, partOpen} {
		names, err := k.names(part)
		faults = errors.Join(faults, err)
		for _, name := range names {
			faults = errors.Join(faults, os.Remove(filepath.Join(k.Dir, name)))
		}
	}
	return faults
}
