package sqlite

import (
	"container/heap"
	"sync"
	"time"

	"offramp/store"
)

// schedule is the order of work: when which queued recipient is due. It is
// kept in memory (32 bytes for a recipient), because the order changes with
// every attempt and an index on disk would be written as often; and because a
// destination that is to be skipped costs nothing here, however long its line.
//
// Its entries are hints: a Lease reads the row and drops the hint when the
// row says something else. What must hold is that every queued recipient that
// is not leased has a hint with its Next.
//
// It also knows who is leased, and counts what the spool holds.
type schedule struct {
	mu     sync.Mutex
	lines  map[string]*line // by destination
	order  lineHeap         // lines that are not empty, by their first hint
	leased map[int64]lease
	counts counts
}

// lease is an attempt that is being made, or a removal. It keeps the hints
// that came up meanwhile until it ends.
type lease struct {
	kept []hint
	of   *leased // nil: a removal, or not handed out yet
}

// leased is a recipient that is being attempted, with what its fate is made of.
type leased struct {
	message   *store.Message
	recipient store.Recipient
	track     track
}

// counts is what the spool holds.
type counts struct{ messages, queued, held, failed int }

func (c *counts) add(state store.RecipientState, n int) {
	switch state {
	case store.Queued:
		c.queued += n
	case store.Held:
		c.held += n
	case store.Failed:
		c.failed += n
	}
}

func (c *counts) addAll(d counts) {
	c.messages += d.messages
	c.queued += d.queued
	c.held += d.held
	c.failed += d.failed
}

// hint says that a recipient may be due at next.
type hint struct {
	next int64 // microseconds since 1970
	id   int64 // of the recipient
	line *line
}

func (h hint) before(o hint) bool { return h.next < o.next || h.next == o.next && h.id < o.id }

// line is the hints of one destination.
type line struct {
	domain string
	index  int // in the order, -1: not there
	hints  hintHeap
}

type hintHeap []hint

func (h hintHeap) Len() int           { return len(h) }
func (h hintHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h hintHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *hintHeap) Push(x any)        { *h = append(*h, x.(hint)) }
func (h *hintHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

type lineHeap []*line

func (h lineHeap) Len() int           { return len(h) }
func (h lineHeap) Less(i, j int) bool { return h[i].hints[0].before(h[j].hints[0]) }
func (h lineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *lineHeap) Push(x any) {
	l := x.(*line)
	l.index = len(*h)
	*h = append(*h, l)
}
func (h *lineHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	*h = old[:len(old)-1]
	l.index = -1
	return l
}

// push adds a hint. The caller holds mu.
func (s *schedule) push(domain string, next, id int64) {
	l := s.lines[domain]
	if l == nil {
		l = &line{domain: domain, index: -1}
		s.lines[domain] = l
	}
	heap.Push(&l.hints, hint{next: next, id: id, line: l})
	if l.index < 0 {
		heap.Push(&s.order, l)
	} else {
		heap.Fix(&s.order, l.index)
	}
}

// drop removes the first hint of the first line. The caller holds mu.
func (s *schedule) drop() hint {
	l := s.order[0]
	h := heap.Pop(&l.hints).(hint)
	if len(l.hints) > 0 {
		heap.Fix(&s.order, 0)
		return h
	}
	heap.Pop(&s.order)
	delete(s.lines, l.domain)
	return h
}

// due marks up to limit recipients as leased that are due at now by their
// hints, oldest first, and returns them.
func (s *schedule) due(now int64, limit int, skip map[string]bool) []hint {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hints []hint
	defer s.setAside(skip)()
	for len(hints) < limit && len(s.order) > 0 && s.order[0].hints[0].next <= now {
		h := s.drop()
		if s.keep(h) {
			continue
		}
		s.leased[h.id] = lease{}
		hints = append(hints, h)
	}
	return hints
}

// keep leaves h to the lease of its recipient, if there is one. The caller
// holds mu.
func (s *schedule) keep(h hint) bool {
	l, ok := s.leased[h.id]
	if ok {
		l.kept = append(l.kept, h)
		s.leased[h.id] = l
	}
	return ok
}

// end ends a lease. The caller holds mu.
func (s *schedule) end(id int64) {
	kept := s.leased[id].kept
	delete(s.leased, id)
	for _, h := range kept {
		s.push(h.line.domain, h.next, h.id)
	}
}

// setAside takes the lines in skip out of the order until the function it
// returns is called. The caller holds mu.
func (s *schedule) setAside(skip map[string]bool) (putBack func()) {
	var aside []*line
	for domain := range skip {
		if l := s.lines[domain]; l != nil && l.index >= 0 {
			heap.Remove(&s.order, l.index)
			aside = append(aside, l)
		}
	}
	return func() {
		for _, l := range aside {
			heap.Push(&s.order, l)
		}
	}
}

// first returns the earliest hint of a recipient that is not leased.
func (s *schedule) first(skip map[string]bool) (hint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.setAside(skip)()
	for len(s.order) > 0 {
		h := s.order[0].hints[0]
		if !s.keep(h) {
			return h, true
		}
		s.drop()
	}
	return hint{}, false
}

// forget drops a hint that first returned and that turned out to be stale.
func (s *schedule) forget(h hint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := h.line
	if l.index < 0 || len(l.hints) == 0 || l.hints[0] != h {
		return
	}
	heap.Pop(&l.hints)
	if len(l.hints) > 0 {
		heap.Fix(&s.order, l.index)
		return
	}
	heap.Remove(&s.order, l.index)
	delete(s.lines, l.domain)
}

// release ends leases without any result: the recipients are due as before.
func (s *schedule) release(hints []hint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range hints {
		s.end(h.id)
		s.push(h.line.domain, h.next, h.id)
	}
}

// unlease ends leases of recipients whose hint was stale, and removals that
// failed.
func (s *schedule) unlease(ids []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.end(id)
	}
}

