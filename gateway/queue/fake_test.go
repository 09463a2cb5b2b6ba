package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/store"
)

// spool is a store.Spool in memory, as far as delivery uses it.
type spool struct {
	mu       sync.Mutex
	messages map[string]*store.Message
	bodies   map[string][]byte
	queue    []*entry // by ID
	last     int64
	results  []store.Result
	bounces  []*store.Bounce
	reported []int64
	trouble  error // of every call but Body
	content  error // of reading a body
	settles  int
	putOffs  int
	noPutOff error  // of PutOff
	panicOn  string // queue id of the message whose body panics
}

type entry struct {
	id     string
	r      store.Recipient
	leased bool
}

func newSpool() *spool {
	return &spool{messages: make(map[string]*store.Message), bodies: make(map[string][]byte)}
}

// put adds a message as relay would and returns the ids of its recipients.
func (s *spool) put(m store.Message, body string, recipients ...store.Recipient) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Size = int64(len(body))
	hash := dkim.NewBodyHash()
	_, _ = io.WriteString(hash, body)
	m.BodyHash = hash.Sum()
	s.messages[m.ID], s.bodies[m.ID] = &m, []byte(body)
	var ids []int64
	for _, r := range recipients {
		s.last++
		r.ID = s.last
		if r.Domain == "" {
			a, err := envelope.Parse(r.Address)
			if err != nil {
				panic(err)
			}
			r.Domain = a.Domain()
		}
		if r.State == "" {
			r.State = store.Queued
		}
		if r.Next.IsZero() {
			r.Next = m.Received
		}
		s.queue = append(s.queue, &entry{id: m.ID, r: r})
		ids = append(ids, r.ID)
	}
	return ids
}

func (s *spool) due(now time.Time, skip []string) []*entry {
	var due []*entry
	for _, e := range s.queue {
		if e.r.State == store.Queued && !e.leased && !e.r.Next.After(now) && !slices.Contains(skip, e.r.Domain) {
			due = append(due, e)
		}
	}
	if next := func(a, b *entry) int { return a.r.Next.Compare(b.r.Next) }; !slices.IsSortedFunc(due, next) {
		slices.SortStableFunc(due, next)
	}
	return due
}

func (s *spool) Lease(_ context.Context, now time.Time, limit int, skip []string) ([]store.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble != nil {
		return nil, s.trouble
	}
	var jobs []store.Job
	shared := make(map[string]*store.Message)
	for _, e := range s.due(now, skip) {
		if len(jobs) == limit {
			break
		}
		if shared[e.id] == nil {
			m := *s.messages[e.id]
			shared[e.id] = &m
		}
		e.leased = true
		jobs = append(jobs, store.Job{Message: shared[e.id], Recipient: e.r})
	}
	return jobs, nil
}

func (s *spool) Next(_ context.Context, skip []string) (next time.Time, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.queue {
		if e.r.State == store.Queued && !e.leased && !slices.Contains(skip, e.r.Domain) && (!ok || e.r.Next.Before(next)) {
			next, ok = e.r.Next, true
		}
	}
	return next, ok, s.trouble
}

func (s *spool) Body(_ context.Context, id string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == s.panicOn {
		panic("body")
	}
	body, ok := s.bodies[id]
	if !ok {
		return nil, store.ErrNotFound
	}
	in := io.Reader(bytes.NewReader(body))
	if s.content != nil {
		in = io.MultiReader(io.LimitReader(in, int64(len(body)/2)), failing{s.content})
	}
	return io.NopCloser(in), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (s *spool) Settle(_ context.Context, results ...store.Result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settles++
	if s.trouble != nil {
		return s.trouble
	}
	for _, res := range results {
		s.results = append(s.results, res)
		i := slices.IndexFunc(s.queue, func(e *entry) bool { return e.r.ID == res.Recipient })
		if i < 0 {
			continue
		}
		e := s.queue[i]
		if !e.leased {
			return fmt.Errorf("recipient %d is settled without a lease", res.Recipient)
		}
		e.leased = false
		if res.Kind == store.Returned {
			continue
		}
		e.r.Attempts++
		e.r.Status = res.Status
		switch res.Kind {
		case store.Delivered, store.Dropped:
			s.queue = slices.Delete(s.queue, i, i+1)
		case store.Deferred:
			e.r.Next = res.Next
		case store.Bounced:
			e.r.State = store.Failed
		case store.Parked:
			e.r.State = store.Held
		}
	}
	return nil
}

func (s *spool) PutOff(_ context.Context, l store.Line) (off, left int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putOffs++
	if s.trouble != nil || s.noPutOff != nil {
		return 0, 0, errors.Join(s.trouble, s.noPutOff)
	}
	for _, e := range s.due(l.Now, nil) {
		if e.r.Domain != l.Domain {
			continue
		}
		m := s.messages[e.id]
		next, ok := l.Next(&store.Message{Received: m.Received, ReversePath: m.ReversePath}, e.r)
		if !ok {
			left++
			continue
		}
		off++
		e.r.Attempts, e.r.Next, e.r.Status = e.r.Attempts+1, next, l.Status
		s.results = append(s.results, store.Result{Recipient: e.r.ID, Kind: store.Deferred, Next: next, Status: l.Status})
	}
	return off, left, nil
}

func (s *spool) Failures(_ context.Context, limit int) ([]store.Failure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byID := make(map[string]*store.Failure)
	blocked := make(map[string]bool)
	for _, e := range s.queue {
		if e.leased || e.r.State == store.Queued && e.r.Attempts == 0 {
			blocked[e.id] = true
		}
		if e.r.State == store.Failed {
			if byID[e.id] == nil {
				m := *s.messages[e.id]
				byID[e.id] = &store.Failure{Message: &m}
			}
			byID[e.id].Recipients = append(byID[e.id].Recipients, e.r)
		}
	}
	var all []store.Failure
	for id, f := range byID {
		if !blocked[id] && len(all) < limit {
			all = append(all, *f)
		}
	}
	return all, s.trouble
}

func (s *spool) Report(_ context.Context, b *store.Bounce, reported []int64) error {
	s.mu.Lock()
	if s.trouble != nil {
		s.mu.Unlock()
		return s.trouble
	}
	s.reported = append(s.reported, reported...)
	s.queue = slices.DeleteFunc(s.queue, func(e *entry) bool { return slices.Contains(reported, e.r.ID) })
	if b == nil {
		s.mu.Unlock()
		return nil
	}
	s.bounces = append(s.bounces, b)
	s.mu.Unlock()
	s.put(b.Message, string(b.Body), b.Recipients...)
	return nil
}

// left is what is in the queue.
func (s *spool) Recheck(context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.queue {
		if s.content == nil && e.r.State == store.Held && e.r.Status.Text == store.DamagedText {
			e.r.State, e.r.Next = store.Queued, time.Time{}
			n++
		}
	}
	return n, s.trouble
}

func (s *spool) left() []store.Recipient {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []store.Recipient
	for _, e := range s.queue {
		all = append(all, e.r)
	}
	return all
}

func (s *spool) kinds() map[store.ResultKind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := make(map[store.ResultKind]int)
	for _, r := range s.results {
		n[r.Kind]++
	}
	return n
}

var errStore = fmt.Errorf("disk on fire: %w", store.ErrUnavailable)

// within waits until ok, or fails.
func within(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(d)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", d, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// retry makes everything that waits due.
func (s *spool) retry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.queue {
		e.r.Next = time.Now()
	}
}

// leased is how many recipients are leased.
func (s *spool) leased() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.queue {
		if e.leased {
			n++
		}
	}
	return n
}
