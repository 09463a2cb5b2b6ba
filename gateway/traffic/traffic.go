// Package traffic counts the mail that passes by its sender and by what decided
// about it, so that an operator can be told which mail is taken for what: bulk
// mail without a mark, receipts that look like a list, drops nobody expected.
// The counts decide nothing.
package traffic

import (
	"context"
	"hash/maphash"
	"log/slog"
	"strings"
	"sync"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/gateway/stream"
	"offramp/store"
)

// Store keeps what was counted; see [store.Consent].
type Store interface {
	AddTraffic(ctx context.Context, since time.Time, rows ...store.Traffic) error
}

// Counter counts in memory and writes to the store by and by. The zero value
// with a Store is ready; it must not be copied.
type Counter struct {
	Store Store
	Now   func() time.Time // nil: time.Now
	Sure  func() time.Time // by which rows are old; nil: Now
	Log   *slog.Logger     // nil: nothing is logged

	mu   sync.Mutex
	rows map[key]*row
	seed maphash.Seed
}

// Limits of what is held.
const (
	maxRows     = 4096 // beyond it senders are counted by domain, and then not at all
	maxSubjects = 64   // different Subjects of one row within an hour
	writeEvery  = 10 * time.Second
	window      = time.Hour
)

type key struct{ sender, login, list, mark string }

// row is what was counted since the last write, and the Subjects of the hour.
type row struct {
	store.Traffic
	subjects map[uint64]int64 // recipients by hash of the Subject
	since    time.Time        // of the window
}

// Add counts a message that was accepted for a number of recipients, of which
// opt-outs dropped some.
func (c *Counter) Add(m *store.Message, d stream.Decision, recipients, dropped int) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.row(senderOf(d.From), m, now)
	if r == nil {
		return
	}
	r.Messages++
	r.Recipients += int64(recipients)
	r.Dropped += int64(dropped)
	if d.Precedence {
		r.Precedence++
	}
	if d.FeedbackID {
		r.FeedbackID++
	}
	c.subject(r, d.Subject, int64(recipients), now)
}

// Drop counts a recipient of a message that an opt-out stopped after its
// acceptance.
func (c *Counter) Drop(m *store.Message) {
	from, _ := mime.FromAddress(mime.ParseHeader(m.Header).Get("From"))
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.row(senderOf(from), m, c.now()); r != nil {
		r.Dropped++
	}
}

// senderOf is how a sender is counted: by the lookup key of its address.
func senderOf(from string) string {
	a, err := envelope.Parse(from)
	if err != nil {
		return ""
	}
	return a.Key()
}

// row returns the row to count in; nil: there are too many. c.mu is held.
func (c *Counter) row(sender string, m *store.Message, now time.Time) *row {
	if c.rows == nil {
		c.rows, c.seed = make(map[key]*row), maphash.MakeSeed()
	}
	k := key{sender, m.Login, m.List, m.Mark}
	r := c.rows[k]
	if r == nil && len(c.rows) >= maxRows {
		k.sender = sender[max(0, strings.LastIndexByte(sender, '@')):]
		r = c.rows[k]
	}
	if r == nil && len(c.rows) < 2*maxRows {
		r = &row{Traffic: store.Traffic{Sender: k.sender, Login: m.Login, List: m.List, Mark: m.Mark, Unmarked: m.Unmarked}}
		c.rows[k] = r
	}
	if r != nil {
		if r.First.IsZero() {
			r.First = now
		}
		r.Last = now
	}
	return r
}

// subject notes whether the Subject was seen within the hour.
func (c *Counter) subject(r *row, subject string, recipients int64, now time.Time) {
	if r.subjects == nil || now.Sub(r.since) >= window || now.Before(r.since) {
		r.subjects, r.since = make(map[uint64]int64), now
	}
	h := maphash.String(c.seed, subject)
	seen, known := r.subjects[h]
	if known {
		r.Repeated++
	} else if len(r.subjects) >= maxSubjects {
		return
	}
	r.subjects[h] = seen + recipients
	r.Peak = max(r.Peak, seen+recipients)
}

// Run writes what is counted until ctx ends, and then once more.
func (c *Counter) Run(ctx context.Context) error {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			c.write(context.WithoutCancel(ctx))
			return nil
		case <-tick.C:
			c.write(ctx)
		}
	}
}

// write hands over what was counted since the last time. Rows that the store
// cannot take are counted on.
func (c *Counter) write(ctx context.Context) {
	batch := c.take()
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := c.Store.AddTraffic(ctx, c.sure().Add(-store.TrafficKept), batch...)
	if err == nil {
		return
	}
	c.putBack(batch)
	if c.Log != nil {
		c.Log.WarnContext(ctx, "cannot record traffic counts, they are kept for the next try", "error", err)
	}
}

// take returns what was counted, and forgets rows that are quiet.
func (c *Counter) take() []store.Traffic {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var batch []store.Traffic
	for k, r := range c.rows {
		switch {
		case !r.Last.IsZero():
			batch = append(batch, r.Traffic)
			// The window goes on: its peak is still the peak.
			r.Traffic = store.Traffic{Sender: k.sender, Login: k.login, List: k.list, Mark: k.mark, Unmarked: r.Unmarked}
		case now.Sub(r.since) >= window:
			delete(c.rows, k)
		}
	}
	return batch
}

func (c *Counter) putBack(batch []store.Traffic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range batch {
		r := c.rows[key{t.Sender, t.Login, t.List, t.Mark}]
		if r == nil {
			continue
		}
		r.Messages += t.Messages
		r.Recipients += t.Recipients
		r.Dropped += t.Dropped
		r.Repeated += t.Repeated
		r.Peak = max(r.Peak, t.Peak)
		r.Precedence += t.Precedence
		r.FeedbackID += t.FeedbackID
		r.First = t.First
		if r.Last.Before(t.Last) {
			r.Last = t.Last
		}
	}
}

func (c *Counter) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Counter) sure() time.Time {
	if c.Sure != nil {
		return c.Sure()
	}
	return c.now()
}
