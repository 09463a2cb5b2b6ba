package powerloss

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Sector is what a disk writes at once; also of it a loss of power may leave a
// part.
const Sector = 512

// Disk is the folder as the steps so far have left it: what is on the disk for
// certain, and what may or may not be.
//
// What is assumed of the file system, which is less than ext4, XFS or Btrfs
// promise with their default options:
//
//   - A sync of a file makes its contents and its size durable, a sync of the
//     folder its names. Neither does the work of the other.
//   - Before that, sizes of one file become durable in their order, and so do
//     names in the folder. Files and folder are not ordered against each other.
//   - Contents become durable in any order, sector by sector, and not ordered
//     against sizes: where a file grew and the contents are missing there are
//     zeros. A torn sector is new up to some byte or from some byte on.
//   - Bytes that nobody wrote do not change.
type Disk struct {
	names   []change // not synced yet, oldest first
	durable map[string]*file
	now     map[string]*file
}

// change is a name that came to the folder or left it.
type change struct {
	name string
	file *file // nil: it left
}

// file is one file, whatever its name is by now.
type file struct {
	durable []byte
	pending []Step // not synced yet: Write and Truncate
}

// NewDisk returns an empty folder.
func NewDisk() *Disk {
	return &Disk{durable: map[string]*file{}, now: map[string]*file{}}
}

// Apply takes the next step.
func (d *Disk) Apply(s Step) {
	if s.Kind == Note {
		return
	}
	f := d.now[s.File]
	if f == nil {
		f = &file{}
		d.rename(s.File, f)
	}
	switch s.Kind {
	case Write, Truncate:
		f.pending = append(f.pending, s)
	case Sync, SyncBoth:
		for _, p := range f.pending {
			f.durable = applied(f.durable, p)
		}
		f.pending = nil
	case Delete, DeleteBoth:
		d.rename(s.File, nil)
	}
	if s.Kind == SyncBoth || s.Kind == DeleteBoth {
		d.durable, d.names = maps.Clone(d.now), nil
	}
}

func (d *Disk) rename(name string, f *file) {
	d.names = append(d.names, change{name, f})
	set(d.now, change{name, f})
}

func set(names map[string]*file, c change) {
	if names[c.name] = c.file; c.file == nil {
		delete(names, c.name)
	}
}

// applied is contents after a step that is done in full.
func applied(contents []byte, s Step) []byte {
	if s.Kind == Truncate {
		return sized(contents, s.At)
	}
	contents = sized(contents, max(int64(len(contents)), s.At+int64(len(s.Data))))
	copy(contents[s.At:], s.Data)
	return contents
}

func sized(contents []byte, size int64) []byte {
	if more := size - int64(len(contents)); more > 0 {
		return append(contents, make([]byte, more)...)
	}
	return contents[:size:size]
}

// Crash returns one of the states that the files may be in when the power
// fails now, by name.
func (d *Disk) Crash(random *rand.Rand) map[string][]byte {
	luck := fortune(random)
	names := maps.Clone(d.durable)
	for _, c := range d.names[:luck.some(len(d.names))] {
		set(names, c)
	}
	left := make(map[string][]byte, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		left[name] = names[name].crash(luck)
	}
	return left
}

// Pending says whether anything is not durable, so that one state is not like
// the other.
func (d *Disk) Pending() bool {
	pending := len(d.names) > 0
	for _, f := range d.now {
		pending = pending || len(f.pending) > 0
	}
	return pending
}

// crash returns what may be left of the contents.
func (f *file) crash(luck luck) []byte {
	contents := slices.Clone(f.durable)
	ordered := luck.some(len(f.pending)) // their sizes are durable
	for i, s := range f.pending {
		if s.Kind == Truncate {
			if i >= ordered {
				break // what follows needs it
			}
			contents = sized(contents, s.At)
			continue
		}
		if i < ordered {
			contents = sized(contents, max(int64(len(contents)), s.At+int64(len(s.Data))))
		}
		writeSome(contents, s, luck)
	}
	return contents
}

// writeSome writes some sectors of s, as far as the file reaches.
func writeSome(contents []byte, s Step, luck luck) {
	for from, end := s.At, s.At+int64(len(s.Data)); from < end; {
		to := min((from/Sector+1)*Sector, end)
		first, last := luck.part(int(to - from))
		if low, high := from+int64(first), min(from+int64(last), int64(len(contents))); low < high {
			copy(contents[low:high], s.Data[low-s.At:])
		}
		from = to
	}
}
