package metric

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offramp/store"
)

// scrubber answers what it is set to.
type scrubber struct {
	s     store.Scrubbed
	err   error
	asked int
}

func (k *scrubber) Scrubbed(context.Context) (store.Scrubbed, error) {
	k.asked++
	return k.s, k.err
}

// A scrape asks once, and a store that is away takes nothing back: a counter that
// begins at zero again would be a start.
func TestOverwritingIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &scrubber{s: store.Scrubbed{Written: 5}}
		o := &overwriting{scrubber: k}
		for range 4 {
			if got := o.state(); got.Written != 5 {
				t.Errorf("%+v", got)
			}
		}
		if k.asked != 1 {
			t.Errorf("asked %d times", k.asked)
		}
		k.s, k.err = store.Scrubbed{}, errors.New("away")
		time.Sleep(2 * scrubbedFor)
		if got := o.state(); got.Written != 5 || k.asked != 2 {
			t.Errorf("%+v, asked %d times", got, k.asked)
		}
	})
}

// file answers what it is set to.
type file struct {
	usage store.Usage
	err   error
}

func (f *file) Health() store.Health                       { return store.Health{Commits: 7, Faults: 1, Trusted: true} }
func (f *file) Integrity() store.Integrity                 { return store.Integrity{Verified: true, Damage: "page 3"} }
func (f *file) Usage(context.Context) (store.Usage, error) { return f.usage, f.err }

func TestStore(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	spool := &file{usage: store.Usage{Messages: 2, Queued: 3, Held: 1, Oldest: now.Add(-90 * time.Second), Free: 50 << 30, Capacity: 100 << 30}}
	all := Store{Consent: &file{}, Spool: spool, Scrubber: &scrubber{s: store.Scrubbed{Asked: 3, Done: 1, Since: now.Add(-time.Minute)}}, Now: func() time.Time { return now }}.Collectors()
	text := scrape(t, all...)
	for _, line := range []string{
		"offramp_queue_messages 2", `offramp_queue_recipients{state="queued"} 3`, `offramp_queue_recipients{state="held"} 1`, `offramp_queue_recipients{state="failed"} 0`,
		"offramp_queue_oldest_age_seconds 90", "offramp_spool_free_bytes 5.36870912e+10", "offramp_spool_capacity_bytes 1.073741824e+11",
		`offramp_store_commits_total{file="spool"} 7`, `offramp_store_trusted{file="consent"} 1`,
		"offramp_consent_verified 1", "offramp_consent_damaged 1", "offramp_consent_stopped 0", "offramp_scrub_due 2", "offramp_scrub_due_seconds 60",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("lacks %s", line)
		}
	}
	spool.err = errors.New("away")
	if text = scrape(t, all...); strings.Contains(text, "offramp_queue_messages ") || !strings.Contains(text, "offramp_scrub_due 2") {
		t.Errorf("without the spool: %s", text)
	}
}
