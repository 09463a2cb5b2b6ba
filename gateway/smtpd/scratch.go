package smtpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"offramp/gateway/throttle"
	"offramp/store"
)

const (
	// scratchChunk is the unit of the scratch file.
	scratchChunk = 64 << 10
	// maxScratch bounds the scratch file, and maxScratchEach what is in it of one
	// network.
	maxScratch     = 256 << 20
	maxScratchEach = 16 << 20
)

// scratch is one file of a bounded size for messages that are coming in. The file
// has no name: what is in it is gone with the process. Safe for use by many
// sessions at once.
type scratch struct {
	dir    string // empty: that of the system
	shares throttle.Shares

	mu   sync.Mutex
	file *os.File // nil: not needed yet
	used int64    // chunks that were ever in use since the file was empty
	free []int64  // of them, those that are not now
}

// take returns the place of a chunk, counted as held by from.
func (s *scratch) take(from netip.Addr) (int64, error) {
	if !s.shares.Take(from, scratchChunk) {
		return 0, fmt.Errorf("mail of strangers that comes in at this moment: %w", store.ErrFull)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		file, err := unnamed(s.dir)
		if err != nil {
			s.shares.Give(from, scratchChunk)
			return 0, full(err)
		}
		s.file = file
	}
	if n := len(s.free); n > 0 {
		chunk := s.free[n-1]
		s.free = s.free[:n-1]
		return chunk * scratchChunk, nil
	}
	s.used++
	return (s.used - 1) * scratchChunk, nil
}

// give takes chunks back. An empty file takes no space.
func (s *scratch) give(from netip.Addr, places []int64) {
	s.mu.Lock()
	for _, p := range places {
		s.free = append(s.free, p/scratchChunk)
	}
	if s.used > 0 && int64(len(s.free)) == s.used {
		s.file.Truncate(0)
		s.used, s.free = 0, nil
	}
	s.mu.Unlock()
	s.shares.Give(from, int64(len(places))*scratchChunk)
}

// close ends the file, once nothing is in it.
func (s *scratch) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
}

// unnamed makes a file that no name leads to.
func unnamed(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, ".incoming-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// full marks an error that says that there is no space.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}

// held is a message that was received: its beginning in memory, the rest in the
// scratch file.
type held struct {
	scratch *scratch
	from    netip.Addr
	head    []byte
	places  []int64 // of chunks, all full but the last
	rest    int64   // bytes in them
}

func (h *held) size() int64 { return int64(len(h.head)) + h.rest }

// append adds p to what is in the file.
func (h *held) append(p []byte) error {
	for len(p) > 0 {
		at := h.rest % scratchChunk
		if at == 0 {
			place, err := h.scratch.take(h.from)
			if err != nil {
				return err
			}
			h.places = append(h.places, place)
		}
		n := min(int64(len(p)), scratchChunk-at)
		if _, err := h.scratch.file.WriteAt(p[:n], h.places[len(h.places)-1]+at); err != nil {
			return full(err)
		}
		h.rest += n
		p = p[n:]
	}
	return nil
}

// free gives everything back.
func (h *held) free() {
	if len(h.places) > 0 {
		h.scratch.give(h.from, h.places)
	}
	h.head, h.places, h.rest = nil, nil, 0
}

// reader reads the message from its beginning.
func (h *held) reader() io.Reader {
	parts := []io.Reader{bytes.NewReader(h.head)}
	left := h.rest
	for _, place := range h.places {
		n := min(left, scratchChunk)
		parts = append(parts, io.NewSectionReader(h.scratch.file, place, n))
		left -= n
	}
	return io.MultiReader(parts...)
}
