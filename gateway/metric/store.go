package metric

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/store"
)

// File is what one file of the store says of itself.
type File interface {
	Health() store.Health
	Integrity() store.Integrity
}

// Spool has the mail.
type Spool interface {
	File
	Usage(ctx context.Context) (store.Usage, error)
}

// Scrubber says how far what was erased is overwritten.
type Scrubber interface {
	Scrubbed(ctx context.Context) (store.Scrubbed, error)
}

// Store is what the metrics of the store are made of.
type Store struct {
	Consent  File
	Spool    Spool
	Scrubber Scrubber // nil: nothing is known
	Now      func() time.Time
}

// Collectors returns all of them.
func (s Store) Collectors() []prometheus.Collector {
	set := Set{newQueue(s.Spool, s.Now)}
	s.file(&set, "spool", s.Spool)
	s.file(&set, "consent", s.Consent)
	s.integrity(&set)
	if s.Scrubber != nil {
		s.scrub(&set)
	}
	return set
}

func (s Store) file(set *Set, name string, f File) {
	set.Counter("offramp_store_commits_total", "Changes that were made durable, many at once.", func() float64 { return float64(f.Health().Commits) }, "file", name)
	set.Counter("offramp_store_faults_total", "Changes that could not be made durable.", func() float64 { return float64(f.Health().Faults) }, "file", name)
	set.Flag("offramp_store_trusted", "1: the file keeps what it is given; 0: it failed to, and nothing is taken until it does.", func() bool { return f.Health().Trusted }, "file", name)
}

// integrity is what is known of damage to the records that stop mail, and to
// queued mail.
func (s Store) integrity(set *Set) {
	set.Flag("offramp_consent_verified", "Whether all records that stop mail were verified since the start; deliveries wait until then.",
		func() bool { return s.Consent.Integrity().Verified })
	set.Flag("offramp_consent_damaged", "Whether records that stop mail are damaged or lost; 1 is an alarm.",
		func() bool { return s.Consent.Integrity().Damage != "" })
	set.Flag("offramp_consent_stopped", "Whether no list mail is sent to anybody, since nobody can say whose records are damaged; 1 is an alarm.",
		func() bool { return s.Consent.Integrity().Stopped })
	set.Flag("offramp_spool_examined", "Whether spool.db was examined for damage since the start; deliveries do not wait for it.",
		func() bool { return s.Spool.Integrity().Verified })
	set.Flag("offramp_spool_damaged", "Whether queued mail is damaged or lost; 1 is an alarm.",
		func() bool { return s.Spool.Integrity().Damage != "" })
}

func (s Store) scrub(set *Set) {
	o := &overwriting{scrubber: s.Scrubber}
	set.Gauge("offramp_scrub_left_bytes", "Free space that is still to be overwritten, or looked at, for those who were erased.", func() float64 { return float64(o.state().Left) })
	set.Counter("offramp_scrub_written_bytes_total", "Bytes of free space that were overwritten.", func() float64 { return float64(o.state().Written) })
	set.Gauge("offramp_scrub_due", "Requests to overwrite what was erased that are not through.", func() float64 {
		at := o.state()
		return float64(at.Asked - at.Done)
	})
	set.Gauge("offramp_scrub_due_seconds", "How long the oldest of them waits.", func() float64 {
		at := o.state()
		if at.Since.IsZero() {
			return 0
		}
		return max(s.Now().Sub(at.Since).Seconds(), 0)
	})
}

// scrubbedFor is how long an answer stands for all metrics of a scrape, and the
// longest time that one waits for it.
const scrubbedFor = time.Second

// overwriting is how far what was erased is overwritten. Without an answer it is as
// before: readiness says that the store is away.
type overwriting struct {
	scrubber Scrubber

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

// usageTimeout is how long a scrape waits for the spool.
const usageTimeout = 5 * time.Second

// queue asks the spool once for each scrape.
type queue struct {
	spool                                      Spool
	now                                        func() time.Time
	messages, recipients, oldest, free, volume *prometheus.Desc
}

func newQueue(spool Spool, now func() time.Time) *queue {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &queue{
		spool: spool, now: now,
		messages:   desc("offramp_queue_messages", "Messages in the spool."),
		recipients: desc("offramp_queue_recipients", "Recipients in the spool, by what they wait for.", "state"),
		oldest:     desc("offramp_queue_oldest_age_seconds", "Age of the oldest message in the spool; 0 when it is empty."),
		free:       desc("offramp_spool_free_bytes", "Bytes free on the spool's volume."),
		volume:     desc("offramp_spool_capacity_bytes", "Size of the spool's volume in bytes."),
	}
}

// Describe implements prometheus.Collector.
func (q *queue) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{q.messages, q.recipients, q.oldest, q.free, q.volume} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (q *queue) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), usageTimeout)
	defer cancel()
	u, err := q.spool.Usage(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(q.messages, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	age := time.Duration(0)
	if !u.Oldest.IsZero() {
		age = max(0, q.now().Sub(u.Oldest))
	}
	gauge(q.messages, float64(u.Messages))
	gauge(q.recipients, float64(u.Queued), "queued")
	gauge(q.recipients, float64(u.Held), "held")
	gauge(q.recipients, float64(u.Failed), "failed")
	gauge(q.oldest, age.Seconds())
	gauge(q.free, float64(u.Free))
	gauge(q.volume, float64(u.Capacity))
}
