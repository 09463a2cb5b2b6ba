package sqlite

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"offramp/store"
)

// The places of the format of the log
// (https://www.sqlite.org/fileformat2.html section 4).
const (
	logHeadSize   = 32
	frameHeadSize = 24
	logBigEndian  = 0x377f0683 // the checksums are of big-endian words
)

// ErrLog says that the log of people's choices is damaged before its end. No repair
// brings back what is behind the damage.
var ErrLog = fmt.Errorf("%w: log", store.ErrDamaged)

// logSums are the running checksums of a log.
type logSums struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (s *logSums) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		s.s0 += s.order.Uint32(b) + s.s1
		s.s1 += s.order.Uint32(b[4:]) + s.s0
	}
}

func (s *logSums) fit(b []byte) bool {
	return s.s0 == binary.BigEndian.Uint32(b) && s.s1 == binary.BigEndian.Uint32(b[4:])
}

// logWhole refuses a log that is damaged before its end. SQLite takes what comes
// before the first frame that is wrong, and drops all that was committed after it
// without a word: opt-outs that were answered. A loss of power leaves frames that
// are wrong, too, but of the last transaction only, since each is on the disk
// before the next begins: so two commits behind such a frame are damage. It is for
// a log that nobody has open.
func logWhole(path string, pageSize int) error {
	file, err := os.Open(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	commits, err := commitsDropped(bufio.NewReaderSize(file, 1<<20), pageSize)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("read %s-wal: %w", path, err)
	}
	if commits > 1 {
		return fmt.Errorf("%w: %s-wal: it ends too early for %d of what was recorded: restore the folder, or move that file away to go on without all that is in it",
			ErrLog, path, commits)
	}
	return nil
}

// commitsDropped counts the commits of this log behind its first wrong frame.
func commitsDropped(r io.Reader, pageSize int) (commits int, err error) {
	head, frame := make([]byte, logHeadSize), make([]byte, frameHeadSize+pageSize)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, ended(err)
	}
	sums := logSums{order: binary.LittleEndian}
	if binary.BigEndian.Uint32(head) == logBigEndian {
		sums.order = binary.BigEndian
	}
	sums.add(head[:24])
	whole := sums.fit(head[24:])
	for first := true; ; first = false {
		if _, err := io.ReadFull(r, frame); err != nil {
			return commits, ended(err)
		}
		if first && !whole && (string(frame[8:12]) == string(head[16:20]) || string(frame[12:16]) == string(head[20:24])) {
			copy(head[16:24], frame[8:16]) // one of the two salts is damaged; a new log has two others
		}
		of := string(frame[8:16]) == string(head[16:24])
		if whole {
			sums.add(frame[:8])
			sums.add(frame[frameHeadSize:])
			whole = of && sums.fit(frame[16:])
		}
		if !whole && of && binary.BigEndian.Uint32(frame[4:]) != 0 {
			commits++
		}
	}
}

// ended is an error of reading a log, which may end anywhere.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