// hand notes what was handed out of the recipients that are leased.
func (s *schedule) hand(all map[int64]*leased) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, of := range all {
		if l, ok := s.leased[id]; ok {
			l.of = of
			s.leased[id] = l
		}
	}
}

// handed returns what was handed out of a recipient; nil: nothing.
func (s *schedule) handed(id int64) *leased {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leased[id].of
}

// unrecord has no fate recorded of recipients that are leased.
func (s *schedule) unrecord(ids []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if l, ok := s.leased[id]; ok && l.of != nil {
			of := *l.of
			of.track.erased = true
			l.of = &of
			s.leased[id] = l
		}
	}
}

// isLeased reports whether an attempt at a recipient is being made.
func (s *schedule) isLeased(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.leased[id]
	return ok
}

// reserve leases a recipient for a removal; false: it is leased already.
func (s *schedule) reserve(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.leased[id]; ok {
		return false
	}
	s.leased[id] = lease{}
	return true
}

// change applies what one committed operation did.
type change struct {
	counts  counts
	settled []int64 // leases that end
	due     []waits // recipients that are queued now
	dropped []int64 // messages that left
	entries []entry // of recipients that came, for the history
}

// waits is a queued recipient with its destination.
type waits struct {
	domain   string
	next, id int64
}

func (s *schedule) apply(c *change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.addAll(c.counts)
	for _, id := range c.settled {
		s.end(id)
	}
	for _, w := range c.due {
		s.push(w.domain, w.next, w.id)
	}
}

// replace sets all hints and counts again; leases stay.
func (s *schedule) replace(all []waits, n counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = make(map[string]*line)
	s.order = nil
	if s.leased == nil {
		s.leased = make(map[int64]lease)
	}
	for _, w := range all {
		s.push(w.domain, w.next, w.id)
	}
	s.counts = n
}

// usage returns the counts.
func (s *schedule) usage() counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// skipSet turns destinations to skip into a set.
func skipSet(skip []string) map[string]bool {
	set := make(map[string]bool, len(skip))
	for _, d := range skip {
		set[d] = true
	}
	return set
}

// unixMicro is the time of a hint.
func unixMicro(n int64) time.Time { return time.UnixMicro(n).UTC() }
