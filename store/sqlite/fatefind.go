package sqlite

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"offramp/store"
)

const (
	selectFate        = "SELECT data FROM fates WHERE id = ?"
	selectBlockBefore = "SELECT id, data FROM fate_blocks WHERE segment = ? AND first < ? ORDER BY first DESC, id DESC LIMIT 1"
	selectBlocksFrom  = "SELECT id, data FROM fate_blocks WHERE segment = ? AND first = ? ORDER BY id"
	selectFatesBack   = "SELECT id, data FROM fates WHERE id > ? AND id < ? ORDER BY id DESC"
	selectNumOf       = "SELECT num FROM messages WHERE id = ?"
	selectOthers      = "SELECT n FROM recipients WHERE message = ?"

	// mostExamined is how many records one answer reads at most.
	mostExamined = 10_000
	defaultFates = 100
)

var errNothingAsked = errors.New("neither a recipient nor a message is given")

// Fates finds what became of mail.
func (s *Spool) Fates(ctx context.Context, f store.FateFilter) (store.Fates, error) {
	if f.Person == "" && f.QueueID == "" && f.MessageID == "" {
		return store.Fates{}, fail("fates", errNothingAsked)
	}
	if f.Limit <= 0 {
		f.Limit = defaultFates
	}
	if !f.Since.IsZero() {
		f.Since = kept(f.Since)
	}
	var l *search
	err := s.file.readers.snapshot(ctx, func(c *conn) error {
		l = &search{s: s, c: c, f: f, key: s.history.keyOf(f)}
		return l.run()
	})
	if err != nil {
		return store.Fates{}, fail("fates", err)
	}
	return l.found, nil
}

// keyOf is the hash that a look-up goes by: what fits the fewest.
func (h *history) keyOf(f store.FateFilter) int64 {
	switch {
	case f.QueueID != "":
		return h.hash(byQueueID, f.QueueID)
	case f.Person != "":
		return h.hash(byPerson, f.Person)
	}
	return h.hash(byMessageID, f.MessageID)
}

// search is one look-up.
type search struct {
	s        *Spool
	c        *conn
	f        store.FateFilter
	key      int64
	found    store.Fates
	examined int
}

func (l *search) run() error {
	if _, err := l.c.one(selectMeta, func(r row) {
		if at, err := strconv.ParseInt(r.text(0), 10, 64); err == nil {
			l.found.From = unixMicro(at)
		}
	}, metaHistoryFrom); err != nil {
		return err
	}
	if l.f.Before <= 0 {
		if err := l.queue(); err != nil || l.found.More != 0 {
			return err
		}
	}
	return l.ended()
}

// full says whether the answer is, and then has the next one begin behind id.
func (l *search) full(id int64) bool {
	if len(l.found.Fates) < l.f.Limit && l.examined < mostExamined {
		return false
	}
	l.found.More = id
	return true
}

