package clock

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a store.
type memory struct {
	seen  time.Time
	fault error
	n     int // of writes
}

func (m *memory) ClockSeen(context.Context) (time.Time, error) { return m.seen, m.fault }
func (m *memory) SeeClock(_ context.Context, t time.Time) error {
	if m.fault == nil {
		m.seen = t.Round(0)
		m.n++
	}
	return m.fault
}

const (
	day       = 24 * time.Hour
	year      = 365 * day
	tolerance = 7 * day
)

var begin = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// machine has a clock that can be set, beside a counter that cannot.
type machine struct {
	wall time.Time
	ran  time.Duration
}

func (m *machine) pass(d time.Duration) {
	m.wall = m.wall.Add(d)
	m.ran += d
}

// start is one start of the server on that machine.
func (m *machine) start(t *testing.T, s Store) *Clock {
	t.Helper()
	c := &Clock{Config: Config{Tolerance: tolerance}, Store: s, Now: func() time.Time { return m.wall }, Elapsed: func() time.Duration { return m.ran }}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// want compares what is sure, and whether the clock is off.
func want(t *testing.T, c *Clock, sure time.Time, off time.Duration) {
	t.Helper()
	if s := c.State(); !s.Sure.Equal(sure) || s.Off != off || !c.Sure().Equal(sure) || off >= 0 && !c.Latest().Equal(s.Now) {
		t.Errorf("sure of %v, off by %v; want %v, %v", s.Sure, s.Off, sure, off)
	}
}

// A clock that is ahead when the server starts is not believed, however often it
// is started, and what was sure goes on with the time that it runs.
func TestAheadAtTheStart(t *testing.T) {
	s := &memory{seen: begin}
	m := &machine{wall: begin.Add(4 * year)}
	for range 3 {
		c := m.start(t, s)
		want(t, c, s.seen, m.wall.Sub(s.seen))
		m.pass(3 * time.Hour)
		want(t, c, s.seen.Add(3*time.Hour), m.wall.Sub(s.seen)-3*time.Hour)
		if !c.see(t.Context(), c.look().Sure) {
			t.Fatal("not recorded")
		}
	}
	if !s.seen.Equal(begin.Add(9 * time.Hour)) {
		t.Errorf("the measure is %v", s.seen)
	}
	m.wall = begin.Add(10 * time.Hour)
	c := m.start(t, s)
	want(t, c, m.wall, 0)
	if !s.seen.Equal(m.wall) {
		t.Errorf("the measure is %v once the clock was put right", s.seen)
	}
}

// records is a store of an earlier release: until a measure is recorded, its newest
// record is.
type records struct {
	memory
	newest time.Time
}

func (r *records) ClockSeen(ctx context.Context) (time.Time, error) {
	if r.n == 0 {
		return r.newest, nil
	}
	return r.memory.ClockSeen(ctx)
}

// What is recorded under a wrong clock is not the measure of the next start, from
// the first one of this release on.
func TestARecordIsNoMeasure(t *testing.T) {
	s := &records{newest: begin}
	m := &machine{wall: begin.Add(4 * year)}
	for range 2 {
		c := m.start(t, s)
		s.newest = m.wall
		want(t, c, begin, 4*year)
	}
}

// A clock that jumps while the server runs is not believed from then on, and is
// again when it jumps back.
func TestAJump(t *testing.T) {
	s := &memory{seen: begin}
	m := &machine{wall: begin}
	c := m.start(t, s)
	m.pass(time.Hour)
	m.wall = m.wall.Add(6 * day)
	want(t, c, m.wall, 0)
	m.wall = m.wall.Add(2 * day)
	want(t, c, begin.Add(time.Hour), 8*day)
	m.wall = m.wall.Add(-8 * day)
	want(t, c, m.wall, 0)
	m.wall = m.wall.Add(-8 * day)
	want(t, c, m.wall, -8*day)
	if got := c.Latest(); !got.Equal(begin.Add(time.Hour)) {
		t.Errorf("behind, it may be as late as %v", got)
	}
}

// A clock that is behind does not put the measure back: only the operator does.
func TestTheMeasureNeverGoesBack(t *testing.T) {
	s := &memory{seen: begin}
	c := (&machine{wall: begin.Add(-year)}).start(t, s)
	if !c.see(t.Context(), c.look().Sure) || !s.seen.Equal(begin) {
		t.Errorf("the measure is %v", s.seen)
	}
}

// Within the tolerance it may be ahead once in as much time: a clock that creeps
// is not believed either.
func TestACreepingClock(t *testing.T) {
	s := &memory{seen: begin}
	m := &machine{wall: begin}
	c := m.start(t, s)
	for range 100 {
		m.pass(time.Minute)
		m.wall = m.wall.Add(day)
		c.look()
	}
	if ahead := c.Sure().Sub(begin); ahead > tolerance {
		t.Errorf("after 100 minutes %v are believed", ahead)
	}
	// One that goes a little fast all the time is.
	m = &machine{wall: begin}
	c = m.start(t, &memory{seen: begin})
	for range 400 {
		m.pass(day)
		m.wall = m.wall.Add(time.Hour)
		c.look()
	}
	want(t, c, m.wall, 0)
}

// After a stop that was longer than the tolerance the operator says that the clock
// is right, forwards and backwards.
func TestAccept(t *testing.T) {
	for _, gap := range []time.Duration{21 * day, -21 * day} {
		s := &memory{seen: begin}
		m := &machine{wall: begin.Add(gap)}
		c := m.start(t, s)
		if c.State().Off != gap {
			t.Errorf("off by %v", c.State().Off)
		}
		if state, err := c.Accept(t.Context()); err != nil || state.Off != 0 || !state.Sure.Equal(m.wall) {
			t.Errorf("%+v, %v", state, err)
		}
		want(t, m.start(t, s), m.wall, 0)
	}
	s := &memory{seen: begin, fault: errors.New("full")}
	c := &Clock{Store: s}
	if _, err := c.Accept(t.Context()); !errors.Is(err, s.fault) {
		t.Error(err)
	}
	if err := c.Start(t.Context()); !errors.Is(err, s.fault) {
		t.Error(err)
	}
}

// A store without records, the zero Clock and a tolerance of zero believe all.
func TestNothingToCompare(t *testing.T) {
	m := &machine{wall: begin}
	c := m.start(t, &memory{})
	want(t, c, begin, 0)
	c = m.start(t, &memory{seen: begin.Add(-year)})
	c.Config.Tolerance = 0
	want(t, c, begin, 0)
	if sure := new(Clock).Sure(); time.Since(sure) > time.Minute {
		t.Error(sure)
	}
	if err := (Config{Tolerance: time.Hour}).Validate(); err == nil || !strings.Contains(err.Error(), "OFFRAMP_CLOCK_TOLERANCE") {
		t.Error(err)
	}
	if err := errors.Join(Config{}.Validate(), Config{Tolerance: tolerance}.Validate()); err != nil {
		t.Error(err)
	}
}

// Readings without a counter, as tests have them, are believed once started.
func TestReadingsWithoutACounter(t *testing.T) {
	now := begin
	c := &Clock{Config: Config{Tolerance: tolerance}, Store: &memory{}, Now: func() time.Time { return now }}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(year)
	want(t, c, now, 0)
}

// A year passes for a server that runs, and its measure goes along, with one
// write an hour.
func TestAYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &memory{seen: time.Now()}
		c := &Clock{Config: Config{Tolerance: tolerance}, Store: s, Log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		time.Sleep(year)
		synctest.Wait()
		if s := c.State(); s.Off != 0 || !s.Sure.Equal(time.Now()) {
			t.Errorf("%+v at %v", s, time.Now())
		}
		cancel()
		if err := <-ended; err != nil || log.Len() > 0 || !s.seen.Equal(time.Now()) || s.n > 366*24+2 {
			t.Errorf("%v, measure %v after %d writes, log %s", err, s.seen, s.n, log.String())
		}
	})
}

// What is wrong is logged once, and that it is right again.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	m := &machine{wall: begin}
	c := m.start(t, &memory{seen: begin})
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	said := func(want string) {
		t.Helper()
		c.look()
		c.look()
		if n := strings.Count(log.String(), "\n"); want == "" && n > 0 || want != "" && (n != 1 || !strings.Contains(log.String(), want)) {
			t.Errorf("want %q, said %s", want, log.String())
		}
		log.Reset()
	}
	said("")
	m.wall = begin.Add(year)
	said("level=ERROR msg=\"the clock is ahead")
	m.wall = begin
	said("level=INFO msg=\"the clock is believed again")
	m.wall = begin.Add(-year)
	said("level=ERROR msg=\"the clock is behind")
}

// Asking costs nothing against a look at the store.
func BenchmarkSure(b *testing.B) {
	c := &Clock{Config: Config{Tolerance: tolerance}, Store: &memory{seen: time.Now()}}
	if err := c.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			c.Sure()
		}
	})
}
