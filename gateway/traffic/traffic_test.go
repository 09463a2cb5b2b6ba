package traffic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/stream"
	"offramp/store"
)

// fake keeps rows as they come, and fails while err is set.
type fake struct {
	mu    sync.Mutex
	rows  []store.Traffic
	since time.Time // what is older goes
	err   error
}

func (f *fake) AddTraffic(ctx context.Context, since time.Time, rows ...store.Traffic) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.rows, f.since = append(f.rows, rows...), since
	}
	return f.err
}

func (f *fake) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func TestCounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		c := &Counter{Store: f}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		start := time.Now()
		m := &store.Message{Login: "shop", Mark: "transactional", Unmarked: true, Header: []byte("From: Hello <hello@shop.example>\r\n\r\n")}
		d := stream.Decision{From: "Hello@Shop.example", Subject: "Sale", Precedence: true}
		c.Add(m, d, 40, 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		d.FeedbackID = true
		c.Add(m, d, 30, 2)
		c.Drop(m)
		d.Subject = "Another"
		c.Add(m, d, 1, 0)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		c.Add(m, stream.Decision{From: "hello@shop.example", Subject: "Sale"}, 5, 0)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		row := func(r store.Traffic) store.Traffic {
			r.Sender, r.Login, r.Mark, r.Unmarked = "hello@shop.example", "shop", "transactional", true
			return r
		}
		want := []store.Traffic{
			row(store.Traffic{Messages: 1, Recipients: 40, Peak: 40, Precedence: 1, First: start, Last: start}),
			row(store.Traffic{Messages: 2, Recipients: 31, Dropped: 3, Repeated: 1, Peak: 70, Precedence: 2, FeedbackID: 2,
				First: start.Add(time.Minute), Last: start.Add(time.Minute)}),
			row(store.Traffic{Messages: 1, Recipients: 5, Peak: 5, First: start.Add(121 * time.Minute), Last: start.Add(121 * time.Minute)}),
		}
		if diff := cmp.Diff(want, f.rows); diff != "" {
			t.Error(diff)
		}
	})
}

// What the store cannot take is counted on.
func TestStoreThatCannotWrite(t *testing.T) {
	f := &fake{err: errors.New("made to fail")}
	c := &Counter{Store: f, Now: func() time.Time { return time.Unix(1, 0) }}
	m := &store.Message{List: "l.example"}
	c.Add(m, stream.Decision{From: "a@b.example"}, 1, 1)
	c.write(t.Context())
	c.Now = func() time.Time { return time.Unix(60, 0) }
	c.Add(m, stream.Decision{From: "a@b.example"}, 1, 0)
	f.set(nil)
	c.write(t.Context())
	c.write(t.Context())
	if len(f.rows) != 1 || f.rows[0].Messages != 2 || f.rows[0].Dropped != 1 || f.rows[0].Repeated != 1 || !f.rows[0].First.Equal(time.Unix(1, 0)) || !f.rows[0].Last.Equal(time.Unix(60, 0)) {
		t.Errorf("%+v", f.rows)
	}
}

// A clock that goes back begins another hour, and not one that lasts until it
// has caught up.
func TestClockGoesBack(t *testing.T) {
	f := &fake{}
	now := time.Unix(1e6, 0)
	c := &Counter{Store: f, Now: func() time.Time { return now }}
	c.Add(&store.Message{}, stream.Decision{From: "a@b.example", Subject: "s"}, 1, 0)
	now = now.Add(-24 * time.Hour)
	c.Add(&store.Message{}, stream.Decision{From: "a@b.example", Subject: "s"}, 1, 0)
	if r := c.rows[key{sender: "a@b.example"}]; r.Repeated != 0 {
		t.Errorf("%+v", r.Traffic)
	}
}

// Senders and Subjects without end cost bounded memory.
func TestBounds(t *testing.T) {
	f := &fake{}
	now := time.Unix(1, 0)
	c := &Counter{Store: f, Now: func() time.Time { return now }}
	for i := range 3 * maxRows {
		c.Add(&store.Message{}, stream.Decision{From: fmt.Sprintf("u%d@many.example", i), Subject: fmt.Sprint(i)}, 1, 0)
	}
	for i := range 3 * maxRows {
		c.Add(&store.Message{}, stream.Decision{From: fmt.Sprintf("u@d%d.example", i)}, 1, 0)
		c.Add(&store.Message{}, stream.Decision{From: "one@many.example", Subject: fmt.Sprint(i)}, 1, 0)
	}
	if len(c.rows) > 2*maxRows {
		t.Errorf("%d rows", len(c.rows))
	}
	for k, r := range c.rows {
		if len(r.subjects) > maxSubjects {
			t.Errorf("%v: %d subjects", k, len(r.subjects))
		}
	}
	if r := c.rows[key{sender: "@many.example"}]; r == nil || r.Messages < maxRows {
		t.Errorf("beyond the bound: %+v", r)
	}
	c.write(t.Context())
	now = now.Add(2 * window)
	c.write(t.Context())
	if len(c.rows) != 0 {
		t.Errorf("%d rows of quiet senders are kept", len(c.rows))
	}
}

// Rows are old by the time that is sure, not by what the clock shows.
func TestRowsUnderAWrongClock(t *testing.T) {
	sure := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f := &fake{}
	c := &Counter{Store: f, Now: func() time.Time { return sure.AddDate(4, 0, 0) }, Sure: func() time.Time { return sure }}
	c.Add(&store.Message{Login: "shop"}, stream.Decision{From: "hello@shop.example"}, 1, 0)
	c.write(t.Context())
	if len(f.rows) != 1 || !f.since.Equal(sure.Add(-store.TrafficKept)) {
		t.Errorf("rows %+v, and what is older than %v goes", f.rows, f.since)
	}
}