// queue finds recipients in the queue, the newest message first.
func (l *search) queue() error {
	ids, err := l.inQueue()
	if err != nil {
		return err
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	slices.Reverse(ids)
	last := int64(0)
	for _, id := range ids {
		if l.f.Before < 0 && id >= -l.f.Before {
			continue
		}
		if last != 0 && l.full(-last) {
			return nil
		}
		last = id
		l.examined++
		r, err := leavingRow(l.c, id)
		if err != nil {
			return err
		}
		if r == nil || r.track.erased {
			continue
		}
		fate := fateIn(r.message, r.recipient, r.track)
		fate.State, fate.Next = r.recipient.State, r.recipient.Next
		if l.fits(r.track.person, &fate) {
			l.found.Fates = append(l.found.Fates, fate)
		}
	}
	if last != 0 {
		l.full(-last)
	}
	return nil
}

// inQueue returns recipients that may fit.
func (l *search) inQueue() (ids []int64, err error) {
	if l.f.QueueID != "" {
		num, found := int64(0), false
		if found, err = l.c.one(selectNumOf, func(r row) { num = r.int(0) }, l.f.QueueID); err != nil || !found {
			return nil, err
		}
		err = l.c.query(selectOthers, func(r row) error {
			ids = append(ids, recipientID(num, r.int(0)))
			return nil
		}, num)
		return ids, err
	}
	if l.s.file.writer != nil {
		return l.s.history.waiting.find(l.key), nil
	}
	// Beside a server, or without one: what it keeps in memory is not here.
	h := &l.s.history
	err = l.c.query(selectWaiting, func(r row) error {
		id := recipientID(r.int(0), r.int(1))
		for _, e := range h.entriesOf(nil, id, trackOf(r.blob(3), r.text(2))) {
			if e.hash == l.key {
				ids = append(ids, id)
			}
		}
		return nil
	})
	return ids, err
}

// fits says whether a fate is asked for.
func (l *search) fits(person string, f *store.Fate) bool {
	return (l.f.Person == "" || l.f.Person == person) && (l.f.QueueID == "" || l.f.QueueID == f.QueueID) &&
		(l.f.MessageID == "" || l.f.MessageID == f.MessageID) && !f.Accepted.Before(l.f.Since)
}

// ended finds what has left the queue, the last first: among the rows that are
// not indexed yet, then segment by segment.
func (l *search) ended() error {
	before := int64(1<<63 - 1)
	if l.f.Before > 0 {
		before = l.f.Before
	}
	segments, err := segmentsOf(l.c)
	if err != nil {
		return err
	}
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(b.high, a.high) })
	indexed := int64(0)
	if len(segments) > 0 {
		indexed = segments[0].high
	}
	err = l.c.query(selectFatesBack, func(r row) error { return l.take(r.int(0), r.blob(1), false) }, indexed, before)
	for _, g := range segments {
		if err != nil {
			break
		}
		if g.low < before {
			err = l.segment(g, before)
		}
	}
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// segment takes the fates that one part of the index leads to.
func (l *search) segment(g segment, before int64) error {
	ids, err := hits(l.c, g.id, l.key)
	if err != nil {
		return err
	}
	for _, id := range slices.Backward(ids) {
		if id >= before {
			continue
		}
		var data []byte
		found, err := l.c.one(selectFate, func(r row) { data = r.blob(0) }, id)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if err := l.take(id, data, true); err != nil {
			return err
		}
	}
	return nil
}

// earlier is by how much a clock may have gone back between two fates.
const earlier = time.Hour

// take adds a fate, if it fits, and ends the look-up when there are enough.
func (l *search) take(id int64, data []byte, indexed bool) error {
	if indexed {
		l.examined++
	}
	key, ok := keysOf(data, l.s.crc)
	if !ok {
		l.found.Damaged++
		return nil
	}
	if l.f.Person != "" && l.f.Person != key.person || l.f.QueueID != "" && l.f.QueueID != key.queueID ||
		l.f.MessageID != "" && l.f.MessageID != key.messageID {
		return nil
	}
	_, fate, err := fateOf(data, l.s.crc)
	if err != nil {
		l.found.Damaged++
		return nil
	}
	if fate.Ended.Before(l.f.Since.Add(-earlier)) {
		return errStop // what ended before it was accepted before it
	}
	if l.fits(key.person, &fate) {
		l.found.Fates = append(l.found.Fates, fate)
	}
	if l.full(id) {
		return errStop
	}
	return nil
}

// hits returns the rows that a segment has under a hash, in order.
func hits(c *conn, segment, hash int64) (ids []int64, err error) {
	err = blocksWith(c, segment, hash, func(_ int64, entries []entry) error {
		at, _ := slices.BinarySearchFunc(entries, hash, func(e entry, h int64) int { return cmp.Compare(e.hash, h) })
		for _, e := range entries[at:] {
			if e.hash != hash {
				break
			}
			ids = append(ids, e.id)
		}
		return nil
	})
	return ids, err
}

// blocksWith hands over the blocks of a segment that may have a hash.
func blocksWith(c *conn, segment, hash int64, each func(block int64, entries []entry) error) error {
	for _, query := range []string{selectBlockBefore, selectBlocksFrom} {
		if err := c.query(query, func(r row) error { return each(r.int(0), entriesIn(r.blob(1))) }, segment, hash); err != nil {
			return err
		}
	}
	return nil
}
