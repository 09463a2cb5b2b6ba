package gateway

import (
	"context"
	"sync/atomic"

	"offramp/gateway/consent"
	"offramp/gateway/jobs"
)

// holder names whoever works on imports of the data: of the folder's files there is one
// process at a time, and the next one goes on at once.
const holder = "data folder"

// jobs takes files of suppressions.
func (c Config) jobs(p Parts, people *consent.Consent) *jobs.Jobs {
	return &jobs.Jobs{
		Config: c.Import, Dir: p.ImportDir, Store: p.Jobs, People: people, Lists: p.Consent, Holder: holder, Busy: busy(p),
		Room: func(ctx context.Context) (free, capacity int64, err error) {
			u, err := p.Spool.Usage(ctx)
			return int64(u.Free), int64(u.Capacity), err
		},
		Now: p.Now, Log: p.Log,
	}
}

// busy says whether mail was taken or delivered since it was asked last.
func busy(p Parts) func() bool {
	var last atomic.Int64
	return func() bool {
		now := p.Spool.Health().Commits
		return last.Swap(now) != now
	}
}
