package gateway

import (
	"context"
	"sync"
	"time"

	"offramp/gateway/api"
	"offramp/store"
)

// files adds what the files of the engine say of themselves, and how far what
// was erased is overwritten.
func (m *metrics) files(p Parts) {
	for name, file := range map[string]store.Durable{"spool": p.Spool, "consent": p.Consent} {
		labels := map[string]string{"file": name}
		add := func(name, help string, kind api.MetricType, value func(store.Health) float64) {
			*m = append(*m, api.Metric{Name: name, Help: help, Type: kind, Labels: labels, Value: func() float64 { return value(file.Health()) }})
		}
		add("offramp_store_commits_total", "Changes that were made durable, many at once.", api.Counter, func(h store.Health) float64 { return float64(h.Commits) })
		add("offramp_store_faults_total", "Changes that could not be made durable.", api.Counter, func(h store.Health) float64 { return float64(h.Faults) })
		add("offramp_store_trusted", "1: the file keeps what it is given; 0: it failed to, and nothing is taken until it does.", api.Gauge, func(h store.Health) float64 {
			if h.Trusted {
				return 1
			}
			return 0
		})
	}
	if p.Scrubber != nil {
		m.scrub(p)
	}
}

// scrubbedFor is how long an answer stands for all metrics of a scrape, and the
// longest time that one waits for it.
const scrubbedFor = time.Second

// overwriting is how far what was erased is overwritten. Without an answer it is as
// before: readiness says that the store is away.
type overwriting struct {
	scrubber store.Scrubber

	mu    sync.Mutex
	asked time.Time
	last  store.Scrubbed
}

func (o *overwriting) state() store.Scrubbed {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.asked) < scrubbedFor {
		return o.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrubbedFor)
	defer cancel()
	if s, err := o.scrubber.Scrubbed(ctx); err == nil {
		o.last = s
	}
	o.asked = time.Now()
	return o.last
}

func (m *metrics) scrub(p Parts) {
	o := &overwriting{scrubber: p.Scrubber}
	add := func(name, help string, kind api.MetricType, value func(store.Scrubbed) float64) {
		*m = append(*m, api.Metric{Name: "offramp_scrub_" + name, Help: help, Type: kind, Value: func() float64 { return value(o.state()) }})
	}
	add("left_bytes", "Free space that is still to be overwritten, or looked at, for those who were erased.", api.Gauge, func(s store.Scrubbed) float64 { return float64(s.Left) })
	add("written_bytes_total", "Bytes of free space that were overwritten.", api.Counter, func(s store.Scrubbed) float64 { return float64(s.Written) })
	add("due", "Requests to overwrite what was erased that are not through.", api.Gauge, func(s store.Scrubbed) float64 { return float64(s.Asked - s.Done) })
	add("due_seconds", "How long the oldest of them waits.", api.Gauge, func(s store.Scrubbed) float64 {
		if s.Since.IsZero() {
			return 0
		}
		return max(p.Now().Sub(s.Since).Seconds(), 0)
	})
}
