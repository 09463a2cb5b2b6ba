package sqlite

import (
	"container/heap"
	"context"

	"offramp/store"
)

// putOffStep is how many recipients one transaction of PutOff defers: few enough
// that mail which arrives meanwhile does not wait for long.
const putOffStep = 2000

const selectAge = "SELECT received, reverse_path FROM messages WHERE num = ?"

// PutOff defers what is due of one destination, some recipients at a time.
func (s *Spool) PutOff(ctx context.Context, l store.Line) (off, left int, err error) {
	if s.file.writer == nil {
		return 0, 0, fail("put off", errReadOnly)
	}
	var stay []hint // leased until the end, so that no step meets them again
	defer func() { s.schedule.release(stay) }()
	for {
		hints := s.schedule.dueOf(l.Domain, micros(l.Now), putOffStep)
		if len(hints) == 0 {
			return off, len(stay), nil
		}
		p := &putOff{line: l}
		err := s.file.write(ctx, &op{frees: true, run: func(c *conn) error { return p.run(c, hints) }, committed: func() { s.apply(&p.ch) }})
		if err != nil {
			s.schedule.release(hints)
			return off, len(stay), fail("put off", err)
		}
		off += len(p.ch.due)
		stay = append(stay, p.stay...)
	}
}

// putOff is one step.
type putOff struct {
	line store.Line
	ch   change
	stay []hint
}

func (p *putOff) run(c *conn, hints []hint) error {
	p.ch, p.stay = change{}, nil
	messages := make(map[int64]*store.Message)
	for _, h := range hints {
		num, n := splitID(h.id)
		var r store.Recipient
		found, err := c.one(selectRecipient, func(row row) { r = recipientOf(row) }, num, n)
		if err != nil {
			return err
		}
		if !found || r.State != store.Queued || micros(r.Next) != h.next {
			p.ch.settled = append(p.ch.settled, h.id) // the hint was stale
			continue
		}
		m := messages[num]
		if m == nil {
			m = new(store.Message)
			if _, err := c.one(selectAge, func(row row) { m.Received, m.ReversePath = row.time(0), row.text(1) }, num); err != nil {
				return err
			}
			messages[num] = m
		}
		next, ok := p.line.Next(m, r)
		if !ok {
			p.stay = append(p.stay, h)
			continue
		}
		p.ch.settled = append(p.ch.settled, h.id)
		if err := outcome(c, store.Result{Recipient: h.id, Kind: store.Deferred, Next: next, Status: p.line.Status}, store.Queued, p.line.Now, &p.ch); err != nil {
			return err
		}
	}
	return nil
}

// dueOf marks up to limit recipients of one destination as leased that are due at
// now by their hints, and returns them.
func (s *schedule) dueOf(domain string, now int64, limit int) (hints []hint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[domain]
	if l == nil {
		return nil
	}
	for len(hints) < limit && len(l.hints) > 0 && l.hints[0].next <= now {
		h := heap.Pop(&l.hints).(hint)
		if s.keep(h) {
			continue
		}
		s.leased[h.id] = lease{}
		hints = append(hints, h)
	}
	switch {
	case len(l.hints) > 0:
		heap.Fix(&s.order, l.index)
	default:
		heap.Remove(&s.order, l.index)
		delete(s.lines, domain)
	}
	return hints
}
