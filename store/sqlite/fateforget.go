package sqlite

import (
	"context"
	"math"
	"slices"
)

const (
	updateBlock  = "UPDATE fate_blocks SET data = ? WHERE id = ?"
	updateTrack  = "UPDATE recipients SET track = ? WHERE message = ? AND n = ?"
	forgetAtOnce = 200
)

// ForgetFates erases what became of mail to a person, and has none recorded of
// what is in the queue.
func (s *Spool) ForgetFates(ctx context.Context, person string) (total int, err error) {
	if s.file.writer == nil {
		return 0, fail("forget fates", errReadOnly)
	}
	h := &s.history
	h.changing.Lock()
	defer h.changing.Unlock()
	for more := true; more; {
		g := &forgetting{s: s, person: person}
		if err := s.file.write(ctx, &op{
			frees: true,
			run: func(c *conn) error {
				*g = forgetting{s: s, person: person}
				return g.run(c)
			},
			committed: func() { s.schedule.unrecord(g.waiting) },
		}); err != nil {
			return total, fail("forget fates", err)
		}
		total += g.theirs
		more = g.theirs == forgetAtOnce
	}
	return total, nil
}

// forgetting is one step of an erasure.
type forgetting struct {
	s       *Spool
	person  string
	rows    map[int64]keyed
	theirs  int      // of rows, those of the person
	bounces []string // of those mails, whose addresses may name the person too
	waiting []int64  // recipients in the queue
}

func (g *forgetting) run(c *conn) error {
	g.rows = make(map[int64]keyed)
	h := &g.s.history
	if err := g.unrecord(c, h.waiting.find(h.hash(byPerson, g.person)), g.person); err != nil {
		return err
	}
	segments, err := segmentsOf(c)
	if err != nil {
		return err
	}
	theirs := func(k keyed) bool { return k.person == g.person }
	if err := g.find(c, segments, []int64{h.hash(byPerson, g.person)}, forgetAtOnce, theirs); err != nil {
		return err
	}
	g.theirs = len(g.rows)
	if err := g.forgetBounces(c, segments); err != nil {
		return err
	}
	for id := range g.rows {
		if _, err := c.exec(deleteFate, id); err != nil {
			return err
		}
	}
	for _, seg := range segments {
		if err := g.unindex(c, seg); err != nil {
			return err
		}
	}
	return nil
}

// forgetBounces erases what became of their bounces: the sender's address that one
// went to may be made of the recipient's. All of them are found at once, since each
// look reads what is not indexed yet while no mail is accepted.
func (g *forgetting) forgetBounces(c *conn, segments []segment) error {
	if len(g.bounces) == 0 {
		return nil
	}
	var waits, hashes []int64
	for _, id := range g.bounces {
		if _, err := c.one(selectNumOf, func(r row) { waits = append(waits, recipientID(r.int(0), 0)) }, id); err != nil {
			return err
		}
		hashes = append(hashes, g.s.history.hash(byQueueID, id))
	}
	if err := g.unrecord(c, waits, ""); err != nil {
		return err
	}
	ids := g.bounces // find adds to them
	return g.find(c, segments, hashes, math.MaxInt, func(k keyed) bool { return slices.Contains(ids, k.queueID) })
}

// unrecord has nothing recorded of recipients that are in the queue; person
// "": whoever they are.
func (g *forgetting) unrecord(c *conn, ids []int64, person string) error {
	for _, id := range ids {
		num, n := splitID(id)
		var t track
		address := ""
		found, err := c.one(selectLeaving, func(r row) {
			address = r.text(2)
			t = trackOf(r.blob(14), address)
		}, num, n)
		if err != nil {
			return err
		}
		if !found || person != "" && t.person != person {
			continue
		}
		g.waiting = append(g.waiting, id)
		if t.erased {
			continue
		}
		t.erased = true
		if _, err := c.exec(updateTrack, t.blob(address), num, n); err != nil {
			return err
		}
	}
	return nil
}

// find reads which rows are to go, so many in all at most.
func (g *forgetting) find(c *conn, segments []segment, hashes []int64, most int, fits func(keyed) bool) error {
	indexed := int64(0)
	for _, seg := range segments {
		indexed = max(indexed, seg.high)
	}
	take := func(id int64, data []byte) {
		key, ok := keysOf(data, g.s.crc)
		if !ok || !fits(key) || len(g.rows) >= most {
			return
		}
		g.rows[id] = key
		if _, f, err := fateOf(data, g.s.crc); err == nil && f.Bounce != "" {
			g.bounces = append(g.bounces, f.Bounce)
		}
	}
	if err := c.query(selectFatesBack, func(r row) error {
		take(r.int(0), r.blob(1))
		return nil
	}, indexed, int64(1<<63-1)); err != nil {
		return err
	}
	for _, seg := range segments {
		for _, hash := range hashes {
			ids, err := hits(c, seg.id, hash)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if len(g.rows) >= most {
					return nil
				}
				if _, err := c.one(selectFate, func(r row) { take(id, r.blob(0)) }, id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// unindex takes the entries of those rows out of a segment.
func (g *forgetting) unindex(c *conn, seg segment) error {
	h := &g.s.history
	gone := make(map[entry]bool)
	for id, key := range g.rows {
		if id < seg.low || id > seg.high {
			continue
		}
		for _, hash := range []int64{h.hash(byPerson, key.person), h.hash(byQueueID, key.queueID), h.hash(byMessageID, key.messageID)} {
			gone[entry{hash, id}] = true
		}
	}
	blocks := make(map[int64][]entry)
	seen := make(map[int64]bool)
	for e := range gone {
		if seen[e.hash] {
			continue
		}
		seen[e.hash] = true
		if err := blocksWith(c, seg.id, e.hash, func(block int64, entries []entry) error {
			blocks[block] = entries
			return nil
		}); err != nil {
			return err
		}
	}
	for block, entries := range blocks {
		left := slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return gone[e] })
		if len(left) == len(entries) {
			continue
		}
		if _, err := c.exec(updateBlock, blockOf(left), block); err != nil {
			return err
		}
	}
	return nil
}
