package sqlite

import (
	"encoding/binary"
	"strings"
	"sync"

	"offramp/store"
)

// track is what the history needs of a recipient in the queue.
type track struct {
	person  string // lookup key
	message int64  // hash of the Message-ID
	erased  bool   // nothing is recorded
	tries   []store.Try
}

// trackErased is the flag in the first octet.
const trackErased = 1

// blob is how it is kept. A lookup key that says no more than the address is
// left out.
func (t track) blob(address string) []byte {
	b := make([]byte, 1, 32)
	if t.erased {
		b[0] = trackErased
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(t.message))
	person := t.person
	if person == strings.ToLower(address) {
		person = ""
	}
	b = putText(b, person)
	if t.erased || len(t.tries) == 0 {
		return b
	}
	return appendTries(b, t.tries)
}

// trackOf reads it. What makes no sense is as if it were not there: it is about
// the history alone.
func trackOf(b []byte, address string) track {
	t := track{person: strings.ToLower(address)}
	c := &cursor{b: b}
	flags := c.octet()
	message := c.take(8)
	person := c.text()
	if c.bad {
		return t
	}
	t.erased = flags&trackErased != 0
	t.message = int64(binary.LittleEndian.Uint64(message))
	if person != "" {
		t.person = person
	}
	if len(c.b) > 0 {
		if tries := c.tries(); !c.bad {
			t.tries = tries
		}
	}
	return t
}

// trackFor is that of a recipient that comes into the queue.
func (h *history) trackFor(m *store.Message, r store.Recipient) track {
	t := track{person: personOf(r), erased: r.Erased}
	if m.MessageID != "" {
		t.message = h.hash(byMessageID, m.MessageID)
	}
	return t
}

// waiting finds recipients in the queue by person or Message-ID. It is kept in
// memory, 16 bytes for each: on disk it would be written with every message.
// Entries of what has left stay until there are too many of them; who looks
// reads the rows anyway.
type waiting struct {
	mu      sync.Mutex
	entries []entry
}

// entry is one of the index: of a fate, or of a recipient in the queue.
type entry struct{ hash, id int64 }

func (w *waiting) add(entries []entry) {
	if len(entries) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, entries...)
}

// find returns those with a hash, the last that came first.
func (w *waiting) find(hash int64) (ids []int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.entries) - 1; i >= 0; i-- {
		if w.entries[i].hash == hash {
			ids = append(ids, w.entries[i].id)
		}
	}
	return ids
}

func (w *waiting) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.entries)
}

// replace puts others in the place of the first n.
func (w *waiting) replace(n int, by []entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(by, w.entries[n:]...)
}

// entriesOf are those of a recipient in the queue.
func (h *history) entriesOf(all []entry, id int64, t track) []entry {
	if t.erased {
		return all
	}
	all = append(all, entry{h.hash(byPerson, t.person), id})
	if t.message != 0 {
		all = append(all, entry{t.message, id})
	}
	return all
}

const selectWaiting = "SELECT message, n, address, track FROM recipients"

// slackEntries is how many entries of what has left may stay.
const slackEntries = 1 << 17

// tidy reads the entries of the queue anew when most of them are of what has
// left.
func (s *Spool) tidy(read func(func(*conn) error) error) error {
	h, n := &s.history, s.schedule.usage()
	have := h.waiting.len()
	if have <= 4*(n.queued+n.held+n.failed)+slackEntries {
		return nil
	}
	var all []entry
	// What comes from now on stands behind those that were counted.
	if err := read(func(c *conn) error {
		all = nil
		return c.query(selectWaiting, func(r row) error {
			all = h.entriesOf(all, recipientID(r.int(0), r.int(1)), trackOf(r.blob(3), r.text(2)))
			return nil
		})
	}); err != nil {
		return err
	}
	h.waiting.replace(have, all)
	return nil
}
