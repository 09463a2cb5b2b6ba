package queue

import (
	"strings"
	"testing"
	"time"

	"offramp/store"
)

func TestValidateNamesEveryError(t *testing.T) {
	err := Config{RetryMin: time.Hour, RetryMax: time.Minute, Drain: -1}.Validate()
	if err == nil {
		t.Fatal("no error found")
	}
	for _, name := range []string{"OFFRAMP_RETRY_MAX", "OFFRAMP_NEXT_HOP_DRAIN"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("no %s in:\n%v", name, err)
		}
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 2 {
		t.Errorf("%d lines, want 2:\n%v", n, err)
	}
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
}

func TestSchedule(t *testing.T) {
	s := schedule{min: time.Minute, max: 4 * time.Hour, expire: 120 * time.Hour, bounceExpire: 24 * time.Hour, rand: func() float64 { return 0.5 }}
	for attempts, want := range map[int]time.Duration{1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute, 8: 128 * time.Minute, 9: 4 * time.Hour, 1000: 4 * time.Hour} {
		if got := s.backoff(attempts); got != want {
			t.Errorf("after %d attempts: %v, want %v", attempts, got, want)
		}
	}
	for _, r := range []float64{0, 0.999} {
		s.rand = func() float64 { return r }
		if got := s.backoff(1); got < 54*time.Second || got > 66*time.Second {
			t.Errorf("jitter: %v", got)
		}
	}
	m := &store.Message{Received: acceptance, ReversePath: "a@b.example"}
	now, last := acceptance, acceptance
	attempts := 0
	for {
		attempts++
		next, ok := s.next(m, attempts, now, now)
		if !ok {
			break
		}
		if !next.After(now) {
			t.Fatalf("attempt %d: %v is not after %v", attempts, next, now)
		}
		last, now = now, next
	}
	if now != acceptance.Add(120*time.Hour) || last == now {
		t.Errorf("the last attempt is at %v, want at the deadline", now)
	}
	if attempts < 30 || attempts > 50 {
		t.Errorf("%d attempts in five days", attempts)
	}
	m.ReversePath = ""
	if _, ok := s.next(m, 1, acceptance.Add(25*time.Hour), acceptance.Add(25*time.Hour)); ok {
		t.Error("a bounce is kept for over a day")
	}
}

// A clock that is not believed gives nothing up, and puts nothing off into the
// past; mail that came under one is given up by its attempts.
func TestScheduleUnderAWrongClock(t *testing.T) {
	const year = 365 * 24 * time.Hour
	s := schedule{min: time.Minute, max: 4 * time.Hour, expire: 120 * time.Hour, bounceExpire: 24 * time.Hour, rand: func() float64 { return 0.5 }}
	m := &store.Message{Received: acceptance, ReversePath: "a@b.example"}
	ahead, sure := acceptance.Add(4*year), acceptance.Add(time.Hour)
	if next, ok := s.next(m, 1, ahead, sure); !ok || !next.Equal(ahead.Add(time.Minute)) {
		t.Errorf("ahead: %v, %v", next, ok)
	}
	if _, ok := s.next(m, 1, ahead, acceptance.Add(120*time.Hour)); ok {
		t.Error("ahead, and too old for certain: not given up")
	}
	m.Received = ahead
	attempts := 1
	for now := sure; attempts < 100; attempts++ {
		next, ok := s.next(m, attempts, now, now)
		if !ok {
			break
		}
		now = next
	}
	if attempts < 30 || attempts > 50 {
		t.Errorf("of the future: given up after %d attempts", attempts)
	}
}
