package jobs

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"offramp/gateway/exchange"
	"offramp/store"
)

// record is a record of a sorted file.
type record struct{ exchange.Record }

func compare(a, b *record) int {
	return cmp.Or(strings.Compare(a.Recipient, b.Recipient), strings.Compare(a.List, b.List), strings.Compare(string(a.Reason), string(b.Reason)))
}

// merge makes one of two records about the same: the earliest date, the latest end,
// and the note of the one that stands first.
func (r *record) merge(o *record) {
	if o.Since.Before(r.Since) {
		r.Since = o.Since
	}
	if r.Until.IsZero() || o.Until.IsZero() {
		r.Until = time.Time{}
	} else if o.Until.After(r.Until) {
		r.Until = o.Until
	}
	r.Note, r.Source = cmp.Or(r.Note, o.Note), cmp.Or(r.Source, o.Source)
}

// size is about how many bytes a record takes in memory.
func (r *record) size() int {
	const fixed = 200
	return fixed + len(r.Recipient) + len(r.List) + len(r.Note)
}

// maxEncoded is more than any record takes in a file of ours.
const maxEncoded = 8 << 10

func (r *record) encode(b []byte) []byte {
	b = b[:0]
	for _, text := range []string{r.Recipient, r.List, string(r.Reason), r.Note, r.Source} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return binary.AppendVarint(binary.AppendVarint(b, micros(r.Since)), micros(r.Until))
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

var errSorted = fmt.Errorf("sorted file: %w", store.ErrDamaged)

func (r *record) decode(text string) error {
	var texts [5]string
	for i := range texts {
		n, used := uvarint(text)
		if used <= 0 || n > uint64(len(text)-used) {
			return errSorted
		}
		texts[i], text = text[used:used+int(n)], text[used+int(n):]
	}
	var numbers [2]int64
	for i := range numbers {
		u, used := uvarint(text)
		if used <= 0 {
			return errSorted
		}
		numbers[i], text = int64(u>>1)^-int64(u&1), text[used:] // as binary.Varint
	}
	r.Recipient, r.List, r.Reason, r.Note, r.Source = texts[0], texts[1], store.Reason(texts[2]), texts[3], texts[4]
	r.Since, r.Until = fromMicros(numbers[0]), fromMicros(numbers[1])
	return nil
}

// uvarint is binary.Uvarint of a text.
func uvarint(text string) (uint64, int) {
	var b [binary.MaxVarintLen64]byte
	return binary.Uvarint(b[:copy(b[:], text)])
}

// reader reads a sorted file.
type reader struct {
	f   *os.File
	in  *bufio.Reader
	buf []byte
	at  int64 // offset of the next record
}

// openSorted begins to read at an offset that a reader had before.
func openSorted(name string, offset int64, buffer int) (*reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &reader{f: f, in: bufio.NewReaderSize(f, buffer), buf: make([]byte, maxEncoded), at: offset}, nil
}

// next reads one record, or returns io.EOF.
func (r *reader) next(into *record) error {
	var head [binary.MaxVarintLen64]byte
	n, err := binary.ReadUvarint(r.in)
	if err == io.EOF {
		return io.EOF
	}
	if err != nil || n > maxEncoded {
		return errSorted
	}
	if _, err := io.ReadFull(r.in, r.buf[:n]); err != nil {
		return errSorted
	}
	r.at += int64(binary.PutUvarint(head[:], n)) + int64(n)
	return into.decode(string(r.buf[:n]))
}

func (r *reader) close() error { return r.f.Close() }

// writer writes a sorted file.
type writer struct {
	f    *os.File
	out  *bufio.Writer
	buf  []byte
	last record // not written yet: the next one may be about the same
	held bool   // there is a last
	each func(*record) error
}

func createSorted(name string, each func(*record) error) (*writer, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return &writer{f: f, out: bufio.NewWriterSize(f, 256<<10), each: each}, nil
}

// add adds the next record in order.
func (w *writer) add(r *record) error {
	if w.held && compare(&w.last, r) == 0 {
		w.last.merge(r)
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.last, w.held = *r, true
	return nil
}

func (w *writer) flush() error {
	if !w.held {
		return nil
	}
	if w.each != nil {
		if err := w.each(&w.last); err != nil {
			return err
		}
	}
	var head [binary.MaxVarintLen64]byte
	w.buf = w.last.encode(w.buf)
	if len(w.buf) > maxEncoded {
		return errSorted
	}
	if _, err := w.out.Write(head[:binary.PutUvarint(head[:], uint64(len(w.buf)))]); err != nil {
		return err
	}
	_, err := w.out.Write(w.buf)
	return err
}

// close ends the file; sync has it outlive a loss of power.
func (w *writer) close(sync bool) error {
	err := errors.Join(w.flush(), w.out.Flush())
	if err == nil && sync {
		err = w.f.Sync()
	}
	return errors.Join(err, w.f.Close())
}

// sorter sorts more records than fit in memory.
type sorter struct {
	name func(run int) string
	most int // bytes in memory

	held []record
	size int
	runs int
}

func (s *sorter) add(r record) error {
	s.held = append(s.held, r)
	if s.size += r.size(); s.size < s.most {
		return nil
	}
	return s.spill()
}

// spill writes what is in memory to a run of its own.
func (s *sorter) spill() (err error) {
	w, err := createSorted(s.name(s.runs), nil)
	if err != nil {
		return err
	}
	s.runs++
	return errors.Join(s.drain(w), w.close(false))
}

func (s *sorter) drain(w *writer) error {
	slices.SortStableFunc(s.held, func(a, b record) int { return compare(&a, &b) })
	for i := range s.held {
		if err := w.add(&s.held[i]); err != nil {
			return err
		}
	}
	clear(s.held) // what it names can be collected
	s.held, s.size = s.held[:0], 0
	return nil
}

// write writes all records in order. The runs stay.
func (s *sorter) write(w *writer) (err error) {
	if s.runs == 0 {
		return s.drain(w)
	}
	if err := s.spill(); err != nil {
		return err
	}
	s.held = nil
	var h runs
	defer func() {
		for _, r := range h {
			err = errors.Join(err, r.in.close())
		}
	}()
	for i := range s.runs {
		in, err := openSorted(s.name(i), 0, 64<<10)
		if err != nil {
			return err
		}
		h = append(h, &run{in: in, n: i})
		if err := in.next(&h[i].top); err == io.EOF {
			h = h[:i]
			return errors.Join(errSorted, in.close()) // no run is empty
		} else if err != nil {
			return err
		}
	}
	heap.Init(&h)
	for len(h) > 0 {
		if err := w.add(&h[0].top); err != nil {
			return err
		}
		switch err := h[0].in.next(&h[0].top); {
		case err == io.EOF:
			if err := heap.Pop(&h).(*run).in.close(); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			heap.Fix(&h, 0)
		}
	}
	return nil
}

// run is a run that is read, with its first record.
type run struct {
	in  *reader
	top record
	n   int
}

// runs is a heap.
type runs []*run

func (h runs) Len() int { return len(h) }
func (h runs) Less(i, j int) bool {
	return cmp.Or(compare(&h[i].top, &h[j].top), h[i].n-h[j].n) < 0
}
func (h runs) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *runs) Push(x any)   { *h = append(*h, x.(*run)) }
func (h *runs) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
