package queue

import (
	"time"

	"offramp/store"
)

// schedule says when a deferred recipient is tried again.
type schedule struct {
	min, max     time.Duration
	expire       time.Duration
	bounceExpire time.Duration
	rand         func() float64 // [0,1)
}

// wait is how long to wait after the given number of attempts, at least 1: it
// doubles from min to max.
func (s schedule) wait(attempts int) time.Duration {
	wait := s.min
	for i := 1; i < attempts && wait < s.max; i++ {
		wait *= 2
	}
	return min(wait, s.max)
}

// backoff is wait with a tenth of jitter either way, so that what failed together
// does not come back together.
func (s schedule) backoff(attempts int) time.Duration {
	wait := s.wait(attempts)
	return wait + time.Duration((s.rand()*2-1)*0.1*float64(wait))
}

// deadline is when a message that is still deferred is given up.
func (s schedule) deadline(m *store.Message) time.Time {
	life := s.expire
	if m.ReversePath == "" {
		life = min(life, s.bounceExpire)
	}
	return m.Received.Add(life)
}

// expired says whether a message is too old after the given number of attempts.
// sure is the time that has come for certain. A message of the future came under
// a clock that was wrong: its age is that of its attempts.
func (s schedule) expired(m *store.Message, attempts int, sure time.Time) bool {
	deadline := s.deadline(m)
	if !m.Received.After(sure) {
		return !sure.Before(deadline)
	}
	var age time.Duration
	for i := 1; i < attempts && age < deadline.Sub(m.Received); i++ {
		age += s.wait(i)
	}
	return age >= deadline.Sub(m.Received)
}

// next returns the time of the attempt after one that ended now. ok is false
// when the message has expired. The last attempt is made at the deadline.
func (s schedule) next(m *store.Message, attempts int, now, sure time.Time) (next time.Time, ok bool) {
	if s.expired(m, attempts, sure) {
		return time.Time{}, false
	}
	next = now.Add(s.backoff(attempts))
	if deadline := s.deadline(m); next.After(deadline) && deadline.After(now) {
		next = deadline
	}
	return next, true
}
